"""Folders that are made as a whole: their modes, their links, and what is left when they fail."""

import os
import sys
from pathlib import Path

import pytest

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.newfolder import NewFolder, Room, new_folder, room_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX's")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("private", "modes"), [(True, (0o700, 0o600, 0o700)), (False, (0o755, 0o644, 0o755))]
)
def test_modes(tmp_path, private, modes):
    before = os.umask(0o022)
    try:
        with new_folder(tmp_path / "out", private=private) as folder:
            folder.write("deep/er/a", b"a")
            folder.write("deep/run", b"b", executable=True)
            folder.copy("deep/copy", folder.root / "deep/er/a")
            assert not (tmp_path / "out").exists()
    finally:
        os.umask(before)
    out = tmp_path / "out"
    assert (mode(out / "deep/er"), mode(out / "deep/er/a"), mode(out / "deep/run")) == modes
    assert mode(out) == modes[0]
    assert (out / "deep/copy").read_bytes() == b"a"


def test_a_failure_leaves_nothing(tmp_path):
    def fail():
        with new_folder(tmp_path / "out", private=True) as folder:
            folder.write("a", b"a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_gone_with_the_next(tmp_path):
    left = tmp_path / f"fluxsecrets-{'0' * 32}"
    left.mkdir(mode=0o700)
    (left / "a").write_text("throwaway")
    with new_folder(tmp_path / "out", private=True) as folder:
        assert {path.name for path in tmp_path.iterdir()} == {folder.root.name}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_that_exists_is_not_replaced_and_no_link_is_followed(tmp_path):
    folder = NewFolder(tmp_path)
    (tmp_path / "target").write_text("kept")
    folder.link("link", "target")
    for write in (folder.write, lambda path, _: folder.copy(path, tmp_path / "target")):
        with pytest.raises(FileAccessError):
            write("link", b"a")
    with pytest.raises(FileAccessError):
        folder.copy("new", tmp_path / "link")
    assert (tmp_path / "target").read_text() == "kept"


@pytest.mark.parametrize(
    ("links", "out"),
    [
        ({"a": "b"}, set()),
        ({"a": "."}, set()),
        ({"a": ".."}, {"a"}),
        ({"a": "/etc"}, {"a"}),
        ({"up": "deep/..", "out": "up/.."}, {"out"}),
        ({"one": "two", "two": "one"}, {"one", "two"}),
    ],
)
def test_links_that_lead_out(tmp_path, links, out):
    folder = NewFolder(tmp_path / "x")
    folder.root.mkdir()
    folder.write("deep/a", b"a")
    for path, target in links.items():
        folder.link(path, target)
    assert {path for path in links if folder.leads_out(path)} == out


def test_room(tmp_path):
    assert room_in(tmp_path).takes(1, 1)
    assert not room_in(tmp_path).takes(2**62, 1)
    assert not Room(None, 5).takes(2**62, 6)
    assert Room(None, None).takes(2**62, 2**62)
    assert room_in(tmp_path / "missing") == Room(None, None)


def test_a_folder_may_be_nested_deeper_than_the_stack(tmp_path, shallow_stack):
    path = "/".join("d" * shallow_stack)
    NewFolder(tmp_path).write(f"{path}/a", b"a")
    assert (tmp_path / path / "a").read_bytes() == b"a"
