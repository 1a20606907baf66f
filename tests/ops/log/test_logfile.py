"""`ops.log.logfile`: what was written to a log is found as it was written, or its check says so."""

import errno
import json
import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.ops.log import logfile
from fluxsecrets.ops.log.logfile import append, head_path, read_events, verify

EVENTS = (
    ({"event": "start", "run": "1", "command": "get", "paths": ["a.yaml"]},),
    ({"event": "file", "run": "1", "path": "ä\n\x1b.yaml"}, {"event": "end", "run": "1", "exit_code": 0}),
    ({"event": "start", "run": "2", "command": "rotate", "paths": []},),
    ({"event": "end", "run": "2", "exit_code": 2},),
)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "made" / "log.jsonl"
    for events in EVENTS:
        append(path, events)
    return path


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


def messages(path, *anchors):
    return [problem.message for problem in verify(path, anchors).problems]


def test_what_is_appended_is_found_in_order(log):
    verdict = verify(log)
    assert (verdict.lines, verdict.problems) == (5, ())
    assert verdict.anchor.startswith("5:")
    assert [number for number, _ in read_events(log)] == [1, 2, 3, 4, 5]
    events = [event for _, event in read_events(log)]
    assert [event["line"] for event in events] == [1, 2, 3, 4, 5]
    given = [event for entry in EVENTS for event in entry]
    assert [{key: event[key] for key in own} for own, event in zip(given, events, strict=True)] == given
    assert log.read_bytes().isascii()
    assert b"\x1b" not in log.read_bytes(), "a path cannot break a line, or a terminal"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_nobody_else_reads_it(log):
    before = os.umask(0)
    try:
        append(log, EVENTS[0])
    finally:
        os.umask(before)
    for path in log.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_an_absent_log_is_empty_and_fine(tmp_path):
    verdict = verify(tmp_path / "log.jsonl")
    assert (verdict.lines, verdict.anchor, verdict.problems) == (0, None, ())
    assert list(tmp_path.iterdir()) == [], "a check makes no file"


# --- what somebody did to it ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder to work in, and the bytes of a log and its anchor."""
    folder = tmp_path_factory.mktemp("tampered")
    path = folder / "log.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)  # for hundreds of examples
        for events in EVENTS:
            append(path, events)
        yield path, path.read_bytes(), head_path(path).read_bytes()


def tampered(written, *, log=None, head=None):
    """Whether the check finds that log or anchor are others, now and after another run wrote to it."""
    path, log_before, head_before = written
    log, head = log_before if log is None else log, head_before if head is None else head
    if (log, head) == (log_before, head_before):
        return True
    path.write_bytes(log)
    head_path(path).write_bytes(head)
    if not verify(path).problems:
        return False
    try:
        append(path, EVENTS[0])
    except FileAccessError:
        return True
    # The next run may put back what the anchor still has; else what was done shows for good.
    return path.read_bytes().startswith(log_before) or bool(verify(path).problems)


@given(st.data())
def test_any_byte_that_is_changed_is_found(written, data):
    _, log, head = written
    which = data.draw(st.sampled_from(["log", "head"]))
    before = {"log": log, "head": head}[which]
    place = data.draw(st.integers(0, len(before) - 1))
    byte = data.draw(st.integers(0, 255))
    assert tampered(written, **{which: before[:place] + bytes([byte]) + before[place + 1 :]})


@given(st.data())
def test_any_cut_is_found_at_the_end_too(written, data):
    _, log, _ = written
    start = data.draw(st.integers(0, len(log) - 1))
    end = data.draw(st.one_of(st.integers(start + 1, len(log)), st.just(len(log))))
    assert tampered(written, log=log[:start] + log[end:])


@given(st.permutations(range(5)), st.integers(0, 5))
def test_lines_that_are_moved_removed_or_repeated_are_found(written, order, count):
    lines = written[1].splitlines(keepends=True)
    assert tampered(written, log=b"".join(lines[index] for index in order))
    assert tampered(written, log=b"".join(lines[index] for index in sorted(order[:count])))
    assert tampered(written, log=b"".join(sorted([*lines, lines[order[0]]], key=lines.index)))


@given(st.binary(min_size=1, max_size=20), st.integers(0, 10_000))
def test_anything_that_is_put_in_is_found(written, extra, place):
    log = written[1]
    place %= len(log) + 1
    assert tampered(written, log=log[:place] + extra + log[place:])


def test_it_says_what_is_wrong_and_where(log):
    lines = lines_of(log)
    log.write_bytes(b"".join([*lines[:1], lines[1].replace(b'"run":"1"', b'"run":"7"'), *lines[2:]]))
    (problem,) = verify(log).problems
    assert (problem.line, problem.message) == (3, "it or the line before it was changed")
    log.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    assert messages(log)[0] == "line 2 is missing before it"
    log.write_bytes(b"".join([*lines[:2], lines[3], lines[2], lines[4]]))
    assert "line 3 is missing before it" in messages(log)
    assert "it was line 3: lines were exchanged, added or repeated" in messages(log)
    log.write_bytes(b"".join(lines[:3]))
    assert messages(log)[0] == "it is shorter than the anchor says: lines are missing"
    log.write_bytes(b"".join(lines[:4]))
    assert "the last entry is missing or cut" in messages(log)[0]
    log.write_bytes(b"".join([*lines, lines[0]]))
    assert messages(log) == [
        "it was line 1: lines were exchanged, added or repeated",
        "the last entry is not what the anchor says: lines were changed or added",
    ]
    log.unlink()
    assert "lines are missing" in messages(log)[0]


def test_a_lost_anchor_is_said_and_shows_for_good(log):
    head_path(log).unlink()
    assert messages(log) == ["the anchor log.jsonl.head is missing: lines may have been cut off at the end"]
    append(log, EVENTS[0])
    assert messages(log) == ["the anchor was lost here: lines before it may have been cut off unnoticed"]


def test_an_anchor_kept_elsewhere_finds_even_a_log_that_was_made_up_anew(log, tmp_path):
    kept = verify(log).anchor
    append(log, EVENTS[0])
    assert messages(log, kept) == []
    assert messages(log, kept[:24]) == [], "what a person types may be shorter"
    for path in log.parent.iterdir():
        path.unlink()
    append(log, EVENTS[0])
    assert messages(log) == []
    assert messages(log, kept) == ["line 5 is missing, which the anchor that you gave is of"]
    for events in EVENTS:
        append(log, events)
    assert messages(log, kept) == ["it is not the line that the anchor you gave is of"]


@pytest.mark.parametrize(
    "anchor", ["", "5", "5:", "5:abc", "x:0123456789abcdef", "5:0123456789ABCDEF", "\x1b"]
)
def test_what_is_no_anchor_is_refused(log, anchor):
    with pytest.raises(UsageError) as caught:
        verify(log, [anchor])
    assert "\x1b" not in str(caught.value)


# --- while it is written --------------------------------------------------------------------------------


@pytest.mark.parametrize("written", range(0, 400, 57))
def test_a_run_that_is_killed_in_between_is_completed_by_the_next(log, monkeypatch, written):
    class Killed(BaseException):
        pass

    before = log.read_bytes()

    def write(descriptor, data):
        os_write(descriptor, bytes(data[:written]))
        raise Killed

    os_write = os.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            logfile, "_write_tail", lambda path, descriptor, size, data: write_at(descriptor, size, data)
        )

        def write_at(descriptor, size, data):
            os.lseek(descriptor, size, os.SEEK_SET)
            write(descriptor, data)

        with pytest.raises(Killed):
            append(log, EVENTS[1])
    assert log.read_bytes().startswith(before)
    append(log, EVENTS[2])
    verdict = verify(log)
    assert (verdict.lines, verdict.problems) == (8, ())


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_a_full_disk_leaves_no_part_of_an_entry(log, monkeypatch, size):
    """The anchor is written whole, then the disk takes only so many bytes of the entry."""
    before = log.read_bytes()
    real, real_sync = os.write, os.fsync
    inode = log.stat().st_ino

    def write(descriptor, data):
        if os.fstat(descriptor).st_ino != inode:
            return real(descriptor, data)
        room = size - (os.fstat(descriptor).st_size - len(before))
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, bytes(data[:room]))

    def sync(descriptor):
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(errno.EIO, "Input/output error")
        real_sync(descriptor)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fsync", sync)
    with pytest.raises(FileAccessError, match="the log cannot be written") as caught:
        append(log, EVENTS[1])
    assert caught.value.hint
    monkeypatch.undo()
    assert log.read_bytes() == before
    assert verify(log).problems == ()
    append(log, EVENTS[1])
    assert verify(log).problems == ()


def test_a_disk_that_has_no_room_for_the_anchor(log, monkeypatch):
    before = {path.name: path.read_bytes() for path in log.parent.iterdir()}

    def write(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(FileAccessError, match="log cannot be written: the disk is full") as caught:
        append(log, EVENTS[1])
    assert caught.value.path == str(log)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in log.parent.iterdir()} == before


WRITER = """
import sys
from pathlib import Path
from fluxsecrets.ops.log.logfile import append

for number in range(20):
    append(Path(sys.argv[1]), [{"event": "start", "run": sys.argv[2]}, {"event": "end", "run": sys.argv[2]}])
"""


def test_many_writers_at_once(tmp_path):
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    try:
        while any(writer.poll() is None for writer in writers):
            assert verify(path).problems == (), "a check while others write"
    finally:
        for writer in writers:
            if writer.poll() is None:
                writer.kill()
            writer.wait()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    verdict = verify(path)
    assert (verdict.lines, verdict.problems) == (120, ())
    runs = [event["run"] for _, event in read_events(path)]
    assert runs[::2] == runs[1::2], "what is appended at once stays together"


def test_a_check_that_meets_the_first_entry_halfway_looks_again(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    look = logfile._raw_lines

    def write_first(path):
        monkeypatch.setattr(logfile, "_raw_lines", look)
        append(path, EVENTS[0])  # after the check found no anchor, and before it reads the lines
        return look(path)

    monkeypatch.setattr(logfile, "_raw_lines", write_first)
    verdict = verify(path, ["1:0123456789abcdef"])
    assert verdict.lines == 1
    assert [problem.message for problem in verdict.problems] == [
        "it is not the line that the anchor you gave is of"
    ]


def test_a_failed_look_while_the_first_entry_is_written_is_taken_again(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    look = logfile._head_data

    def write_first(path):
        monkeypatch.setattr(logfile, "_head_data", look)
        append(path, EVENTS[0])
        raise FileAccessError("the log cannot be read: stale file handle")

    monkeypatch.setattr(logfile, "_head_data", write_first)
    assert (verify(path).lines, verify(path).problems) == (1, ())


def test_a_first_line_that_another_run_is_writing_is_a_log(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    look = logfile._raw_lines

    def half_a_line(path):
        monkeypatch.setattr(logfile, "_raw_lines", look)
        append(path, EVENTS[0])
        return iter([b'{"line":1,'])

    monkeypatch.setattr(logfile, "_raw_lines", half_a_line)
    append(path, EVENTS[0])
    assert (verify(path).lines, verify(path).problems) == (2, ())


def test_an_entry_after_a_cut_line_and_a_lost_anchor_has_a_line_of_its_own(log):
    log.write_bytes(log.read_bytes()[:-1])
    head_path(log).unlink()
    append(log, EVENTS[0])
    assert [event["line"] for _, event in read_events(log)] == [1, 2, 3, 4, 5, 6]
    assert any("the anchor was lost here" in message for message in messages(log))


def test_an_error_names_the_log_and_the_reason(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    for act in (verify, lambda path: append(path, EVENTS[0])):
        with pytest.raises(FileAccessError) as caught:
            act(tmp_path / "log.jsonl")
        assert caught.value.path == str(tmp_path / "log.jsonl")
        assert "None" not in caught.value.message


# --- files that are none --------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"mine\n", b"{}\n", b"[1]\n", b'{"version":1}\n', b"\xff\n", b"\n"])
def test_a_file_of_another_kind_is_left_alone(tmp_path, content):
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(FileAccessError, match="not a log of fluxsecrets"):
        append(path, EVENTS[0])
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("mine.txt", content)]


def test_a_folder_is_no_log(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(FileAccessError):
        append(tmp_path / "log.jsonl", EVENTS[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_fifo_is_no_log_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "log.jsonl")
    with pytest.raises(FileAccessError):
        append(tmp_path / "log.jsonl", EVENTS[0])
    with pytest.raises(FileAccessError):
        verify(tmp_path / "log.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_in_place_of_the_log_is_not_followed(log, tmp_path):
    target = tmp_path / "elsewhere"
    target.write_bytes(b"")
    log.unlink()
    log.symlink_to(target)
    with pytest.raises(FileAccessError):
        append(log, EVENTS[0])
    assert target.read_bytes() == b""


def test_deep_and_long_rubbish_costs_little(log):
    with log.open("ab") as file:
        file.write(b"[" * 100_000 + b"\n" + b'{"line":' + b"9" * 100_000 + b"}\n")
    assert len(messages(log)) == 3
    append(log, EVENTS[0])
    assert verify(log).problems
    json.dumps([event for _, event in read_events(log)])
