"""`ops.run.afterkill`: what killed runs left goes, what living runs use stays."""

import os
from pathlib import Path

import pytest

from fluxsecrets.files.deadfolders import DeadFolders
from fluxsecrets.files.staging import staging
from fluxsecrets.ops.run.afterkill import clean_up, left_behind, messages
from fluxsecrets.ops.run.runlock import only_run
from fluxsecrets.ops.run.statefolder import place_in_git

pytestmark = pytest.mark.skipif(os.name == "nt", reason="folders have no locks there")


@pytest.fixture
def root(tmp_path, environment, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "tree" / ".git" / "fluxsecrets").mkdir(parents=True)
    return tmp_path / "tree"


def remains(root: Path) -> list[Path]:
    state = root / ".git" / "fluxsecrets"
    folders = [state / "journal.draft", state / "journal.done"]
    for folder in folders:
        folder.mkdir()
        (folder / "contents").write_text("throw-away")
    return folders


def test_the_remains_of_journals_go_and_a_journal_that_waits_stays(root):
    journal = root / ".git" / "fluxsecrets" / "journal"
    journal.mkdir()
    folders = remains(root)
    (root / "below").mkdir()
    clean_up(os.environ, str(root / "below"))
    assert not any(folder.exists() for folder in folders)
    assert journal.exists()


def test_those_of_a_living_run_stay(root):
    folders = remains(root)
    with only_run(place_in_git(root, root / ".git"), "rotate"), staging() as name:
        temp = name(root / "a.yaml")
        temp.write_text("throw-away")
        assert clean_up(os.environ, str(root)) == DeadFolders()
        assert all(folder.exists() for folder in folders)
        assert temp.exists()


def test_an_empty_folder_is_deleted_without_a_word(root):
    folder = root / ".git" / "fluxsecrets" / f"fluxsecrets-{'0a' * 16}"
    folder.mkdir(mode=0o700)
    assert messages(clean_up(os.environ, str(root))) == ()
    assert not folder.exists()


def test_a_folder_with_plain_text_is_named(root):
    folder = root / ".git" / "fluxsecrets" / f"fluxsecrets-{'0a' * 16}"
    folder.mkdir(mode=0o700)
    (folder / "secret.yaml").write_text("throw-away")
    assert left_behind(os.environ, root) == ()
    assert not folder.exists()
    (said,) = messages(DeadFolders((folder,)))
    assert str(folder) in said
