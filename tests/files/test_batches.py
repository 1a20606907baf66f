"""Many files written together."""

import pickle
from pathlib import Path

from filesystems import LIMIT, NEW, OLD, change_content, others, posix_only, temporary_files
from fluxsecrets.files import writing
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
