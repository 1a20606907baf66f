"""Many files of an operation are replaced by several processes: the outcome is that of one process."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import ChangedError, FileAccessError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run import journal, settling
from fluxsecrets.ops.run.journal import Way, apply, end, pending
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.statefolder import Place
from fluxsecrets.records import replace
from processes import told_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


@pytest.fixture(autouse=True)
def _home(environment):
    """The key of journals lies in the user's folder."""


@pytest.fixture(autouse=True)
def _several(monkeypatch):
    monkeypatch.setattr(settling, "SPREAD_FROM", 2)
    monkeypatch.setattr("fluxsecrets.ops.run.settling.cpus", lambda: 3)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 3)


def make(root: Path, count: int, *, odd: bool = False) -> list[FileChange]:
    """Files, and what becomes of them: new contents, and with `odd` new files and removed ones."""
    changes = []
    for number in range(count):
        path = root / f"d{number % 5}" / f"f{number}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = number % 7 if odd else 0
        if kind == 5:
            changes.append(FileChange(root / "made" / path.name, b"made %d" % number, None, 0o640))
            continue
        path.write_bytes(b"old %d" % number)
        new = None if kind == 6 else b"new %d" % number
        changes.append(FileChange(path, new, read_file(path, limit=100)))
    return sorted(changes, key=lambda change: change.new is None)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def goal(root: Path, changes: list[FileChange]) -> dict[str, bytes]:
    return {str(each.path.relative_to(root)): each.new for each in changes if each.new is not None}


@given(st.integers(1, 40), st.integers(1, 9))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_files_are_changed(tmp_path_factory, count, batch):
    root = tmp_path_factory.mktemp("tree")
    place = Place(root, tmp_path_factory.mktemp("state") / "state")
    changes = make(root, count, odd=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "BATCH", batch)
        assert apply(place, "rotate", changes, {}) == {}
    assert contents(root) == goal(root, changes)
    assert pending(place) is None


@given(st.integers(1, 20), st.booleans())
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_that_were_just_read_are_seen_as_a_look_sees_them(tmp_path_factory, count, first):
    root = tmp_path_factory.mktemp("tree")
    place = Place(root, tmp_path_factory.mktemp("state") / "state")
    same = FileChange(root / "same", b"same", b"same")
    same.path.write_bytes(b"same")
    changes = [same, *make(root, count, odd=True)]
    seen = []

    def settle(journal, *, just_read=None, **how):
        looked = list(settling.look(journal))
        assert (just_read is None) is first
        seen.append(looked if just_read is None else settling._seen(journal, just_read))
        assert [(each.entry, each.state, each.content) for each in seen[0]] == [
            (each.entry, each.state, each.content) for each in looked
        ]
        return settling.settle(journal, just_read=just_read, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "settle", settle)
        apply(place, "rotate", changes, {}, (lambda: None) if first else None)
    assert len(seen) == 1
    assert contents(root) == goal(root, changes)


@pytest.mark.parametrize("touch", ["changed", "same", "removed", "folder", "link"])
@pytest.mark.parametrize("number", [0, 7, 19])
def test_what_is_saved_while_the_journal_is_written_stays_and_all_is_taken_back(
    tmp_path, monkeypatch, touch, number
):
    changes = make(tmp_path / "tree", 20)
    path, write = changes[number].path, journal.write_journal

    def and_save(*args):
        write(*args)
        if touch in ("changed", "same"):
            path.write_bytes(b"saved" if touch == "changed" else changes[number].old.data)
            return
        path.unlink()
        if touch == "folder":
            path.mkdir()
        elif touch == "link":
            path.symlink_to(tmp_path / "elsewhere")

    monkeypatch.setattr(journal, "write_journal", and_save)
    before = contents(tmp_path / "tree")
    place = Place(tmp_path / "tree", tmp_path / "state")
    with pytest.raises((ChangedError, FileAccessError)):
        apply(place, "rotate", changes, {})
    kept = {name: data for name, data in before.items() if tmp_path / "tree" / name != path}
    found = contents(tmp_path / "tree")
    assert {name: data for name, data in found.items() if tmp_path / "tree" / name != path} == kept
    assert found.get(str(path.relative_to(tmp_path / "tree"))) in {
        "changed": [b"saved"],
        "same": [changes[number].old.data],
    }.get(touch, [None])
    assert pending(place) is None


@pytest.mark.parametrize("way", [Way.RESUME, Way.ABORT])
def test_old_contents_are_read_when_the_journal_is_written(tmp_path, monkeypatch, way):
    changes = [
        replace(each, old=each.old.without_data()) if each.old is not None else each
        for each in make(tmp_path / "tree", 20, odd=True)
    ]
    before = contents(tmp_path / "tree")
    place = Place(tmp_path / "tree", tmp_path / "state")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "settle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            apply(place, "rotate", changes, {})
    assert pending(place) is not None
    end(place, way)
    goals = {Way.RESUME: goal(tmp_path / "tree", changes), Way.ABORT: before}
    assert contents(tmp_path / "tree") == goals[way]


def interrupted(*_args, **_how):
    raise KeyboardInterrupt


def test_a_file_that_is_not_what_was_read_is_seen_without_its_bytes(tmp_path):
    changes = [replace(each, old=each.old.without_data()) for each in make(tmp_path / "tree", 9)]
    changes[5].path.write_bytes(b"saved")
    before = contents(tmp_path / "tree")
    with pytest.raises(ChangedError, match="while its new content was being made"):
        apply(Place(tmp_path / "tree", tmp_path / "state"), "rotate", changes, {})
    assert contents(tmp_path / "tree") == before


@pytest.mark.parametrize("number", [0, 7, 19])
def test_a_save_that_only_the_bytes_tell_is_noticed_when_the_file_is_replaced(tmp_path, number):
    changes = make(tmp_path / "tree", 20)
    path, old = changes[number].path, changes[number].old
    before = contents(tmp_path / "tree")
    saved = old.data.upper()
    path.write_bytes(saved)
    os.utime(path, ns=(old.identity.mtime_ns, old.identity.mtime_ns))
    place = Place(tmp_path / "tree", tmp_path / "state")
    with pytest.raises(ChangedError):
        apply(place, "rotate", changes, {})
    assert contents(tmp_path / "tree") == before | {str(path.relative_to(tmp_path / "tree")): saved}
    assert pending(place) is None


@pytest.mark.parametrize("way", [Way.RESUME, Way.ABORT])
def test_old_contents_that_are_at_hand_are_not_read_again(tmp_path, monkeypatch, way):
    changes = make(tmp_path / "tree", 20, odd=True)
    before = contents(tmp_path / "tree")
    place = Place(tmp_path / "tree", tmp_path / "state")
    with monkeypatch.context() as patch:
        patch.setattr(journal, "settle", interrupted)
        read = []
        patch.setattr(
            journal, "read_file", lambda path, **how: (read.append(path), read_file(path, **how))[1]
        )
        with pytest.raises(KeyboardInterrupt):
            apply(place, "rotate", changes, {})
    assert {path for path in read if path.is_relative_to(place.root)} == {
        each.path for each in changes if each.old is None
    }
    end(place, way)
    goals = {Way.RESUME: goal(tmp_path / "tree", changes), Way.ABORT: before}
    assert contents(tmp_path / "tree") == goals[way]


def test_other_processes_write(tmp_path, monkeypatch):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = make(place.root, 9)
    real = settling.write_batch

    def noted(writes):
        (tmp_path / f"by-{os.getpid()}").touch()
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", noted)
    apply(place, "rotate", changes, {})
    writers = {path.name for path in tmp_path.glob("by-*")}
    assert writers
    assert f"by-{os.getpid()}" not in writers


@pytest.mark.parametrize(("processors", "batches"), [(1, 1), (2, 2)])
def test_a_process_alone_replaces_as_many_together_as_it_may(tmp_path, monkeypatch, processors, batches):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = make(place.root, 200)
    for name in ("settling", "parallel"):
        monkeypatch.setattr(f"fluxsecrets.ops.run.{name}.cpus", lambda: processors)
    real = settling.write_batch

    def noted(writes):
        (tmp_path / f"batch-{writes[0].path.name}").touch()
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", noted)
    apply(place, "rotate", changes, {})
    assert contents(place.root) == goal(place.root, changes)
    assert len(list(tmp_path.glob("batch-*"))) == batches


@pytest.mark.parametrize("failing", ["disk", "edit"])
def test_what_fails_in_one_process_takes_back_what_all_did(tmp_path, monkeypatch, failing):
    place = Place(tmp_path / "tree", tmp_path / "state")
    changes = make(place.root, 30)
    before = contents(place.root)
    monkeypatch.setattr(settling, "BATCH", 4)
    real = settling.write_batch
    last = changes[-1].path

    def failed(writes):
        if failing == "disk" and last in [each.path for each in writes] and writes[0].data.startswith(b"new"):
            raise FileAccessError("no space left on device", path=str(last))
        if failing == "edit" and last in [each.path for each in writes]:
            last.write_bytes(b"edited")
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", failed)
    with pytest.raises(FileAccessError if failing == "disk" else ChangedError):
        apply(place, "rotate", changes, {})
    if failing == "edit":
        before[str(last.relative_to(place.root))] = b"edited"
    assert contents(place.root) == before
    assert pending(place) is None


STUCK = """
import os, sys, time
from pathlib import Path
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run import journal, parallel, settling
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.ops.run.statefolder import Place

root, state = map(Path, sys.argv[1:3])
told = int(sys.argv[3])
settling.SPREAD_FROM, settling.BATCH = 2, 4
settling.cpus = parallel.cpus = lambda: 2
real = settling.write_batch
def stuck(writes):
    done = real(writes)
    os.write(told, b"%d\\n" % os.getpid())
    time.sleep(600)
    os.write(told, b"it goes on\\n")
    return done
settling.write_batch = stuck
paths = sorted(root.rglob("*.yaml"))
changes = [FileChange(path, b"new", read_file(path, limit=100)) for path in paths]
journal.apply(Place(root, state), "rotate", changes, {})
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("way", [Way.RESUME, Way.ABORT])
def test_no_process_goes_on_when_the_first_one_is_ended(tmp_path, number, way):
    root, state = tmp_path / "tree", tmp_path / "state"
    make(root, 20)
    before = contents(root)
    with told_by([sys.executable, "-c", STUCK, root, state]) as (process, lines):
        assert len({next(lines) for _ in range(3)}) == 3, "one more than there are CPUs"
        process.send_signal(number)
        assert list(lines) == [], "all have ended, and said no more"
    half = contents(root)
    assert sum(data == b"new" for data in half.values()) == 12
    assert list(state.rglob("*.tmp")) == []
    end(Place(root, state), way)
    assert contents(root) == (dict.fromkeys(before, b"new") if way is Way.RESUME else before)
