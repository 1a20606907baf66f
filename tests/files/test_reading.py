"""Reading within bounds."""

import errno
import os
import stat
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filesystems import (
    LIMIT,
    NEW,
    OLD,
    failing,
    names,
    posix_only,
)
from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.files import reading
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.reading import FileContent, FileIdentity, holds, read_file
from fluxsecrets.files.writing import PendingWrite, write_atomic, write_batch, write_new


def test_reading_gives_content_state_and_mode(platform, target):
    content = read_file(target, limit=LIMIT)
    status = target.stat()
    assert content.data == OLD
    assert (content.path, content.mode) == (target, stat.S_IMODE(status.st_mode))
    assert content.identity.inode == status.st_ino
    assert content.identity.mtime_ns == status.st_mtime_ns
    assert content.identity.size == len(OLD)
    assert content.identity.device == (0 if platform == "windows" else status.st_dev)


@given(st.binary(max_size=99), st.binary(max_size=99))
def test_a_state_without_its_content_tells_contents_apart(data, other):
    whole = FileContent(Path("/f"), data, FileIdentity(1, 2, 3, len(data)), 0o600)
    short = whole.without_data()
    assert short.data == b""
    assert short == whole.without_data(whole.fingerprint()) == short.without_data()
    assert short.is_same(data)
    assert short.is_same(other) == whole.is_same(other) == (data == other)
    assert short.fingerprint() == whole.fingerprint()


def test_content_is_not_in_the_repr(target):
    assert OLD.decode().strip() not in repr(read_file(target, limit=LIMIT))
    assert OLD.decode().strip() not in repr(PendingWrite(target, OLD))


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_any_size_up_to_the_limit_is_read_whole(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(b"x" * size)
    assert read_file(path, limit=size).data == b"x" * size


@given(
    st.lists(st.sampled_from([b"a", b"ab", b"aab", b"b", b"x" * 9])).map(b"".join),
    st.sampled_from([b"a", b"ab", b"aab", b"bb", b"xx"]),
    st.integers(1, 9),
)
def test_a_word_is_found_wherever_a_file_is_cut_into_pieces(content, word, size):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(content)
        with patch.object(reading, "_PIECE", size):
            assert holds(path, word, limit=LIMIT) == (word in content)


def test_what_is_looked_through_for_a_word_is_refused_as_what_is_read(tmp_path, target):
    for path, limit in ((tmp_path, LIMIT), (tmp_path / "missing", LIMIT), (target, 1)):
        with pytest.raises((FileAccessError, LimitError)) as reading_it:
            read_file(path, limit=limit)
        with pytest.raises(type(reading_it.value)) as looking:
            holds(path, b"a", limit=limit)
        assert looking.value.message == reading_it.value.message


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(3 * LIMIT + 1)
    monkeypatch.setattr(os, "read", failing(errno.EIO))
    with pytest.raises(LimitError, match=r"3\.1 MiB, the limit is 3 MiB") as caught:
        read_file(path, limit=3 * LIMIT)
    assert caught.value.hint
    assert caught.value.path == str(path)


def grow_while_reading(path: Path, by: bytes, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    amounts: list[int] = []
    real = os.read

    def read(descriptor, amount):
        if not amounts:
            with path.open("ab") as file:
                file.write(by)
        amounts.append(amount)
        return real(descriptor, amount)

    monkeypatch.setattr(os, "read", read)
    return amounts


def test_a_file_that_grows_over_the_limit_while_read_is_refused(target, monkeypatch):
    amounts = grow_while_reading(target, b"x" * LIMIT, monkeypatch)
    with pytest.raises(LimitError):
        read_file(target, limit=100)
    assert sum(amounts) == 101


def test_a_file_that_changes_while_read_is_refused(target, monkeypatch):
    grow_while_reading(target, b"more", monkeypatch)
    with pytest.raises(FileAccessError, match="changed while it was being read"):
        read_file(target, limit=LIMIT)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileAccessError, match="does not exist") as caught:
        read_file(tmp_path / "missing.yaml", limit=LIMIT)
    assert caught.value.path == str(tmp_path / "missing.yaml")
    assert caught.value.hint


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileAccessError, match="it is a folder"):
        read_file(tmp_path, limit=LIMIT)


def test_a_path_through_a_file_is_refused(target):
    with pytest.raises(FileAccessError, match="cannot be read"):
        read_file(target / "below.yaml", limit=LIMIT)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_impossible_names_are_errors_of_ours(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(FileAccessError):
        read_file(path, limit=LIMIT)
    with pytest.raises(FileAccessError):
        write_atomic(path, NEW)
    with pytest.raises(FileAccessError):
        write_new(path, NEW)
    assert not write_batch([PendingWrite(path, NEW)] * 20)[0].written
    assert names(tmp_path) == []


def test_a_null_character_does_not_resolve(tmp_path):
    with pytest.raises(FileAccessError, match="not a valid path"):
        resolve_inside(tmp_path / "a\0b", tmp_path)


def test_permission_denied_says_what_to_look_at(target, monkeypatch):
    monkeypatch.setattr(os, "open", failing(errno.EACCES))
    with pytest.raises(FileAccessError, match="permission denied") as caught:
        read_file(target, limit=LIMIT)
    assert "owner" in caught.value.hint


@posix_only
def test_a_fifo_is_refused_without_waiting_for_its_writer(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    with pytest.raises(FileAccessError, match="not a regular file"):
        read_file(fifo, limit=LIMIT)
    with pytest.raises(FileAccessError, match="not a regular file"):
        write_atomic(fifo, NEW)


@posix_only
def test_a_fifo_put_there_after_the_check_is_refused_too(tmp_path, target, monkeypatch):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    before = target.lstat()
    monkeypatch.setattr(Path, "lstat", lambda self: before)
    with pytest.raises(FileAccessError, match="not a regular file"):
        read_file(fifo, limit=LIMIT)


@posix_only
def test_a_device_is_refused(tmp_path):
    with pytest.raises(FileAccessError, match="not a regular file"):
        read_file(Path("/dev/zero"), limit=LIMIT)


@posix_only
def test_a_link_is_read_only_where_asked_for(tmp_path, target):
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(FileAccessError, match="it is a link"):
        read_file(link, limit=LIMIT)
    assert read_file(link, limit=LIMIT, follow_links=True).data == OLD


@posix_only
@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="needs O_NOFOLLOW")
def test_a_link_swapped_in_after_the_check_is_not_followed(tmp_path, target, monkeypatch):
    outside = tmp_path / "outside"
    outside.write_bytes(b"not yours")
    real = os.open

    def swap_then_open(path, *args, **kwargs):
        target.unlink()
        target.symlink_to(outside)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", swap_then_open)
    with pytest.raises(FileAccessError, match="link"):
        read_file(target, limit=LIMIT)


@posix_only
def test_no_descriptor_is_left_open_by_failures(tmp_path, target, monkeypatch):
    folder = Path("/dev/fd")
    if not folder.is_dir():
        pytest.skip("needs /dev/fd to count open descriptors")
    before = len(list(folder.iterdir()))
    with pytest.raises(LimitError):
        read_file(target, limit=1)
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(FileAccessError):
        write_atomic(target, NEW)
    write_batch([PendingWrite(target, NEW)])
    write_batch([PendingWrite(target, NEW)] * 20)
    assert len(list(folder.iterdir())) == before
