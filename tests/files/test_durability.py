"""What a disk confirms, and how often it is asked."""

import errno
import os
import stat
from functools import partial
from pathlib import Path

import pytest

from filesystems import NEW, OLD, linux_only, others, posix_only, pretend
from fluxsecrets.errors import FileAccessError
from fluxsecrets.files import durability, system
from fluxsecrets.files.writing import PendingWrite, write_atomic, write_batch


@posix_only
def test_each_folder_is_synced_once(tmp_path, monkeypatch):
    for name in "abc":
        (tmp_path / name).mkdir()
    synced: list[Path] = []
    monkeypatch.setattr(durability, "sync_folder", lambda path: synced.append(path.parent))
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

    real_disks = durability._sync_disks

    def sync_disks(disks):
        whole.extend(disks)
        return real_disks(disks)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durability, "_sync_disks", sync_disks)
    return single, whole


@linux_only
def test_many_files_on_a_trusted_disk_share_one_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(durability, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(durability, "_kernel", lambda: (6, 1))
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
    monkeypatch.setattr(durability, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(durability, "_kernel", lambda: (6, 1))
    folders: list[Path] = []
    monkeypatch.setattr(durability, "sync_folder", folders.append)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(in_folders(tmp_path, 20))
    assert all(result.written for result in results)
    assert (len(single), len(whole), folders) == (0, 2, [])


@linux_only
def test_where_the_shared_sync_of_the_renames_fails_each_folder_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(durability, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(durability, "_kernel", lambda: (6, 1))
    answers = iter([True, False])
    monkeypatch.setattr(durability, "_sync_disks", lambda disks: next(answers))
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
@pytest.mark.parametrize("why", ["few", "unknown disk", "old kernel", "no ctypes", "not linux"])
def test_without_a_trustworthy_syncfs_each_file_is_synced(tmp_path, monkeypatch, why):
    writes = others(tmp_path / "x", NEW)
    monkeypatch.setattr(durability, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(durability, "_kernel", lambda: (6, 1))

    def unable(error, *args):
        raise error

    match why:
        case "few":
            writes = writes[:3]
        case "unknown disk":
            monkeypatch.setattr(durability, "file_system", lambda descriptor: 0x6969)
        case "old kernel":
            monkeypatch.setattr(durability, "_kernel", lambda: (5, 7))
        case "no ctypes":
            monkeypatch.setattr(durability, "file_system", partial(unable, OSError(errno.ENOSYS, "")))
        case "not linux":
            monkeypatch.setattr(system, "LINUX", False)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(writes)
    assert all(result.written for result in results)
    assert (len(single), len(whole)) == (len(writes), 0)


def test_a_library_without_syncfs_has_synced_nothing(monkeypatch):
    monkeypatch.setattr(durability, "c_function", lambda name: None)
    assert not durability._sync_disks((0,))


@linux_only
def test_where_the_shared_sync_fails_each_file_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(durability, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(durability, "_kernel", lambda: (6, 1))
    monkeypatch.setattr(durability, "_sync_disks", lambda disks: False)
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
    assert durability._kernel() == (6, 18)


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


def test_macos_asks_for_a_full_sync_once_a_batch(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    pretend("macos", monkeypatch)
    calls: list[int] = []
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda descriptor, command: calls.append(command))
    results = write_batch(others(tmp_path / "x", NEW))
    assert all(result.written for result in results)
    assert calls == [51, 51]  # the files, the folder
