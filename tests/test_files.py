"""Reading within bounds, writing atomically: what is left after every way to fail."""

from __future__ import annotations

import errno
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from fluxsecrets import files
from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.files import (
    LEFTOVER_GLOB,
    PendingWrite,
    read_file,
    remove_leftovers,
    resolve_inside,
    write_atomic,
    write_batch,
    write_new,
)

LIMIT = 2**20
OLD, NEW = b"old: content\n", b"new: content that is longer\n"

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes, links or FIFOs")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
root_only = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to mount or to give files away"
)

# The ways to prepare a file: nameless (Linux), named (any POSIX), and what Windows has.
PLATFORMS = ["here", "no O_TMPFILE", "macos", "windows"]


@pytest.fixture(params=PLATFORMS)
def platform(request, monkeypatch):
    """Runs a test once for each platform's code path."""
    pretend(request.param, monkeypatch)
    return request.param


def pretend(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "here":
        return
    monkeypatch.setattr(files, "_O_TMPFILE", 0)
    if name == "no O_TMPFILE":
        return
    monkeypatch.setattr(files, "_LINUX", False)
    monkeypatch.delattr(os, "listxattr", raising=False)
    monkeypatch.delattr(os, "sync", raising=False)
    if name == "windows":
        monkeypatch.setattr(files, "_WINDOWS", True)
        monkeypatch.setattr(files, "_O_NOFOLLOW", 0)
        monkeypatch.delattr(os, "fchmod", raising=False)
        monkeypatch.delattr(os, "fchown", raising=False)
        monkeypatch.setattr(time, "sleep", lambda seconds: None)


@pytest.fixture
def target(tmp_path) -> Path:
    path = tmp_path / "secret.yaml"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def failing(number: int):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


# --- links -----------------------------------------------------------------------------------------------


def test_a_path_resolves_to_the_real_file(tmp_path):
    (tmp_path / "apps").mkdir()
    assert resolve_inside(tmp_path / "apps" / ".." / "a.yaml", tmp_path) == tmp_path.resolve() / "a.yaml"


def test_a_relative_path_starts_at_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve_inside(Path("a.yaml"), Path()) == tmp_path.resolve() / "a.yaml"


@posix_only
def test_a_link_inside_is_written_through_and_stays(tmp_path, target):
    link = tmp_path / "link.yaml"
    link.symlink_to("secret.yaml")
    real = resolve_inside(link, tmp_path)
    write_atomic(real, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert not target.is_symlink()


@posix_only
@pytest.mark.parametrize("where", ["file", "folder", "dangling"])
def test_a_link_that_leaves_the_root_is_refused(tmp_path, where):
    root, outside = tmp_path / "repo", tmp_path / "elsewhere"
    root.mkdir()
    outside.mkdir()
    (outside / "a.yaml").write_bytes(OLD)
    if where == "folder":
        (root / "apps").symlink_to(outside)
        path = root / "apps" / "a.yaml"
    else:
        path = root / "a.yaml"
        path.symlink_to(outside / ("a.yaml" if where == "file" else "missing.yaml"))
    with pytest.raises(FileAccessError, match="a link that leaves the repository") as caught:
        resolve_inside(path, root)
    assert caught.value.hint
    assert caught.value.path == str(path)


@pytest.mark.parametrize("path", ["../other.yaml", "../repo-too/a.yaml"])
def test_a_path_outside_of_the_root_is_refused(tmp_path, path):
    root = tmp_path / "repo"
    root.mkdir()
    with pytest.raises(FileAccessError, match="outside of the repository"):
        resolve_inside(root / path, root)


@posix_only
def test_a_loop_of_links_is_no_endless_walk(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileAccessError, match="link"):
        read_file(resolve_inside(tmp_path / "a", tmp_path), limit=LIMIT)


@posix_only
def test_a_root_that_is_reached_over_a_link_is_still_the_root(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    expected = (tmp_path / "real" / "a.yaml").resolve()
    assert resolve_inside(tmp_path / "alias" / "a.yaml", tmp_path / "alias") == expected


def test_another_spelling_of_the_root_is_recognised_by_the_folder_itself(tmp_path, monkeypatch):
    # What a file system without upper and lower case does: names differ, the folder is one.
    (tmp_path / "Repo").mkdir()
    (tmp_path / "repo").mkdir(exist_ok=True)
    same = Path.samefile
    monkeypatch.setattr(
        Path,
        "samefile",
        lambda self, other: str(self).lower() == str(other).lower() or same(self, other),
    )
    real = resolve_inside(tmp_path / "Repo" / "a.yaml", tmp_path / "repo")
    assert real == (tmp_path / "Repo" / "a.yaml").resolve()


# --- reading ---------------------------------------------------------------------------------------------


def test_reading_gives_content_state_and_mode(platform, target):
    content = read_file(target, limit=LIMIT)
    status = target.stat()
    assert content.data == OLD
    assert (content.path, content.mode) == (target, stat.S_IMODE(status.st_mode))
    assert content.identity.inode == status.st_ino
    assert content.identity.mtime_ns == status.st_mtime_ns
    assert content.identity.size == len(OLD)
    assert content.identity.device == (0 if platform == "windows" else status.st_dev)


def test_content_is_not_in_the_repr(target):
    assert OLD.decode().strip() not in repr(read_file(target, limit=LIMIT))
    assert OLD.decode().strip() not in repr(PendingWrite(target, OLD))


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_000])
def test_any_size_up_to_the_limit_is_read_whole(tmp_path, size):
    path = tmp_path / "a"
    path.write_bytes(b"x" * size)
    assert read_file(path, limit=size).data == b"x" * size


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


# --- writing ---------------------------------------------------------------------------------------------


def test_new_content_replaces_the_old(platform, tmp_path, target):
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW
    assert names(tmp_path) == ["secret.yaml"]


@pytest.mark.parametrize("data", [b"", b"x", b"x" * 3_000_000])
def test_content_of_any_size_is_written(platform, target, data):
    write_atomic(target, data)
    assert target.read_bytes() == data


def test_short_writes_are_continued(platform, target, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:3])))
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW


@posix_only
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("unnamed", [True, False])
def test_modes_do_not_depend_on_the_umask(tmp_path, target, monkeypatch, umask, unnamed):
    if not unnamed:
        pretend("no O_TMPFILE", monkeypatch)
    before = os.umask(umask)
    try:
        write_atomic(target, NEW)
        write_atomic(tmp_path / "new.yaml", NEW)
        write_new(tmp_path / "newer.yaml", NEW)
        write_new(tmp_path / "shared.yaml", NEW, mode=0o644)
        write_atomic(tmp_path / "shared-too.yaml", NEW, mode=0o644)
    finally:
        os.umask(before)
    assert mode_of(target) == 0o640
    assert mode_of(tmp_path / "new.yaml") == 0o600
    assert mode_of(tmp_path / "newer.yaml") == 0o600
    assert mode_of(tmp_path / "shared.yaml") == 0o644
    assert mode_of(tmp_path / "shared-too.yaml") == 0o644


@posix_only
def test_the_temporary_file_is_private_until_it_is_complete(target, monkeypatch):
    pretend("no O_TMPFILE", monkeypatch)
    target.chmod(0o666)
    seen: list[int] = []
    real = os.write

    def write(descriptor, data):
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    write_atomic(target, NEW)
    assert seen == [0o600]
    assert mode_of(target) == 0o666


@posix_only
def test_a_mode_that_is_asked_for_wins(target):
    write_atomic(target, NEW, mode=0o600)
    assert mode_of(target) == 0o600


@root_only
def test_root_keeps_owner_and_group(platform, target):
    if platform == "windows":
        pytest.skip("there are no owners to keep")
    os.chown(target, 1234, 2345)
    write_atomic(target, NEW)
    assert (target.stat().st_uid, target.stat().st_gid, mode_of(target)) == (1234, 2345, 0o640)


@root_only
@pytest.mark.parametrize(("old", "new"), [(0o640, 0o600), (0o664, 0o644), (0o2660, 0o600), (0o604, 0o604)])
def test_where_the_group_cannot_be_kept_another_gains_nothing(target, monkeypatch, old, new):
    os.chown(target, -1, 2345)
    target.chmod(old)
    monkeypatch.setattr(os, "fchown", failing(errno.EPERM))
    write_atomic(target, NEW)
    assert mode_of(target) == new


@linux_only
def test_user_attributes_are_kept(target):
    try:
        os.setxattr(target, "user.fluxsecrets", b"kept")
    except OSError:
        pytest.skip("the file system of the temporary folder has no user attributes")
    write_atomic(target, NEW)
    assert os.getxattr(target, "user.fluxsecrets") == b"kept"


@linux_only
def test_an_acl_that_cannot_be_kept_leaves_no_wider_group(target, monkeypatch):
    # The group bits of a file with an ACL are the ACL's mask, not what the group may.
    monkeypatch.setattr(os, "listxattr", lambda *args, **kwargs: ["system.posix_acl_access"])
    monkeypatch.setattr(os, "getxattr", lambda *args, **kwargs: b"acl")
    monkeypatch.setattr(os, "setxattr", failing(errno.EOPNOTSUPP))
    write_atomic(target, NEW)
    assert mode_of(target) == 0o600


def test_a_file_system_without_modes_is_written_all_the_same(target, monkeypatch):
    monkeypatch.setattr(os, "fchmod", failing(errno.EPERM), raising=False)
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW


@posix_only
def test_a_link_is_never_replaced(tmp_path, target):
    link = tmp_path / "link.yaml"
    link.symlink_to(target)
    with pytest.raises(FileAccessError, match="it is a link"):
        write_atomic(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == OLD


@posix_only
def test_a_link_swapped_in_while_writing_is_not_followed(platform, tmp_path, target, monkeypatch):
    outside = tmp_path / "outside"
    outside.write_bytes(OLD)
    real = os.replace

    def swap_then_replace(source, destination, **kwargs):
        target.unlink()
        target.symlink_to(outside)
        real(source, destination, **kwargs)

    monkeypatch.setattr(os, "replace", swap_then_replace)
    write_atomic(target, NEW)
    assert outside.read_bytes() == OLD
    assert not target.is_symlink()


def test_a_folder_is_not_replaced(platform, tmp_path):
    (tmp_path / "apps").mkdir()
    with pytest.raises(FileAccessError, match="it is a folder"):
        write_atomic(tmp_path / "apps", NEW)
    with pytest.raises(FileAccessError, match="exists already"):
        write_new(tmp_path / "apps", NEW)
    assert names(tmp_path) == ["apps"]


def test_a_missing_folder_is_said_to_be(platform, tmp_path):
    with pytest.raises(FileAccessError, match="its folder does not exist") as caught:
        write_atomic(tmp_path / "missing" / "a.yaml", NEW)
    assert caught.value.hint == "create the folder first"


@pytest.mark.parametrize("length", [150, 240, 255])
def test_long_names_leave_room_for_the_temporary_one(platform, tmp_path, length):
    path = tmp_path / ("n" * length)
    write_atomic(path, OLD)
    write_atomic(path, NEW)
    assert path.read_bytes() == NEW


def test_long_names_are_cut_between_characters(platform, tmp_path):
    path = tmp_path / ("ä" * 120)
    write_atomic(path, NEW)
    assert path.read_bytes() == NEW


@linux_only
def test_names_that_are_not_utf8_are_written(platform, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.yaml")
    write_atomic(path, NEW)
    write_atomic(path, OLD)
    assert path.read_bytes() == OLD


# --- the state that was read -----------------------------------------------------------------------------


def test_an_unchanged_file_is_replaced(platform, target):
    write_atomic(target, NEW, expected=read_file(target, limit=LIMIT))
    assert target.read_bytes() == NEW


def change_content(path: Path) -> None:
    path.write_bytes(b"somebody else's\n")


def change_time(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def change_file(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(OLD)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [change_content, change_time, change_file])
def test_a_file_that_was_changed_meanwhile_is_left_alone(platform, tmp_path, target, change):
    content = read_file(target, limit=LIMIT)
    change(target)
    theirs = target.read_bytes()
    with pytest.raises(FileAccessError, match="was changed while") as caught:
        write_atomic(target, NEW, expected=content)
    assert caught.value.hint
    assert target.read_bytes() == theirs
    assert names(tmp_path) == ["secret.yaml"]


def test_a_file_that_was_removed_meanwhile_does_not_come_back(platform, tmp_path, target):
    content = read_file(target, limit=LIMIT)
    target.unlink()
    with pytest.raises(FileAccessError, match="was removed while"):
        write_atomic(target, NEW, expected=content)
    assert names(tmp_path) == []


def test_a_change_while_the_new_file_is_prepared_is_seen(platform, tmp_path, target, monkeypatch):
    content = read_file(target, limit=LIMIT)
    real = os.fsync

    def change_then_sync(descriptor):
        change_content(target)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", change_then_sync)
    with pytest.raises(FileAccessError, match="was changed while"):
        write_atomic(target, NEW, expected=content)
    assert target.read_bytes() == b"somebody else's\n"
    assert names(tmp_path) == ["secret.yaml"]


# --- creating --------------------------------------------------------------------------------------------


def test_a_new_file_is_created(platform, tmp_path):
    write_new(tmp_path / "new.yaml", NEW)
    assert (tmp_path / "new.yaml").read_bytes() == NEW
    assert names(tmp_path) == ["new.yaml"]


def test_an_existing_file_is_never_overwritten(platform, tmp_path, target):
    with pytest.raises(FileAccessError, match="exists already") as caught:
        write_new(target, NEW)
    assert caught.value.hint
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["secret.yaml"]


@posix_only
def test_a_dangling_link_counts_as_existing(platform, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FileAccessError, match="exists already"):
        write_new(tmp_path / "link", NEW)
    assert names(tmp_path) == ["link"]


@posix_only
@pytest.mark.parametrize("unnamed", [True, False])
@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, target, monkeypatch, unnamed, links):
    if not unnamed:
        pretend("no O_TMPFILE", monkeypatch)
    if not links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(FileAccessError, match="exists already"):
        write_new(target, NEW)
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["secret.yaml"]


@posix_only
def test_a_file_system_without_hard_links_gets_its_new_file(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    write_new(tmp_path / "new.yaml", NEW)
    write_atomic(tmp_path / "newer.yaml", NEW)
    assert (tmp_path / "new.yaml").read_bytes() == NEW
    assert (tmp_path / "newer.yaml").read_bytes() == NEW
    assert names(tmp_path) == ["new.yaml", "newer.yaml"]


@posix_only
def test_a_claimed_name_is_given_back_when_the_rename_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(FileAccessError, match="the disk reports an error"):
        write_new(tmp_path / "new.yaml", NEW)
    assert names(tmp_path) == []


@linux_only
@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL])
def test_a_file_system_without_nameless_files_gets_named_ones(tmp_path, target, monkeypatch, number):
    if not files._O_TMPFILE:
        pytest.skip("this Python has no O_TMPFILE")
    real = os.open

    def refuse(path, flags, *args, **kwargs):
        if flags & files._O_TMPFILE == files._O_TMPFILE:
            raise OSError(number, os.strerror(number))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    write_atomic(target, NEW)
    write_new(tmp_path / "new.yaml", NEW)
    assert target.read_bytes() == (tmp_path / "new.yaml").read_bytes() == NEW


# --- faults ----------------------------------------------------------------------------------------------

WRITERS = {
    "write_atomic": write_atomic,
    "write_batch": lambda path, data: raise_first(write_batch([PendingWrite(path, data)])),
    "large write_batch": lambda path, data: raise_first(
        write_batch([PendingWrite(path, data), *others(path, data)])
    ),
}


def others(path: Path, data: bytes) -> list[PendingWrite]:
    return [PendingWrite(path.with_name(f"other-{number:02}"), data) for number in range(30)]


def raise_first(results) -> None:
    if results[0].error is not None:
        raise results[0].error


FAULTS = [
    (errno.ENOSPC, "the disk is full"),
    (errno.EDQUOT, "quota is used up"),
    (errno.EROFS, "file system is read-only"),
    (errno.EACCES, "permission denied"),
    (errno.EIO, "the disk reports an error"),
    (errno.EBUSY, "it is in use"),
    (errno.ENAMETOOLONG, "the name is too long"),
]


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize(("number", "message"), FAULTS)
def test_a_fault_leaves_the_old_file_and_nothing_else(
    platform, tmp_path, target, monkeypatch, writer, step, number, message
):
    if step == "fsync":
        monkeypatch.setattr(files, "_sync_disks", lambda disks: False)
    monkeypatch.setattr(os, step, failing(number))
    with pytest.raises(FileAccessError, match=message) as caught:
        writer(target, NEW)
    monkeypatch.undo()
    assert caught.value.hint
    assert caught.value.path == str(target)
    assert target.read_bytes() == OLD
    assert mode_of(target) == 0o640
    assert names(tmp_path) == ["secret.yaml"]


@pytest.mark.parametrize("step", ["write", "fsync"])
def test_a_fault_leaves_no_half_of_a_new_file(platform, tmp_path, monkeypatch, step):
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))
    with pytest.raises(FileAccessError, match="the disk is full"):
        write_new(tmp_path / "new.yaml", NEW)
    assert names(tmp_path) == []


def test_an_unwritable_folder_is_reported_when_the_temporary_file_is_made(
    platform, tmp_path, target, monkeypatch
):
    real = os.open

    def refuse(path, flags, *args, **kwargs):
        if flags & os.O_WRONLY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(FileAccessError, match="permission denied"):
        write_atomic(target, NEW)
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["secret.yaml"]


def test_a_file_planted_under_the_temporary_name_is_not_written_to(target, monkeypatch):
    pretend("no O_TMPFILE", monkeypatch)
    monkeypatch.setattr(os, "urandom", lambda amount: b"\0" * amount)
    planted = files._temp_path(target)
    planted.touch(mode=0o666)
    with planted.open("rb") as watcher:
        with pytest.raises(FileAccessError):
            write_atomic(target, NEW)
        assert watcher.read() == b""
    assert target.read_bytes() == OLD


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_an_interruption_passes_and_leaves_nothing(platform, tmp_path, target, monkeypatch, step):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(target, NEW)
    with pytest.raises(KeyboardInterrupt):
        write_batch([PendingWrite(target, NEW), PendingWrite(tmp_path / "b", NEW)])
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["secret.yaml"]


@posix_only
def test_a_disk_that_does_not_confirm_the_rename_is_reported(target, monkeypatch):
    real = os.fsync

    def fail_for_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "broken")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    with pytest.raises(FileAccessError, match="was replaced, but the disk did not confirm it"):
        write_atomic(target, NEW)
    assert target.read_bytes() == NEW
    (result,) = write_batch([PendingWrite(target, OLD)])
    assert result.replaced
    assert not result.written
    assert result.error.path == str(target)


@posix_only
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES])
def test_a_folder_that_cannot_be_synced_is_no_error(target, monkeypatch, number):
    real = os.fsync

    def fail_for_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW


def test_windows_waits_for_whoever_holds_the_file_for_a_moment(target, monkeypatch):
    pretend("windows", monkeypatch)
    real, refused = os.replace, []

    def refuse_twice(source, destination):
        if len(refused) < 2:
            refused.append(destination)
            raise PermissionError(errno.EACCES, "in use")
        real(source, destination)

    monkeypatch.setattr(os, "replace", refuse_twice)
    write_atomic(target, NEW)
    assert target.read_bytes() == NEW
    assert len(refused) == 2


def test_macos_asks_for_a_full_sync_once_a_batch(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    pretend("macos", monkeypatch)
    calls: list[int] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command: calls.append(command))
    results = write_batch(others(tmp_path / "x", NEW))
    assert all(result.written for result in results)
    assert calls == [51, 51]  # the files, the folder


# --- a real full disk, and a real read-only one ------------------------------------------------------------


@contextmanager
def mounted(folder: Path, options: str):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mount does not work here, although this is root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@linux_only
@root_only
@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("unnamed", [True, False])
def test_a_disk_that_is_really_full(tmp_path, monkeypatch, writer, unnamed):
    if not unnamed:
        pretend("no O_TMPFILE", monkeypatch)
    with mounted(tmp_path, "size=64k"):
        path = tmp_path / "secret.yaml"
        path.write_bytes(OLD)
        with pytest.raises(FileAccessError, match="the disk is full"):
            writer(path, b"x" * 100_000)
        assert path.read_bytes() == OLD
        assert names(tmp_path) == ["secret.yaml"]
        writer(path, NEW)
        assert path.read_bytes() == NEW


@linux_only
@root_only
def test_files_that_still_fit_are_written_when_a_larger_one_does_not(tmp_path):
    with mounted(tmp_path, "size=64k"):
        large = PendingWrite(tmp_path / "large", b"x" * 100_000)
        results = write_batch([large, *others(tmp_path / "x", NEW)[:5]])
        assert [result.written for result in results] == [False] + [True] * 5
        assert names(tmp_path) == [f"other-{number:02}" for number in range(5)]


@linux_only
@root_only
def test_a_file_system_that_is_really_read_only(tmp_path):
    with mounted(tmp_path, "size=64k"):
        path = tmp_path / "secret.yaml"
        path.write_bytes(OLD)
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        with pytest.raises(FileAccessError, match="file system is read-only"):
            write_atomic(path, NEW)
        with pytest.raises(FileAccessError, match="file system is read-only"):
            write_new(tmp_path / "new.yaml", NEW)
        assert not write_batch([PendingWrite(path, NEW)])[0].written
        assert path.read_bytes() == OLD


@posix_only
def test_a_folder_that_is_really_not_writable(tmp_path, target):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileAccessError, match="permission denied"):
            write_atomic(target, NEW)
    finally:
        tmp_path.chmod(0o700)
    assert target.read_bytes() == OLD


# --- killed in the middle ----------------------------------------------------------------------------------

KILLED = """
    import os, signal, sys
    from pathlib import Path
    from fluxsecrets import files

    folder, step, nth, action, named = sys.argv[1:]
    folder, nth = Path(folder), int(nth)
    if named == "named":
        files._O_TMPFILE = 0
    calls = 0
    real = getattr(os, step)

    def die(*args, **kwargs):
        global calls
        calls += 1
        if calls == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    setattr(os, step, die)
    if action == "write_atomic":
        files.write_atomic(folder / "f0", b"new" * 1000)
    elif action == "write_new":
        files.write_new(folder / "created", b"new" * 1000)
    else:
        files.write_batch([files.PendingWrite(folder / f"f{n}", b"new" * 1000) for n in range(20)])
"""


def run_and_kill(folder: Path, step: str, nth: int, action: str, named: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), step, str(nth), action, named]
    path = os.pathsep.join([str(Path(files.__file__).parents[1]), *sys.path])
    child = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


@pytest.fixture
def twenty(tmp_path) -> Path:
    for number in range(20):
        (tmp_path / f"f{number}").write_bytes(OLD)
    return tmp_path


def leftovers(folder: Path) -> list[Path]:
    return sorted(folder.glob(LEFTOVER_GLOB))


def nameless_files_work(folder: Path) -> bool:
    return bool(files._O_TMPFILE) and files._write_unnamed(folder / "probe", PendingWrite(folder, b""), None)


@linux_only
@pytest.mark.parametrize("step", ["write", "fsync", "link"])
@pytest.mark.parametrize("action", ["write_atomic", "write_new"])
def test_a_kill_before_the_rename_leaves_nothing_at_all(twenty, step, action):
    if not nameless_files_work(twenty):
        pytest.skip("the file system of the temporary folder has no O_TMPFILE")
    (twenty / "probe").unlink()
    before = names(twenty)
    run_and_kill(twenty, step, 1, action, "unnamed")
    assert names(twenty) == before
    assert (twenty / "f0").read_bytes() == OLD


@posix_only
@pytest.mark.parametrize(
    ("step", "nth", "action", "named", "left"),
    [
        ("replace", 1, "write_atomic", "unnamed", 1),
        ("write", 1, "write_atomic", "named", 1),
        ("fsync", 1, "write_atomic", "named", 1),
        ("replace", 1, "write_atomic", "named", 1),
        ("link", 1, "write_new", "named", 1),
        ("write", 12, "write_batch", "named", 12),
        ("replace", 1, "write_batch", "named", 20),
    ],
)
def test_a_kill_leaves_the_old_files_and_what_the_next_run_cleans_up(twenty, step, nth, action, named, left):
    before = names(twenty)
    run_and_kill(twenty, step, nth, action, named)
    assert [path.read_bytes() for path in twenty.glob("f*")] == [OLD] * 20
    assert len(leftovers(twenty)) == left
    assert all(mode_of(path) & 0o077 == 0 or path.stat().st_size == 3000 for path in leftovers(twenty))
    assert len(remove_leftovers(twenty)) == left
    assert names(twenty) == before


@posix_only
def test_a_kill_between_two_renames_leaves_every_file_complete(twenty):
    before = names(twenty)
    run_and_kill(twenty, "replace", 8, "write_batch", "named")
    contents = [(twenty / f"f{number}").read_bytes() for number in range(20)]
    assert contents == [b"new" * 1000] * 7 + [OLD] * 13
    assert len(leftovers(twenty)) == 13
    remove_leftovers(twenty)
    assert names(twenty) == before


@posix_only
def test_two_processes_that_replace_one_file_leave_one_complete_version(tmp_path, target):
    program = """
        import sys
        from pathlib import Path
        from fluxsecrets.files import write_atomic
        for _ in range(40):
            write_atomic(Path(sys.argv[1]), sys.argv[2].encode() * 50_000)
    """
    path = os.pathsep.join([str(Path(files.__file__).parents[1]), *sys.path])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), str(target), letter],
            env={**os.environ, "PYTHONPATH": path},
        )
        for letter in "ab"
    ]
    seen = {target.read_bytes() for _ in range(200)}
    assert [writer.wait(60) for writer in writers] == [0, 0]
    seen.add(target.read_bytes())
    assert seen <= {OLD, b"a" * 50_000, b"b" * 50_000}
    assert target.read_bytes() != OLD
    assert names(tmp_path) == ["secret.yaml"]


# --- batches ---------------------------------------------------------------------------------------------


def test_a_batch_writes_all_and_answers_in_order(platform, tmp_path):
    writes = []
    for number in range(60):
        folder = tmp_path / f"folder-{number % 7}"
        folder.mkdir(exist_ok=True)
        writes.append(PendingWrite(folder / f"{number}.yaml", b"%d" % number))
    results = write_batch(writes)
    assert [result.path for result in results] == [write.path for write in writes]
    assert all(result.written and result.replaced for result in results)
    assert [write.path.read_bytes() for write in writes] == [write.data for write in writes]
    assert sorted(tmp_path.rglob("*.tmp")) == []


def test_an_empty_batch_is_fine(platform):
    assert write_batch([]) == ()


def test_one_bad_file_does_not_stop_the_others(platform, tmp_path):
    good = others(tmp_path / "x", NEW)
    changed = tmp_path / "changed"
    changed.write_bytes(OLD)
    content = read_file(changed, limit=LIMIT)
    change_content(changed)
    bad = [
        PendingWrite(tmp_path / "missing" / "a", NEW),
        PendingWrite(tmp_path, NEW),
        PendingWrite(Path("a\0b"), NEW),
        PendingWrite(changed, NEW, expected=content),
    ]
    results = write_batch([*bad, *good])
    assert [result.written for result in results] == [False] * 4 + [True] * len(good)
    assert [result.replaced for result in results] == [False] * 4 + [True] * len(good)
    assert changed.read_bytes() == b"somebody else's\n"
    assert all(write.path.read_bytes() == NEW for write in good)
    assert leftovers(tmp_path) == []


def test_results_can_be_sent_between_processes(tmp_path):
    (result,) = write_batch([PendingWrite(tmp_path / "missing" / "a", NEW)])
    again = pickle.loads(pickle.dumps(result))
    assert again.error.message == result.error.message
    assert again.path == result.path


def test_all_files_are_prepared_before_the_first_is_replaced(platform, twenty, monkeypatch):
    complete: list[int] = []
    real = os.replace

    def replace(source, destination, **kwargs):
        complete.append(sum(path.stat().st_size == len(NEW) for path in leftovers(twenty)))
        real(source, destination, **kwargs)

    monkeypatch.setattr(os, "replace", replace)
    write_batch([PendingWrite(twenty / f"f{number}", NEW) for number in range(20)])
    assert complete == list(range(20, 0, -1))


@posix_only
def test_a_batch_holds_few_descriptors(platform, tmp_path):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/dev/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 12, hard))
    try:
        results = write_batch([PendingWrite(tmp_path / str(number), NEW) for number in range(300)])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(result.written for result in results)


@posix_only
def test_each_folder_is_synced_once(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).mkdir()
    synced: list[Path] = []
    monkeypatch.setattr(files, "_sync_folder", lambda path: synced.append(path.parent))
    write_batch([PendingWrite(tmp_path / "abc"[number % 3] / str(number), NEW) for number in range(30)])
    assert sorted(synced) == [tmp_path / name for name in "abc"]


def count_syncs(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[int]]:
    """How many files were synced each by itself, and how many disks as a whole."""
    single: list[int] = []
    whole: list[int] = []
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            single.append(descriptor)
        real(descriptor)

    real_disks = files._sync_disks

    def sync_disks(disks):
        whole.extend(disks)
        return real_disks(disks)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(files, "_sync_disks", sync_disks)
    return single, whole


@linux_only
def test_many_files_on_a_trusted_disk_share_one_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(files, "_kernel", lambda: (6, 1))
    single, whole = count_syncs(monkeypatch)
    results = write_batch(others(tmp_path / "x", NEW))
    assert all(result.written for result in results)
    assert (len(single), len(whole)) == (0, 1)


def in_folders(parent: Path, count: int) -> list[PendingWrite]:
    folders = [parent / f"folder-{number}" for number in range(count)]
    for folder in folders:
        folder.mkdir(parents=True)
    return [PendingWrite(folder / "secret.yaml", NEW) for folder in folders]


@linux_only
def test_many_folders_on_a_trusted_disk_share_one_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(files, "_kernel", lambda: (6, 1))
    folders: list[Path] = []
    monkeypatch.setattr(files, "_sync_folder", folders.append)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(in_folders(tmp_path, 20))
    assert all(result.written for result in results)
    assert (len(single), len(whole), folders) == (0, 2, [])


@linux_only
def test_where_the_shared_sync_of_the_renames_fails_each_folder_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(files, "_kernel", lambda: (6, 1))
    answers = iter([True, False])
    monkeypatch.setattr(files, "_sync_disks", lambda disks: next(answers))
    real = os.fsync

    def fail_for_one(descriptor):
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "folder-3":
            raise OSError(errno.EIO, "broken")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_for_one)
    results = write_batch(in_folders(tmp_path, 20))
    assert [number for number, result in enumerate(results) if not result.written] == [3]
    assert results[3].replaced


@linux_only
@pytest.mark.parametrize("why", ["few", "unknown disk", "old kernel", "no ctypes", "no syncfs", "not linux"])
def test_without_a_trustworthy_syncfs_each_file_is_synced(tmp_path, monkeypatch, why):
    writes = others(tmp_path / "x", NEW)
    monkeypatch.setattr(files, "_file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(files, "_kernel", lambda: (6, 1))

    def unable(error, *args):
        raise error

    match why:
        case "few":
            writes = writes[:3]
        case "unknown disk":
            monkeypatch.setattr(files, "_file_system", lambda descriptor: 0x6969)
        case "old kernel":
            monkeypatch.setattr(files, "_kernel", lambda: (5, 7))
        case "no ctypes":
            monkeypatch.setattr(files, "_file_system", partial(unable, ImportError()))
        case "no syncfs":
            monkeypatch.setattr(files, "_file_system", partial(unable, AttributeError()))
        case "not linux":
            monkeypatch.setattr(files, "_LINUX", False)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(writes)
    assert all(result.written for result in results)
    assert (len(single), len(whole)) == (len(writes), 0)


@linux_only
def test_where_the_shared_sync_fails_each_file_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(files, "_kernel", lambda: (6, 1))
    monkeypatch.setattr(files, "_sync_disks", lambda disks: False)
    real, calls = os.fsync, []

    def fail_third(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.EIO, "broken")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_third)
    results = write_batch(others(tmp_path / "x", NEW))
    assert [result.written for result in results].count(False) == 1
    assert not results[2].written
    assert not results[2].path.exists()


@linux_only
def test_a_kernel_version_is_read_as_numbers(monkeypatch):
    release = type("Release", (), {"release": "6.18.44-fc-v595"})
    monkeypatch.setattr(os, "uname", lambda: release)
    assert files._kernel() == (6, 18)


# --- leftovers -------------------------------------------------------------------------------------------


def leftover(folder: Path, process: int, tag: str | None = None, age: int = 0) -> Path:
    path = folder / f".secret.yaml.fluxsecrets-{tag or files._machine_tag()}-{process}-0123abcd.tmp"
    path.write_bytes(NEW)
    when = time.time() - age
    os.utime(path, (when, when))
    return path


@pytest.fixture
def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-I", "-c", "pass"])
    child.wait()
    return child.pid


@posix_only
def test_files_of_dead_processes_go(tmp_path, target, dead_process):
    path = leftover(tmp_path, dead_process)
    assert remove_leftovers(tmp_path) == (path,)
    assert names(tmp_path) == ["secret.yaml"]


def test_files_of_living_processes_stay(platform, tmp_path):
    path = leftover(tmp_path, os.getpid())
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


@posix_only
def test_a_living_process_of_somebody_else_counts_as_living(tmp_path, monkeypatch):
    path = leftover(tmp_path, 12345)
    monkeypatch.setattr(os, "kill", failing(errno.EPERM))
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


def test_on_windows_no_process_is_signalled(tmp_path, monkeypatch):
    pretend("windows", monkeypatch)
    leftover(tmp_path, 1)
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, number: killed.append(process))
    assert remove_leftovers(tmp_path) == ()
    assert killed == []


def test_files_of_other_machines_stay_for_an_hour(platform, tmp_path, dead_process):
    fresh = leftover(tmp_path, dead_process, tag="00000000", age=60)
    old = leftover(tmp_path, os.getpid(), tag="00000000", age=2 * 3600)
    assert remove_leftovers(tmp_path) == (old,)
    assert fresh.exists()


def test_a_reused_process_number_does_not_keep_a_file_for_ever(platform, tmp_path):
    path = leftover(tmp_path, os.getpid(), age=2 * 3600)
    assert remove_leftovers(tmp_path) == (path,)


@pytest.mark.parametrize(
    "name",
    [
        ".secret.yaml.fluxsecrets-1.tmp",
        "secret.yaml.fluxsecrets-00000000-1-0123abcd.tmp",
        ".secret.yaml.fluxsecrets-00000000-1-0123abcd.tmp.bak",
        ".secret.yaml.fluxsecrets-00000000-x-0123abcd.tmp",
    ],
)
def test_names_that_are_not_ours_stay(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(OLD)
    os.utime(path, (0, 0))
    assert remove_leftovers(tmp_path) == ()
    assert path.exists()


@posix_only
def test_folders_and_links_with_such_a_name_stay(tmp_path):
    (tmp_path / ".a.fluxsecrets-00000000-1-0123abcd.tmp").mkdir()
    (tmp_path / ".b.fluxsecrets-00000000-1-0123abcd.tmp").symlink_to("nowhere")
    before = names(tmp_path)
    assert remove_leftovers(tmp_path) == ()
    assert names(tmp_path) == before


def test_a_missing_folder_has_no_leftovers(tmp_path):
    assert remove_leftovers(tmp_path / "missing") == ()


@pytest.mark.parametrize("name", ["secret.yaml", "n" * 255, "ä" * 127, "with\nnewline", ".hidden"])
def test_temporary_names_are_recognised_as_such(tmp_path, name):
    temp = files._temp_path(tmp_path / name)
    assert temp.parent == tmp_path
    assert re.fullmatch(files._LEFTOVER, temp.name)
    assert temp.match(LEFTOVER_GLOB)
    assert len(temp.name.encode()) <= 255
