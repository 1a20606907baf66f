"""Folders for plain text: private, gone at the end, and cleaned up behind runs that were killed."""

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import private
from fluxsecrets.files.private import private_directory

NEW = b"new: content that is longer\n"

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def failing(number: int):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.setattr(private, "_memory_folder", lambda: None)


def test_the_private_folder_is_private_and_goes_with_its_contents():
    with private_directory() as folder:
        if os.name == "posix":
            assert mode_of(folder) == 0o700
        (folder / "below").mkdir()
        (folder / "below" / "plain.yaml").write_bytes(NEW)
    assert not folder.exists()


def test_the_private_folder_goes_when_its_block_fails():
    folders: list[Path] = []

    def interrupted():
        with private_directory() as folder:
            folders.append(folder)
            (folder / "plain.yaml").write_bytes(NEW)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not folders[0].exists()


def test_a_private_folder_that_is_gone_already_is_no_error():
    with private_directory() as folder:
        folder.rmdir()
    assert not folder.exists()


def test_a_private_folder_that_cannot_be_deleted_is_named(no_memory, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(os, "unlink", failing(errno.EBUSY))
    with pytest.raises(FileAccessError, match="may hold plain text") as caught, private_directory() as folder:
        (folder / "plain").write_bytes(b"x")  # an empty folder goes at once
    assert folder.parent == tmp_path
    assert caught.value.path == str(folder)


def test_without_memory_the_usual_place_is_used(no_memory, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with private_directory() as folder:
        assert folder.parent == tmp_path


def test_a_private_folder_that_cannot_be_made_is_an_error(no_memory, monkeypatch):
    monkeypatch.setattr(Path, "mkdir", failing(errno.ENOSPC))
    with pytest.raises(FileAccessError, match="the disk is full"), private_directory():
        pytest.fail("there is no folder to work in")


@linux_only
@pytest.mark.parametrize(("magic", "taken"), [(private.TMPFS, True), (0xEF53, False)])
def test_the_runtime_folder_is_taken_only_where_it_is_memory(tmp_path, monkeypatch, magic, taken):
    runtime = tmp_path.stat().st_ino
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(
        private, "file_system", lambda descriptor: magic if os.fstat(descriptor).st_ino == runtime else 0
    )
    assert private._memory_folder() == (str(tmp_path) if taken else None)


@linux_only
@pytest.mark.parametrize("value", ["", "relative/folder", "/does/not/exist"])
def test_an_unusable_runtime_folder_is_passed_over(monkeypatch, value):
    monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    assert private._memory_folder() in ("/dev/shm", None)
