"""`ops.run.afterkill`: what killed runs left goes, what living runs use stays."""

import os
from pathlib import Path

import pytest

from filesystems import LIMIT, NEW, OLD
from fluxsecrets.files import swap
from fluxsecrets.files.beside import Fate, remove_leftover, temporary_path
from fluxsecrets.files.cameout import marked
from fluxsecrets.files.deadfolders import DeadFolders, remove_dead_folders
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.staging import staging
from fluxsecrets.files.writing import write_atomic
from fluxsecrets.ops.run.afterkill import clean_up, left_behind, messages
from fluxsecrets.ops.run.kept import open_kept
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


EDIT = b"password: an edit that was saved meanwhile\n"


class Killed(BaseException):
    """Ends a run; nothing on disk is changed after it."""


@pytest.fixture
def secret(root):
    path = root / "a=s b" / "secret.yaml"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


@pytest.fixture(params=["swap", "no swap", "removal"])
def kill(request, monkeypatch, secret):
    """Begin to replace or remove the file, save an edit at the last moment, and be killed before the look."""

    def replace(content):
        write_atomic(secret, NEW, expected=content)

    def remove(content):
        with staging() as name:
            swap.take_out(secret, name(secret), content)

    def run(save):
        content = read_file(secret, limit=LIMIT)
        with monkeypatch.context() as patch:
            real, looks = swap._is_expected, 2 if request.param == "no swap" else 1

            def killed(*args, **kwargs):
                raise Killed

            def look(path, expected):
                nonlocal looks
                looks -= 1
                if looks >= 0:
                    answer = real(path, expected)
                    if looks == 0:
                        save(secret)
                    return answer
                for name in ("unlink", "rename", "replace", "rmdir", "link"):
                    patch.setattr(os, name, killed)
                raise Killed

            if request.param == "no swap":
                patch.setattr(swap, "_exchange", lambda **_: None)
            patch.setattr(swap, "_is_expected", look)
            with pytest.raises(Killed):
                (remove if request.param == "removal" else replace)(content)

    return run


def in_place(path: Path) -> None:
    path.write_bytes(EDIT)


def by_rename(path: Path) -> None:
    path.with_name("editor").write_bytes(EDIT)
    path.with_name("editor").replace(path)


def kept_files(root: Path) -> list[Path]:
    return [path for path in (root / ".git" / "fluxsecrets" / "kept").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("kill", "save"),
    # Without a swap, a file that is renamed over the old one at the last moment can't be held.
    [
        ("swap", in_place),
        ("swap", by_rename),
        ("no swap", in_place),
        ("removal", in_place),
        ("removal", by_rename),
    ],
    indirect=["kill"],
)
def test_an_edit_that_a_killed_run_held_is_kept_and_named(root, secret, kill, save):
    kill(save)
    state = root / ".git" / "fluxsecrets"
    assert not secret.exists() or secret.read_bytes() == NEW
    assert remove_dead_folders([str(state)]).left, "who can't keep it leaves it"
    found = clean_up(os.environ, str(root))
    (path,) = kept_files(root)
    assert found == DeadFolders(kept=((str(secret), path),))
    assert EDIT not in path.read_bytes()
    assert open_kept(path) == EDIT
    (said,) = messages(found)
    assert f"'{secret}'" in said
    assert f"fluxsecrets recover --show {path}" in said
    assert clean_up(os.environ, str(root)) == DeadFolders()


def test_an_edit_that_is_in_the_tree_again_is_not_kept(root, secret, kill):
    kill(in_place)
    secret.write_bytes(EDIT)
    assert clean_up(os.environ, str(root)).kept == ()
    assert kept_files(root) == []


def test_what_a_killed_run_replaced_on_purpose_is_not_kept(root, secret, kill):
    kill(lambda path: None)
    (folder,) = clean_up(os.environ, str(root)).deleted
    assert not folder.exists()
    assert kept_files(root) == []


def test_an_edit_under_a_temporary_name_beside_the_file_is_not_deleted(tmp_path):
    target = tmp_path / "secret.yaml"
    target.write_bytes(OLD)
    content = read_file(target, limit=LIMIT)
    for data, fate in ((EDIT, Fate.LEFT), (OLD, Fate.DELETED)):
        path = marked(temporary_path(target), content)
        path = path.with_name(path.name.replace(f"-{os.getpid()}-", "-999999999-"))
        path.write_bytes(data)
        assert remove_leftover(path) is fate
