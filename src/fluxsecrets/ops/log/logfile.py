"""The log's file: JSON lines, each with the hash of the one before it, and an anchor beside them.

A line says `previous`, the SHA-256 of the line before it, so that changed, missing, added and exchanged
lines are found. Nothing would be missed at the end, though. That is what the anchor is for, a file
`NAME.head`: it holds the hash, number and place of what came before the last entry, and that entry itself.
It is written first and the entry after it, so that a run that is killed in between leaves an entry that
the next one completes, and a cut at the end is always seen.

Who can write both files can make up a whole new log. Only an anchor that is kept where they cannot write
helps against that: `Verdict.anchor`.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files.locks import exclusive
from fluxsecrets.files.private import make_private_folders
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.files.writing import write_atomic

VERSION = 1
FIRST = "0" * 64
"""The previous hash in the first line."""

LOST = "lost"

_MAX_LINE = 64 * 2**20
_MAX_HEAD = 2 * _MAX_LINE
_FLAGS: int = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)

Event = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _End:
    """Where a log ends.

    Attributes:
        line: number of the last line, from 1; 0 in an empty log.
        size: bytes of the file.
        whole: the file ends with a line break, as it should.
        lost: the anchor is missing, though there are lines.
    """

    line: int = 0
    hash: str = FIRST
    size: int = 0
    whole: bool = True
    lost: bool = False


@dataclass(frozen=True, slots=True)
class _Head:
    """The anchor: what the file is before its last entry, and that entry."""

    line: int
    hash: str
    size: int
    tail: str

    @property
    def tail_bytes(self) -> bytes:
        return self.tail.encode("ascii")

    def end(self, size: int, *, whole: bool = True) -> _End:
        """The end of the log behind the last entry."""
        lines = self.tail_bytes.split(b"\n")
        full = [line for line in lines[:-1] if line]
        last = _hash(full[-1]) if full else self.hash
        return _End(self.line + len(full), last, size, whole)


def head_path(path: Path) -> Path:
    """The anchor's file."""
    return path.with_name(f"{path.name}.head")


def append(path: Path, events: Sequence[Event]) -> None:
    """Add entries, all of them at once, while no other run does.

    A missing log is created with mode 0600, missing folders with 0700. Events have no `line` or
    `previous`.

    Raises:
        FileAccessError: it cannot be written, or is not a log; nothing was added.
    """
    make_private_folders(path.parent)
    _refuse_strange(path)
    with exclusive(_lock_path(path)):
        descriptor = _open(path)
        try:
            end = _find_end(path, descriptor)
            before = _head_data(path)
            head = _Head(end.line, end.hash, end.size, _lines(events, end))
            _write_head(path, _dump_head(head))
            try:
                _write_tail(path, descriptor, end.size, head.tail_bytes)
            except FileAccessError:
                with suppress(FileAccessError):
                    _write_head(path, before)
                raise
        finally:
            os.close(descriptor)


def _refuse_strange(path: Path) -> None:
    """Refuse a file of another kind, before anything is put beside it."""
    first = next(_raw_lines(path), None)
    # The anchor is written first, so a line that another run is still writing has one by now.
    if first is not None and _parse(first) is None and not os.path.lexists(head_path(path)):
        raise FileAccessError(
            "this file is not a log of fluxsecrets", path=str(path), hint="name another file for the log"
        )


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600)
    except OSError as error:
        raise _not_written(path, error) from None
    _require_regular(path, descriptor)
    return descriptor


def _require_regular(path: Path, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileAccessError("the log is not a regular file", path=str(path), hint="name another file")


def _find_end(path: Path, descriptor: int) -> _End:
    """Where the log ends, after the entry of a run that was killed has been completed."""
    size = os.fstat(descriptor).st_size
    head = _parse_head(_head_data(path))
    if head is None:  # one that is damaged is as good as lost
        return _end_without_anchor(path, descriptor, size)
    tail = head.tail_bytes
    written = _read_at(descriptor, head.size, len(tail) + 1) if size >= head.size else b""
    if size >= head.size and len(written) < len(tail) and tail.startswith(written):
        _write_tail(path, descriptor, size, tail[len(written) :])
        return head.end(head.size + len(tail))
    # Where the file is not what the anchor says somebody changed it: new lines go on from the anchor, and
    # the place where they do not fit shows forever.
    last = _read_at(descriptor, size - 1, 1) if size else b"\n"
    return head.end(size, whole=last == b"\n")


def _end_without_anchor(path: Path, descriptor: int, size: int) -> _End:
    if not size:
        return _End()
    line, last = 0, b""
    for raw in _raw_lines(path):
        line, last = line + 1, raw
    whole = _read_at(descriptor, size - 1, 1) == b"\n"
    return _End(line, _hash(last), size, whole=whole, lost=True)


def _lines(events: Sequence[Event], end: _End) -> str:
    texts = [] if end.whole else [""]
    previous = end.hash
    for number, event in enumerate(events, start=end.line + 1):
        extra = {"anchor": LOST} if end.lost and number == end.line + 1 else {}
        text = json.dumps(
            {"line": number, "version": VERSION, **event, **extra, "previous": previous},
            separators=(",", ":"),
        )
        texts.append(text)
        previous = _hash(text.encode("ascii"))
    return "\n".join([*texts, ""])


def _write_tail(path: Path, descriptor: int, size: int, data: bytes) -> None:
    """Write behind what is there and wait for the disk; what cannot be written as a whole is taken back."""
    try:
        os.lseek(descriptor, size, os.SEEK_SET)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):  # else the anchor has the whole entry, and the next run completes it
            os.ftruncate(descriptor, size)
        raise _not_written(path, error) from None


def _write_head(path: Path, data: bytes) -> None:
    try:
        write_atomic(head_path(path), data, mode=0o600)
    except FileAccessError as error:
        reason = error.message.removeprefix("cannot be written: ")
        raise FileAccessError(
            f"the log cannot be written: {reason}", path=str(path), hint=error.hint
        ) from None


def _dump_head(head: _Head) -> bytes:
    content = {"version": VERSION, "line": head.line, "hash": head.hash, "size": head.size, "tail": head.tail}
    return (json.dumps(content, separators=(",", ":")) + "\n").encode("ascii")


def _head_data(path: Path) -> bytes:
    """The anchor's content; empty if it is missing."""
    with _reading(head_path(path)) as file:
        return b"" if file is None else file.read(_MAX_HEAD)


def _parse_head(data: bytes) -> _Head | None:
    """The anchor, or None if it is damaged: any spelling but our own was changed by somebody."""
    try:
        content = json.loads(data)
        line, size = content["line"], content["size"]
        texts = content["hash"], content["tail"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in texts) or type(line) is not int or type(size) is not int:
        return None
    head = _Head(line, texts[0], size, texts[1])
    return head if line >= 0 and size >= 0 and texts[1].isascii() and _dump_head(head) == data else None


def _not_written(path: Path, error: OSError) -> FileAccessError:
    reason, hint = reason_of(error)
    return FileAccessError(
        f"the log cannot be written: {reason}",
        path=str(path),
        hint=hint or "check the permissions of the file and its folder, and the space on the disk",
    )


# --- reading -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference from what was written, at a line from 1, or None for the end or the anchor."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        lines: how many there are.
        anchor: number and hash of the last line, as `41:9f86…`; None for an empty log.
        problems: nothing where the log is as it was written.
    """

    lines: int
    anchor: str | None
    problems: tuple[Problem, ...]


def verify(path: Path, anchors: Sequence[str] = ()) -> Verdict:
    """Check that a log is unchanged.

    Anchors are kept from earlier checks: these lines must be unchanged.

    Raises:
        FileAccessError: it cannot be read.
    """
    wanted = dict(_split_anchor(text) for text in anchors)
    lock = _lock_path(path)
    if not _may_lock(lock):
        # The log has no writer yet, or may be checked only by us. A check makes no file, so nothing keeps a
        # first writer out; the lock that it leaves says that this look may have met it halfway.
        try:
            verdict = _verify(path, wanted)
        except FileAccessError:
            if not _may_lock(lock):
                raise
        else:
            if not _may_lock(lock):
                return verdict
    with exclusive(lock):
        return _verify(path, wanted)


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _may_lock(lock: Path) -> bool:
    return os.access(lock, os.R_OK | os.W_OK)


def _verify(path: Path, anchors: Mapping[int, str]) -> Verdict:
    wanted = dict(anchors)
    data = _head_data(path)
    head = _parse_head(data)
    chain = _Chain(head.size if head is not None else 0)
    for raw in _raw_lines(path):
        chain.add(raw, wanted)
    problems = [*chain.problems]
    if head is not None:
        problems += _compare_with_head(path, head, chain)
    elif chain.count or data:
        state = "was changed" if data else "is missing: lines may have been cut off at the end"
        problems.append(Problem(None, f"the anchor {head_path(path).name} {state}"))
    problems += [
        Problem(None, f"line {line} is missing, which the anchor that you gave is of") for line in wanted
    ]
    anchor = f"{chain.number}:{chain.hash}" if chain.count else None
    return Verdict(chain.count, anchor, tuple(problems))


def _split_anchor(text: str) -> tuple[int, str]:
    number, _, digest = text.strip().partition(":")
    if not (number.isdecimal() and len(digest) >= 16 and all(char in "0123456789abcdef" for char in digest)):
        raise UsageError(
            f"{text!a} is not an anchor", hint="`fluxsecrets log verify` prints it, such as 41:9f86d081…"
        )
    return int(number), digest


class _Chain:
    """Goes through the lines of a log, and remembers where they do not fit."""

    def __init__(self, watched: int) -> None:
        """Take the place, in bytes, at which number and hash of the line before it are of interest."""
        self.problems: list[Problem] = []
        self.count = 0
        self.number = 0
        self.hash = FIRST
        self.seen = None if watched else (0, FIRST)
        self._watched = watched
        self._size = 0

    def add(self, raw: bytes, wanted: dict[int, str]) -> None:
        self.count += 1
        self._size += len(raw) + 1
        content = _parse(raw)
        if content is None:
            self._problem("this is not a line of a log: it was changed, added or cut")
            self.number += 1
        else:
            self._fits(content)
        self.hash = _hash(raw)
        kept = wanted.pop(self.number, None)
        if kept is not None and not self.hash.startswith(kept):
            self._problem("it is not the line that the anchor you gave is of")
        if self._size == self._watched:
            self.seen = self.number, self.hash

    def _fits(self, content: Event) -> None:
        number, expected = content["line"], self.number + 1
        assert isinstance(number, int)  # noqa: S101 - _parse looked
        if number > expected:
            missing = (
                f"line {expected} is" if number == expected + 1 else f"lines {expected} to {number - 1} are"
            )
            self._problem(f"{missing} missing before it")
        elif number < expected:
            self._problem(f"it was line {number}: lines were exchanged, added or repeated")
        elif content["previous"] != self.hash:
            self._problem("it or the line before it was changed" if self.number else "it was changed")
        elif content.get("anchor") == LOST:
            self._problem("the anchor was lost here: lines before it may have been cut off unnoticed")
        self.number = number

    def _problem(self, message: str) -> None:
        self.problems.append(Problem(self.count, message))


def _compare_with_head(path: Path, head: _Head, chain: _Chain) -> Iterator[Problem]:
    size, tail = _size(path), head.tail_bytes
    expected = head.size + len(tail)
    written = _tail_of(path, head.size)
    if size < expected and size >= head.size and tail.startswith(written):
        yield Problem(
            None,
            "the last entry is missing or cut: somebody cut it off, or a run was killed while it wrote; "
            "the anchor has all of it, and the next run puts it back",
        )
    elif size < expected:
        yield Problem(None, "it is shorter than the anchor says: lines are missing")
    elif written != tail:
        yield Problem(None, "the last entry is not what the anchor says: lines were changed or added")
    if chain.seen != (head.line, head.hash):
        yield Problem(None, "what is before the last entry is not what the anchor says")


def _tail_of(path: Path, offset: int) -> bytes:
    with _reading(path) as file:
        if file is None:
            return b""
        file.seek(offset)
        return file.read(_MAX_HEAD)


def _size(path: Path) -> int:
    with _reading(path) as file:
        return 0 if file is None else os.fstat(file.fileno()).st_size


def read_events(path: Path) -> Iterator[tuple[int, Event | None]]:
    """The lines of a log with their place in the file; None for one that cannot be read.

    Raises:
        FileAccessError: it cannot be read.
    """
    for number, raw in enumerate(_raw_lines(path), start=1):
        yield number, _parse(raw)


def _raw_lines(path: Path) -> Iterator[bytes]:
    """Lines without their breaks; none if the file is missing."""
    with _reading(path) as file:
        while file is not None and (raw := file.readline(_MAX_LINE)):
            yield raw.removesuffix(b"\n")


@contextmanager
def _reading(path: Path) -> Iterator[IO[bytes] | None]:
    """The log, opened; None if it is missing.

    Raises:
        FileAccessError: it cannot be read, or is a link, a FIFO or the like.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise _not_read(path, error) from None
    _require_regular(path, descriptor)
    with os.fdopen(descriptor, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise _not_read(path, error) from None


def _not_read(path: Path, error: OSError) -> FileAccessError:
    reason, hint = reason_of(error)
    return FileAccessError(f"the log cannot be read: {reason}", path=str(path), hint=hint)


def _parse(raw: bytes) -> Event | None:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("version") != VERSION:
        return None
    number = content.get("line")
    known = isinstance(number, int) and number > 0 and isinstance(content.get("previous"), str)
    return content if known else None


def _read_at(descriptor: int, offset: int, count: int) -> bytes:
    os.lseek(descriptor, offset, os.SEEK_SET)
    parts: list[bytes] = []
    while count and (part := os.read(descriptor, count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
