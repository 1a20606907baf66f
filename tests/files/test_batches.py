"""Many files written together."""

import errno
import os
import pickle
import stat
from functools import partial
from pathlib import Path

import pytest

from filesystems import (
    LIMIT,
    NEW,
    OLD,
    change_content,
    linux_only,
    others,
    posix_only,
    temporary_files,
)
from fluxsecrets.files import system, writing
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import PendingWrite, write_batch


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
    assert temporary_files(tmp_path) == []


def test_results_can_be_sent_between_processes(tmp_path):
    (result,) = write_batch([PendingWrite(tmp_path / "missing" / "a", NEW)])
    again = pickle.loads(pickle.dumps(result))
    assert again.error.message == result.error.message
    assert again.path == result.path


def test_all_files_are_prepared_before_the_first_is_replaced(platform, twenty, monkeypatch):
    steps: list[str] = []
    for name in ("_prepare", "_swap"):
        real = getattr(writing, name)
        monkeypatch.setattr(
            writing, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))
        )
    write_batch([PendingWrite(twenty / f"f{number}", NEW) for number in range(20)])
    assert steps == ["_prepare"] * 20 + ["_swap"] * 20


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
    monkeypatch.setattr(writing, "sync_folder", lambda path: synced.append(path.parent))
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

    real_disks = writing._sync_disks

    def sync_disks(disks):
        whole.extend(disks)
        return real_disks(disks)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(writing, "_sync_disks", sync_disks)
    return single, whole


@linux_only
def test_many_files_on_a_trusted_disk_share_one_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(writing, "_kernel", lambda: (6, 1))
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
    monkeypatch.setattr(writing, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(writing, "_kernel", lambda: (6, 1))
    folders: list[Path] = []
    monkeypatch.setattr(writing, "sync_folder", folders.append)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(in_folders(tmp_path, 20))
    assert all(result.written for result in results)
    assert (len(single), len(whole), folders) == (0, 2, [])


@linux_only
def test_where_the_shared_sync_of_the_renames_fails_each_folder_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(writing, "_kernel", lambda: (6, 1))
    answers = iter([True, False])
    monkeypatch.setattr(writing, "_sync_disks", lambda disks: next(answers))
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
    monkeypatch.setattr(writing, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(writing, "_kernel", lambda: (6, 1))

    def unable(error, *args):
        raise error

    match why:
        case "few":
            writes = writes[:3]
        case "unknown disk":
            monkeypatch.setattr(writing, "file_system", lambda descriptor: 0x6969)
        case "old kernel":
            monkeypatch.setattr(writing, "_kernel", lambda: (5, 7))
        case "no ctypes":
            monkeypatch.setattr(writing, "file_system", partial(unable, OSError(errno.ENOSYS, "")))
        case "not linux":
            monkeypatch.setattr(system, "LINUX", False)
    single, whole = count_syncs(monkeypatch)
    results = write_batch(writes)
    assert all(result.written for result in results)
    assert (len(single), len(whole)) == (len(writes), 0)


def test_a_library_without_syncfs_has_synced_nothing(monkeypatch):
    monkeypatch.setattr(writing, "c_function", lambda name: None)
    assert not writing._sync_disks((0,))


@linux_only
def test_where_the_shared_sync_fails_each_file_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "file_system", lambda descriptor: 0xEF53)
    monkeypatch.setattr(writing, "_kernel", lambda: (6, 1))
    monkeypatch.setattr(writing, "_sync_disks", lambda disks: False)
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
    assert writing._kernel() == (6, 18)
