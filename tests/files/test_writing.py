"""Writing atomically: what is left after every way to fail."""

import errno
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from filesystems import (
    LIMIT,
    NEW,
    OLD,
    change_content,
    failing,
    linux_only,
    mode_of,
    names,
    others,
    posix_only,
    pretend,
    root_only,
    temporary_files,
)
from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import beside, durability, system
from fluxsecrets.files.beside import remove_leftovers, temporary_path
from fluxsecrets.files.processes import machine_tag
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import (
    PendingWrite,
    write_atomic,
    write_batch,
    write_new,
)
from fluxsecrets.marks import is_leftover_name


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
    (result,) = write_batch([PendingWrite(target, NEW)])
    assert mode_of(target) == new
    changed = f"from {old & 0o777:04o} to {new:04o}"
    assert result.note is None if old & 0o777 == new else result.note.endswith(changed)


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


class Shown:
    """A file's status with another mode."""

    def __init__(self, status, mode):
        self._status, self.st_mode = status, stat.S_IFMT(status.st_mode) | mode

    def __getattr__(self, name):
        return getattr(self._status, name)


@posix_only
def test_a_file_system_without_modes_is_written_all_the_same(target, monkeypatch):
    real = os.fstat
    target.chmod(0o755)
    monkeypatch.setattr(os, "fstat", lambda descriptor: Shown(real(descriptor), 0o755))
    monkeypatch.setattr(os, "fchmod", failing(errno.EPERM))
    write_atomic(target, NEW)
    write_new(target.with_name("new.yaml"), NEW)
    assert target.read_bytes() == NEW


@posix_only
@pytest.mark.parametrize("fails", [failing(errno.EPERM), lambda *args: None], ids=["refused", "ignored"])
def test_a_mode_is_never_changed_silently(target, monkeypatch, fails):
    monkeypatch.setattr(os, "fchmod", fails)
    with pytest.raises(FileAccessError, match="its mode 0640 cannot be kept, it would be 0600"):
        write_atomic(target, NEW)
    with pytest.raises(FileAccessError, match="its mode 0644 cannot be kept"):
        write_new(target.with_name("new.yaml"), NEW, 0o644)
    assert target.read_bytes() == OLD
    assert mode_of(target) == 0o640
    target.chmod(0o600)
    write_atomic(target, NEW)
    assert (target.read_bytes(), mode_of(target)) == (NEW, 0o600)


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
    if not system.O_TMPFILE:
        pytest.skip("this Python has no O_TMPFILE")
    real = os.open

    def refuse(path, flags, *args, **kwargs):
        if flags & system.O_TMPFILE == system.O_TMPFILE:
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
        monkeypatch.setattr(durability, "_sync_disks", lambda disks: False)
    monkeypatch.setattr(os, step, failing(number))
    with pytest.raises(FileAccessError, match=message) as caught:
        writer(target, NEW)
    monkeypatch.undo()
    assert caught.value.hint
    assert caught.value.path == str(target)
    assert target.read_bytes() == OLD
    assert mode_of(target) == 0o640
    assert temporary_files(tmp_path) == []
    # A new file that never had another name needs no replacement.
    written = [path for path in tmp_path.iterdir() if path != target]
    assert all(step == "replace" and path.read_bytes() == NEW for path in written)


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
    planted = temporary_path(target)
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
    from fluxsecrets.files import beside, system, writing

    folder, step, nth, action, named = sys.argv[1:]
    folder, nth = Path(folder), int(nth)
    if named == "named":
        system.O_TMPFILE = 0
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
        writing.write_atomic(folder / "f0", b"new" * 1000)
    elif action == "write_new":
        writing.write_new(folder / "created", b"new" * 1000)
    else:
        writing.write_batch([writing.PendingWrite(folder / f"f{n}", b"new" * 1000) for n in range(20)])
"""


def run_and_kill(folder: Path, step: str, nth: int, action: str, named: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), step, str(nth), action, named]
    path = os.pathsep.join([str(Path(system.__file__).parents[2]), *sys.path])
    child = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert child.returncode == -signal.SIGKILL, child.stderr


def nameless_files_work(folder: Path) -> bool:
    try:
        os.close(os.open(folder, system.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError:
        return False
    return bool(system.O_TMPFILE)


@linux_only
@pytest.mark.parametrize("step", ["write", "fsync", "link"])
@pytest.mark.parametrize("action", ["write_atomic", "write_new"])
def test_a_kill_before_the_rename_leaves_nothing_at_all(twenty, step, action):
    if not nameless_files_work(twenty):
        pytest.skip("the file system of the temporary folder has no O_TMPFILE")
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
    assert len(temporary_files(twenty)) == left
    assert all(mode_of(path) & 0o077 == 0 or path.stat().st_size == 3000 for path in temporary_files(twenty))
    assert len(remove_leftovers(twenty)) == left
    assert names(twenty) == before


@posix_only
def test_a_kill_between_two_renames_leaves_every_file_complete(twenty):
    before = names(twenty)
    run_and_kill(twenty, "replace", 8, "write_batch", "named")
    contents = [(twenty / f"f{number}").read_bytes() for number in range(20)]
    assert contents == [b"new" * 1000] * 7 + [OLD] * 13
    assert len(temporary_files(twenty)) == 13
    remove_leftovers(twenty)
    assert names(twenty) == before


@posix_only
def test_two_processes_that_replace_one_file_leave_one_complete_version(tmp_path, target):
    program = """
        import sys
        from pathlib import Path
        from fluxsecrets.files.writing import write_atomic
        for _ in range(40):
            write_atomic(Path(sys.argv[1]), sys.argv[2].encode() * 50_000)
    """
    path = os.pathsep.join([str(Path(system.__file__).parents[2]), *sys.path])
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


def leftover(folder: Path, process: int, tag: str | None = None, age: int = 0) -> Path:
    path = folder / f".secret.yaml.fluxsecrets-{tag or machine_tag()}-{process}-0123abcd.tmp"
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


@posix_only
@pytest.mark.parametrize("content", [OLD, NEW])
def test_files_of_an_earlier_version_go_which_named_contents_by_sha256(
    tmp_path, target, dead_process, content
):
    marks = "-".join(sha256(each).hexdigest()[:16] for each in (NEW, OLD))
    path = leftover(tmp_path, dead_process).rename(
        tmp_path / f".secret.yaml.fluxsecrets-{machine_tag()}-{dead_process}-0123abcd-{marks}.tmp"
    )
    path.write_bytes(b"saved by an editor")
    assert remove_leftovers(tmp_path) == ()
    path.write_bytes(content)
    assert remove_leftovers(tmp_path) == (path,)


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
    temp = temporary_path(tmp_path / name)
    assert temp.parent == tmp_path
    assert re.fullmatch(beside._LEFTOVER, temp.name)
    assert is_leftover_name(temp.name)
    assert len(temp.name.encode()) <= 255
