"""Names behind the keys that were tried on a file."""

import pickle

import pytest

from fluxsecrets.errors import Attempt, DataKeyError, Tried
from fluxsecrets.ops.run.people import names_of_tried
from fluxsecrets.report.errors import SimilarErrors, error_lines

ALICE = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
BOB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"
TRIED = Tried(
    2,
    frozenset({1}),
    (
        Attempt(2, "age", ALICE, "age1a454ldt5…s5m7la", "not among your identities"),
        Attempt(2, "age", f"{BOB} bob@laptop", "ssh-ed25519 …I1NTE5AA", "keys.txt:3: malformed"),
    ),
    ("SOPS_AGE_KEY (1 identity)",),
)
DETAILS = (
    "group 1  opened",
    "group 2",
    "  age1a454ldt5…s5m7la    not among your identities",
    "  ssh-ed25519 …I1NTE5AA  keys.txt:3: malformed",
    "looked in: SOPS_AGE_KEY (1 identity)",
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "bob.pub").write_text(f"# comment\n{BOB}\n")
    return tmp_path


def test_names_come_from_anchors_and_public_keys(folder):
    (folder / ".sops.yaml").write_text(f"keys: [&alice {ALICE}]\ncreation_rules: [{{age: *alice}}]\n")
    names = names_of_tried(TRIED, folder / "secret.yaml")
    assert names == {ALICE: "alice", f"{BOB} bob@laptop": "bob"}
    assert tuple(TRIED.lines(names))[2:4] == (
        "  age1a454ldt5…s5m7la (alice)  not among your identities",
        "  ssh-ed25519 …I1NTE5AA (bob)  keys.txt:3: malformed",
    )
    shown = error_lines(SimilarErrors(DataKeyError("none", tried=TRIED)), names)
    assert shown[3] == "    age1a454ldt5…s5m7la (alice)  not among your identities"


@pytest.mark.parametrize("rules", [None, "creation_rules: [", "creation_rules: []"])
def test_without_names_nothing_changes(tmp_path, rules):
    if rules is not None:
        (tmp_path / ".sops.yaml").write_text(rules)
    assert names_of_tried(TRIED, tmp_path / "sub" / "secret.yaml") == {}
    assert DataKeyError("none", tried=TRIED).details == DETAILS


def test_what_was_tried_comes_back_from_a_worker():
    error = pickle.loads(pickle.dumps(DataKeyError("none", path="a.yaml", tried=TRIED)))
    assert (error.tried, error.details, error.path) == (TRIED, DETAILS, "a.yaml")
