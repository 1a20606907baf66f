"""What the command of `masked` gets: paths in place of `{}`, a folder, no keys."""

from pathlib import Path

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.keys.identities import VARIABLES
from fluxsecrets.ops.masked.surroundings import folder_for, leads_to_key, with_paths, without_keys

ONE, TWO = Path("/x/before"), Path("/x/after")


@pytest.mark.parametrize(
    ("arguments", "roots", "expected"),
    [
        (("a", "{}/b", "-v{}:{}"), (ONE,), ("a", f"{ONE}/b", f"-v{ONE}:{ONE}")),
        (("a",), (ONE,), ("a",)),
        (("diff", "{}", "{}/b"), (ONE, TWO), ("diff", f"{ONE}", f"{TWO}/b")),
        (("diff {} {}",), (ONE, TWO), (f"diff {ONE} {TWO}",)),
    ],
)
def test_paths(arguments, roots, expected):
    assert with_paths(arguments, roots) == expected


@pytest.mark.parametrize("arguments", [("a",), ("a", "{}"), ("{}{}{}",)])
def test_two_trees_need_two_places(arguments):
    with pytest.raises(UsageError):
        with_paths(arguments, (ONE, TWO))


def test_every_variable_that_leads_to_an_identity_is_taken_away():
    finders = {"XDG_CONFIG_HOME", "HOME", "APPDATA", "USERPROFILE", "PATH"}
    assert {name for name in VARIABLES if not leads_to_key(name)} == finders
    environ = dict.fromkeys(("PATH", "SOPS_AGE_KEY", "AWS_REGION", "AWS_SESSION_TOKEN", "VAULT_TOKEN"), "x")
    assert set(without_keys(environ, ())) == {"PATH", "AWS_REGION"}
    assert set(without_keys(environ, ("VAULT_TOKEN",))) == {"PATH", "AWS_REGION", "VAULT_TOKEN"}


def test_a_command_without_a_path_runs_in_the_same_place_of_the_tree(tmp_path):
    repository, tree = tmp_path / "repository", tmp_path / "tree"
    (repository / "sub").mkdir(parents=True)
    (tree / "sub").mkdir(parents=True)
    assert folder_for(("a",), (tree,), repository, repository / "sub") == tree / "sub"
    assert folder_for(("a",), (tree,), repository, repository) == tree / "."
    assert folder_for(("a",), (tree,), repository, tmp_path) == tree
    assert folder_for(("a", "{}"), (tree,), repository, repository) is None
    assert folder_for(("a",), (tree, tree), repository, repository) is None
