"""What is looked up for many folders at once is what each gives by itself."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.files.statedirs import state_above
from fluxsecrets.ops.run.onefile import refuse_interrupted_in
from fluxsecrets.ops.run.session import Session

FOLDERS = ("", "a", "a/b", "a/b/c", "a/d", "a/d/e", "f", "f/g", "f/gone", "h", "h/i")
IN_GIT = ("a", "a/b", "f/g")
WITH_RULES = ("a/.sops.yaml", "a/b/c/.sops.yaml", "f/g/.sops.yaml", "h/.sops.yaml/folder")

some_folders = st.lists(st.sampled_from(FOLDERS), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = (tmp_path_factory.mktemp("tree") / "root").resolve()
    for folder in {*FOLDERS, *IN_GIT} - {"f/gone"}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in IN_GIT:
        (root / folder / ".git").mkdir()
    (root / "h/.git").write_text("gitdir: ../elsewhere\n")
    for path in WITH_RULES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("creation_rules: []\n")
    return root


@given(folders=some_folders)
def test_the_state_folders_of_work_trees(root, folders):
    names = dict.fromkeys(str(root / folder) for folder in folders)
    alone = {state for name in names if (state := state_above(name)) is not None}
    assert refuse_interrupted_in(names) == alone


@given(folders=some_folders)
def test_the_rules_of_folders(root, folders):
    session, known = Session(os.environ, root), {}
    found = [session.find_config(root / folder, known) for folder in folders]
    assert found == [Session(os.environ, root).find_config(root / folder) for folder in folders]
    assert {
        str(root / folder): path for folder, path in zip(folders, found, strict=True)
    }.items() <= known.items()
