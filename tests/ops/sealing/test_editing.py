"""SealedSecrets in an editor: what is shown, what keeps its ciphertext, and what would leak."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ciphertexts import WHOLE
from examples import scaled
from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.ops.sealing.editing import seal_edited, show_sealed, value_sealer
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sealed.keys import parse_keys
from fluxsecrets.sealed.model import read_sealed
from fluxsecrets.sealed.opening import open_sealed
from fluxsecrets.sops.formats import Limits
from sealing import VECTORS, key_file

KEYS = parse_keys(key_file("sealing.key"), "sealing.key")
PUBLIC = parse_certificate(key_file("sealing.crt")).key
STRICT = (VECTORS / "sealed" / "strict.yaml").read_bytes()


def namespace(sealed):
    return sealed.namespace


def shown(data=STRICT, keys=KEYS):
    return show_sealed(data, keys, namespace, Limits())


def edited(before, change, seal=value_sealer(PUBLIC)):  # noqa: B008 - a plain function
    text = change(before.text.decode())
    return seal_edited(before, text.encode(), seal, namespace)


def opened(data):
    (manifest,) = read_manifests(data, "").manifests
    return dict(open_sealed(read_sealed(manifest.node), KEYS).values)


def encrypted(data):
    (manifest,) = read_manifests(data, "").manifests
    return dict(read_sealed(manifest.node).encrypted)


@pytest.mark.parametrize("keys", [KEYS, ()], ids=["with the key", "without a key"])
@pytest.mark.parametrize("name", ["strict.yaml", "namespace-wide.yaml", "cluster-wide.json", "strict.json"])
def test_nothing_changed_is_the_same_bytes(keys, name):
    data = (VECTORS / "sealed" / name).read_bytes()
    before = shown(data, keys)
    assert (b"s3cr3t" in before.text) is bool(keys)
    assert edited(before, lambda text: text).data == data


def test_only_what_was_changed_is_sealed():
    before = shown()
    made = edited(before, lambda text: text.replace("password: s3cr3t", "password: new\n    debug: yes"))
    assert (made.sealed, made.kept) == (2, 2)
    old, new = encrypted(STRICT), encrypted(made.data)
    assert {key for key in old if old[key] == new[key]} == {"multi", "raw"}
    assert opened(made.data) == {**opened(STRICT), "password": b"new", "debug": b"yes"}


def test_without_a_key_values_are_replaced_added_renamed_and_removed():
    def change(text):
        lines = text.splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("    raw:")]
        text = "".join(kept).replace("    multi: ", "    renamed: ")
        start = text.index("    password: ")
        return (
            text[:start]
            + "    password: |\n      a\n      b\n    more: x\n"
            + text[text.index("  template:") :]
        )

    made = edited(shown(keys=()), change)
    assert opened(made.data) == {"renamed": opened(STRICT)["multi"], "password": b"a\nb\n", "more": b"x"}
    assert encrypted(made.data)["renamed"] == encrypted(STRICT)["multi"]


def test_a_value_that_is_sealed_already_is_taken_as_it_is():
    text = seal_value(PUBLIC, b"from-raw", b"apps/db")
    made = edited(shown(), lambda shown: shown.replace("password: s3cr3t", f"password: {text}"))
    assert encrypted(made.data)["password"] == text
    assert made.warnings == ("password: already sealed, and not checked for its place",)


def test_a_new_name_seals_every_value_again_or_is_refused():
    made = edited(shown(), lambda text: text.replace("name: db", "name: other"))
    assert opened(made.data) == opened(STRICT)
    assert not set(encrypted(made.data).values()) & set(encrypted(STRICT).values())
    with pytest.raises(UsageError, match="'multi' must be sealed again for its new name"):
        edited(shown(keys=()), lambda text: text.replace("name: db", "name: other"))
    wide = '  annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}\n  name: db'
    assert opened(edited(shown(), lambda text: text.replace("  name: db", wide, 1)).data) == opened(STRICT)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("kind: SealedSecret", "kind: Secret", UnprotectedError, "would be plain text"),
        ("kind: SealedSecret", "kind: SealedSecrets", UnprotectedError, "would be plain text"),
        ("spec:\n", "stringData: {a: hunter2}\nspec:\n", UnprotectedError, "under stringData"),
        ("spec:\n", "spec:\n  data: {a: hunter2}\n", UnprotectedError, "under data"),
        ("note: hi", "note: s3cr3t", UnprotectedError, "holds the value of 'password'"),
        ("spec:\n", "spec:\n  # was s3cr3t\n", UnprotectedError, "a comment holds the value"),
        ("password: s3cr3t", "# password: s3\n    password: n3w", UnprotectedError, "commented out"),
        ("password: s3cr3t", "password: 5", FormatError, "'password' is not a string"),
        ("password: s3cr3t", f"password: {WHOLE}", AlreadyEncryptedError, "is a SOPS ciphertext"),
        ("password: s3cr3t", "password:", FormatError, "'password' is not a string"),
        ("password: s3cr3t", "password: {a: b}", FormatError, "is not a string"),
        ("raw in db", "raw in dc", FormatError, "a placeholder that was changed"),
        ("spec:\n", "spec: [\n", FormatError, "not valid YAML"),
        ("  namespace: apps\n", "", FormatError, "has no namespace"),
        ("---\n", "---\nkind: Secret\napiVersion: v1\nmetadata: {name: x}\nstringData: {a: b}\n---\n",
         UnprotectedError, "would be plain text"),
    ],
)  # fmt: skip
def test_what_would_leak_or_break_is_refused(old, new, error, words):
    before = shown()
    assert old in before.text.decode()
    with pytest.raises(error, match=words) as refused:
        edited(before, lambda text: text.replace(old, new, 1))
    assert "s3cr3t" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_the_placeholder_of_another_object_is_refused():
    two = STRICT + STRICT.replace(b"name: db", b"name: other")
    before = shown(two, ())
    with pytest.raises(FormatError, match="a placeholder that was changed, or is from another object"):
        edited(before, lambda text: text.replace("password in other", "password in db"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"kind: ConfigMap\n", "no SealedSecret"),
        (STRICT.replace(b"encryptedData:", b"data: AgA=\n  encryptedData:"), "all values in one"),
        (STRICT.replace(b"    password: Ag", b"    password: Bg"), "'password'"),
    ],
)
def test_what_can_not_be_edited(data, words):
    with pytest.raises(FluxsecretsError, match=words):
        shown(data)


def test_values_that_look_like_placeholders_stay():
    text = seal_value(PUBLIC, b"<sealed value of x", b"apps/db")
    data = STRICT.replace(encrypted(STRICT)["password"].encode(), text.encode())
    made = edited(shown(data), lambda text: text.replace("note: hi", "note: ho"))
    assert encrypted(made.data)["password"] == text


VALUES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9._-]{0,8}", fullmatch=True),
    st.one_of(
        st.text(max_size=40),
        st.binary(max_size=20),
        st.sampled_from(
            ["yes", "off", "12:30", "0777", "~", "", " a ", "a\n", "\n\n", "#x", "a: b", "\x85", "\r\n"]
        ),
    ).map(lambda value: value if isinstance(value, bytes) else value.encode("utf-8", "replace")),
    min_size=1,
    max_size=4,
)


@settings(max_examples=scaled(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=VALUES, as_json=st.booleans(), with_key=st.booleans())
def test_any_values_stay_when_another_one_is_added(values, as_json, with_key):
    sealed = {key: seal_value(PUBLIC, value, b"apps/db") for key, value in values.items()}
    data = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": "apps"},
        "spec": {"encryptedData": sealed},
    }
    text = json.dumps(data, indent=2) + "\n"
    if not as_json:
        lines = "".join(f"    {key}: {value}\n" for key, value in sealed.items())
        text = (
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: apps\n"
            f"spec:\n  encryptedData:\n{lines}"
        )
    before = shown(text.encode(), KEYS if with_key else ())
    assert edited(before, lambda shown: shown).data == text.encode()
    new = '"encryptedData": {\n      "new-one": "x",' if as_json else "encryptedData:\n    new-one: x"
    old = '"encryptedData": {' if as_json else "encryptedData:"
    made = edited(before, lambda shown: shown.replace(old, new, 1))
    assert {key: text for key, text in encrypted(made.data).items() if key != "new-one"} == sealed
    assert opened(made.data) == {**values, "new-one": b"x"}
