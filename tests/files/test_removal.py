"""A folder of ours goes, whatever a program made of it; nothing else does."""

import os
import sys
import threading
from pathlib import Path

import pytest

from fluxsecrets.files import removal
from fluxsecrets.files.private import private_directory
from fluxsecrets.files.removal import remove_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no descriptors of folders")


@pytest.fixture
def made(tmp_path):
    """A folder with something in it, and its descriptor."""
    folder = tmp_path / "ours"
    (folder / "tree" / "inner").mkdir(parents=True)
    (folder / "tree" / "inner" / "file").write_text("x")
    descriptor = os.open(folder, os.O_RDONLY)
    yield folder, descriptor
    os.close(descriptor)


def test_folders_without_permissions_are_deleted(made):
    folder, descriptor = made
    for each in (folder / "tree" / "inner", folder / "tree", folder):
        each.chmod(0)
    remove_folder(folder, descriptor)
    assert not folder.exists()


def test_folders_deeper_than_the_recursion_limit_are_deleted(made, monkeypatch):
    folder, descriptor = made
    monkeypatch.chdir(folder)
    for _ in range(sys.getrecursionlimit() + 200):
        os.mkdir("d")  # noqa: PTH102 - the path as a whole is too long for the system
        os.chdir("d")
    os.chdir(folder.parent)
    remove_folder(folder, descriptor)
    assert not folder.exists()


def test_links_are_not_followed(made, tmp_path):
    folder, descriptor = made
    other = tmp_path / "other"
    other.mkdir(mode=0o500)
    (folder / "link").symlink_to(other)
    (folder / "tree" / "link").symlink_to(other)
    remove_folder(folder, descriptor)
    assert not folder.exists()
    assert other.stat().st_mode & 0o777 == 0o500


def test_a_link_that_takes_the_place_of_a_folder_meanwhile_is_not_followed(made, tmp_path, monkeypatch):
    folder, descriptor = made
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("kept")
    real, swapped = os.open, []

    def swap(path, *args, **options):
        if path == "tree" and not swapped:
            swapped.append((folder / "tree").rename(tmp_path / "aside"))
            (folder / "tree").symlink_to(other)
        return real(path, *args, **options)

    monkeypatch.setattr(removal.os, "open", swap)
    remove_folder(folder, descriptor)
    assert swapped
    assert not folder.exists()
    assert (other / "kept").read_text() == "kept"


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_took_the_name_of_the_folder_stays_and_its_own_content_goes(made, tmp_path, kind):
    folder, descriptor = made
    moved = folder.rename(tmp_path / "moved")
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").write_text("kept")
    if kind == "link":
        folder.symlink_to(other)
    else:
        other.rename(folder)
    remove_folder(folder, descriptor)
    assert (folder / "kept").read_text() == "kept"
    assert list(moved.iterdir()) == []


def test_a_writer_that_does_not_stop_is_an_error(made, monkeypatch):
    folder, descriptor = made
    real = os.rmdir

    def refill(name, **options):
        if name == "tree":
            (folder / "tree" / "new").write_text("x")
        return real(name, **options)

    monkeypatch.setattr(removal.os, "rmdir", refill)
    with pytest.raises(OSError, match="not empty"):
        remove_folder(folder, descriptor)


def test_a_writer_that_stops_is_waited_for(made):
    folder, descriptor = made
    started = threading.Event()

    def write():
        for number in range(50):
            try:
                Path(folder, "tree", f"f{number}").write_text("x")
            except OSError:
                break
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    remove_folder(folder, descriptor)
    writer.join()
    assert not folder.exists()


def test_a_private_folder_that_a_program_locked_is_deleted():
    with private_directory() as folder:
        (folder / "tree" / "inner").mkdir(parents=True)
        (folder / "tree").chmod(0)
    assert not folder.exists()
