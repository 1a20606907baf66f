"""Many files are made and written by several processes: the outcome is that of one process."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run import replacing as room
from fluxsecrets.ops.run.record import Record, recording
from fluxsecrets.ops.run.replacing import replace_files
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import replacing
from processes import told_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")

KINDS = ("new", "bad", "unchanged", "read-only", "edited", "waits")


@pytest.fixture(autouse=True)
def _several(environment, monkeypatch):
    monkeypatch.setattr(room, "SPREAD_FROM", 2)
    monkeypatch.setattr(room, "_LEAST", 1)
    monkeypatch.setattr(room, "_MOST", 4)
    monkeypatch.setattr("fluxsecrets.ops.run.replacing.cpus", lambda: 2)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)


def prepare(root: Path, name: str) -> Prepared:
    kind = name.partition("_")[2]
    try:
        if kind == "bad":
            raise FormatError("the file is odd", path=name)
        content = read_file(root / name, limit=100)
        if kind == "unchanged":
            return Prepared(FileResult(name, Outcome.UNCHANGED))
        if kind == "edited":
            content.path.write_bytes(b"edited")
        return Prepared(FileResult(name, Outcome.ENCRYPTED), replacing(content, b"new " + content.data))
    except FluxsecretsError as error:
        return Prepared(FileResult(name, Outcome.FAILED, error=error))


def waits(name: str) -> bool:
    return name.endswith("_waits")


def make(root: Path, kinds: list[str]) -> list[str]:
    names = [f"{number:03}_{kind}" for number, kind in enumerate(kinds)]
    for name in names:
        (root / name).write_bytes(name.encode())
        if name.endswith("_read-only"):
            (root / name).chmod(0o400)
    return names


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir() if path.is_file()}


def outcome(root: Path, kinds: list[str]) -> tuple[object, ...]:
    names = make(root, kinds)
    with recording(Record()) as record:
        results = list(replace_files(Session({}, root), partial(prepare, root), names, waits))
    told = [(each.path, each.outcome, str(each.error).replace(str(root), "")) for each in results]
    return told, [each.path for each in record.files], contents(root)


@given(st.lists(st.sampled_from(KINDS), min_size=2, max_size=30))
@settings(max_examples=scaled(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_outcome_is_that_of_one_process(tmp_path_factory, kinds):
    several = outcome(tmp_path_factory.mktemp("several"), kinds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "SPREAD_FROM", 1000)
        one = outcome(tmp_path_factory.mktemp("one"), kinds)
    assert several[0] == one[0]
    assert sorted(several[1]) == sorted(one[1]) == sorted(name for name, _, _ in one[0])
    assert several[2] == one[2]


def test_whoever_made_a_content_writes_it(tmp_path, monkeypatch):
    root, mark = tmp_path / "tree", tmp_path / "mark"
    root.mkdir()
    mark.mkdir()
    names = make(root, ["new"] * 20)
    real = room.write_files

    def noted(*args, **kwargs):
        (mark / str(os.getpid())).touch()
        return real(*args, **kwargs)

    monkeypatch.setattr(room, "write_files", noted)
    results = list(replace_files(Session({}, root), partial(prepare, root), names, waits))
    assert [result.path for result in results] == names
    writers = {path.name for path in mark.iterdir()} - {str(os.getpid())}
    assert len(writers) > 0
    assert all(data.startswith(b"new ") for data in contents(root).values())


@pytest.mark.parametrize("count", [1, 7, 63, 64, 200, 500, 2000, 20_001])
def test_parts_are_alike_and_hold_each_file_once(monkeypatch, count):
    monkeypatch.setattr(room, "_LEAST", 16)
    monkeypatch.setattr(room, "_MOST", 64)
    parts = room._parts(count)
    assert [index for part in parts for index in part] == list(range(count))
    assert max(map(len, parts)) <= 64


STUCK = """
import os, sys, time
from functools import partial
from pathlib import Path
from fluxsecrets.ops.run import parallel, replacing as room
from fluxsecrets.ops.run.record import Record, recording
from fluxsecrets.ops.run.session import Session
from tests.ops.run.test_replacing import prepare, waits

root, mark = map(Path, sys.argv[1:3])
told = int(sys.argv[3])
room.SPREAD_FROM, room._LEAST, room._MOST = 2, 4, 4
room.cpus = parallel.cpus = lambda: 2
real, parent = room.write_files, os.getpid()
def stuck(*args, **kwargs):
    done = list(real(*args, **kwargs))
    os.write(told, b"%d\\n" % len(done))
    if any(each.path.startswith("000") for each in done):  # the first results are awaited
        time.sleep(600)
        os.write(told, b"it goes on\\n")
    return done
room.write_files = stuck
names = sorted(path.name for path in root.iterdir())
with recording(Record()) as record:
    try:
        list(room.replace_files(Session({}, root), partial(prepare, root), names, waits))
    finally:
        (mark / "noted").write_text(" ".join(each.path for each in record.files))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_goes_on_when_the_first_one_is_ended(tmp_path, number):
    root, mark = tmp_path / "tree", tmp_path / "mark"
    root.mkdir()
    mark.mkdir()
    names = make(root, ["new"] * 40)
    command = [sys.executable, "-c", STUCK, root, mark]
    tests = Path(__file__).parents[2]
    with told_by(command, cwd=tests.parent, env={**os.environ, "PYTHONPATH": str(tests)}) as (process, lines):
        written = 0
        while written < len(names):
            written += int(next(lines))
        assert all(data.startswith(b"new ") for data in contents(root).values())
        process.send_signal(number)
        assert list(lines) == [], "all have ended, and said no more"
    if number == signal.SIGINT:
        # What was done is noted, though nobody listened any more. Each worker's last batch may be cut off.
        noted = (mark / "noted").read_text().split()
        assert len(noted) >= len(names) - 3 * 4
        assert noted == sorted(set(noted) & set(names[4:]))
