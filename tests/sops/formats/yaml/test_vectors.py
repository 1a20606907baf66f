"""Files that the real sops wrote, and files that it refuses."""

import json
from pathlib import Path

import pytest

from fluxsecrets.errors import DataKeyError, FormatError, IntegrityError, NotEncryptedError
from fluxsecrets.keys import make_providers
from fluxsecrets.sops.document import Leaf, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.values import canonical_bytes, type_name
from tables import each_row

VECTORS = Path(__file__).parents[3] / "vectors"
YAML = YamlFormat()


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


CASES = [
    case
    for case in load("sops/cases.json")
    if case["format"] == "yaml"
    and all(name.endswith(".agekey") and "postquantum" not in name for name in case["identities"])
]
SCALARS = load("sops/scalars.json")


def test_the_cases_are_there():
    assert len(CASES) >= 16
    assert len(SCALARS) > 90


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_sops_encrypted_is_read(core, plain_data, case):
    identities = " ".join(
        line
        for name in case["identities"]
        for line in (VECTORS / name).read_text(encoding="utf-8").splitlines()
        if line.startswith("AGE-SECRET-KEY-")
    )
    encrypted = (VECTORS / case["encrypted"]).read_bytes()
    opened = core.open(encrypted, make_providers({"SOPS_AGE_KEY": identities}))
    expected = plain_data((VECTORS / case["decrypted"]).read_bytes())
    assert plain_data(YAML.rewrite(opened.document, opened.changes, None)) == expected
    assert [to_data(part) for part in opened.plain] == expected
    assert opened.warnings == ()


EXPECTED = {
    "mac-changed-plain-value": (IntegrityError, "the MAC does not match"),
    "values-swapped": (IntegrityError, "cannot be decrypted"),
    "value-bad-base64": (IntegrityError, "cannot be decrypted"),
    "value-flipped": (IntegrityError, "cannot be decrypted"),
    "mac-missing": (IntegrityError, "the file has no MAC"),
    "mac-garbled": (IntegrityError, "the MAC itself was changed"),
    "lastmodified-changed": (IntegrityError, "lastmodified was"),
    "wrong-recipient": (DataKeyError, "none of your identities"),
    "key-removed": (IntegrityError, "the MAC does not match"),
    "conflict-markers": (FormatError, "conflict markers"),
    "no-metadata": (NotEncryptedError, "not encrypted"),
    "truncated": (NotEncryptedError, "not encrypted"),
}
NEGATIVE = load("sops-negative/cases.json")


def test_every_negative_case_has_an_expectation():
    assert {case["name"] for case in NEGATIVE} == set(EXPECTED)


@pytest.mark.parametrize("case", NEGATIVE, ids=lambda case: case["name"])
def test_what_sops_refuses_is_refused(core, case):
    encrypted = (VECTORS / case["file"]).read_bytes()
    kind, message = EXPECTED[case["name"]]
    if kind is NotEncryptedError:
        assert YAML.parse(encrypted, Limits()).metadata is None
        return
    with pytest.raises(kind, match=message) as caught:
        core.open(encrypted)
    assert "ENC[" not in f"{caught.value} {caught.value.details}"


@each_row("row", SCALARS, ids=lambda row: ascii(row["yaml"]))
def test_scalars_have_the_type_that_sops_gives_them(row):
    source = f"a: {row['yaml']}\n".encode()
    if row.get("error"):
        with pytest.raises(FormatError):
            YAML.parse(source, Limits())
        return
    (leaf,) = YAML.parse(source, Limits()).leaves
    assert isinstance(leaf, Leaf)
    kind = row["type"].removeprefix("plain:")
    assert ("null" if leaf.value is None else type_name(leaf.value)) == kind
    if kind not in ("null", "float"):
        # The other column is what YAML's readers make of it again, floats in another spelling.
        (again,) = YAML.parse(f"a: {row['decrypted_yaml']}\n".encode(), Limits()).leaves
        assert canonical_bytes(leaf.value) == canonical_bytes(again.value)
