"""Names in the tree of keys that were tried."""

from pathlib import Path

import pytest

from fluxsecrets.errors import DataKeyError
from fluxsecrets.ops.run.names import with_names

ALICE = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
BOB = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
DETAILS = (
    "group 1  opened",
    f"  {ALICE[:12]}…{ALICE[-6:]}  not among your identities",
    f"  {BOB[:12]}…{BOB[-6:]}  keys.txt:3: malformed",
    "looked in: SOPS_AGE_KEY (1 identity)",
)


def error_in(path):
    return DataKeyError("none", path=path, details=DETAILS)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "bob.pub").write_text(f"# comment\n{BOB}\n")
    return tmp_path


def test_names_come_from_anchors_and_public_keys(folder):
    (folder / ".sops.yaml").write_text(f"keys: [&alice {ALICE}]\ncreation_rules: [{{age: *alice}}]\n")
    assert with_names(error_in("secret.yaml"), folder).details == (
        DETAILS[0],
        "  age1a454ldt5…s5m7la (alice)  not among your identities",
        "  age1lggyhqrw…qvfafg (bob)    keys.txt:3: malformed",
        DETAILS[3],
    )


@pytest.mark.parametrize("rules", [None, "creation_rules: [", "creation_rules: []"])
def test_without_names_nothing_changes(tmp_path, rules):
    if rules is not None:
        (tmp_path / ".sops.yaml").write_text(rules)
    assert with_names(error_in("sub/secret.yaml"), tmp_path).details == DETAILS
    assert with_names(error_in(None), Path("/")).details == DETAILS
