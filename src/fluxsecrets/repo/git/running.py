"""A git that runs: it is fed while it is read.

Imported when git is first started: most of what a command on one file needs to know of its repository can be
read without git.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path

from fluxsecrets.errors import GitError

from .process import Result, failure
from .spawned import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Protocol

    from .feeder import Feeder

    class Process(Protocol):
        """A process with pipes, which somebody waits for.

        Attributes:
            stdin: None unless it is fed.
            returncode: None until somebody has waited for its end; negative where a signal ended it.
        """

        stdin: IO[bytes] | None
        stdout: IO[bytes]
        returncode: int | None

        def wait(self) -> int:
            """Wait for its end, and return its exit code."""

        def kill(self) -> None:
            """End it, unless it has ended."""

        def said(self) -> bytes:
            """The first 64 KiB of what it wrote to standard error; called after its end."""

        def release(self) -> None:
            """Close what it wrote to; called after its end."""


_AT_ONCE = 4096
"""Bytes that every pipe holds: so much can be written before anybody reads."""

_GETPIPE_SZ = 1032  # fcntl(2) of Linux; Python has a name for it on some builds only


class Running:
    """A process, with a thread beside it that writes a long input.

    git answers while it still reads. A caller that wrote everything before it read would wait for git while
    git waits for the caller, as soon as both pipes are full. So what is known in advance is given to `feed`.
    """

    __slots__ = ("_feeder", "_problem", "process")

    def __init__(self, process: Process) -> None:
        """Take a process."""
        self.process = process
        self._feeder: Feeder | None = None
        self._problem: Exception | None = None

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Write its input while the caller reads, and close it; called once.

        Args:
            chunks: what a pipe does not hold at once is made in another thread, as far ahead as the pipe
                takes it; making it must not wait for what the process writes.
        """
        if self.process.stdin is None:
            raise GitError("git was started without pipes")
        begin, rest = bytearray(), iter(chunks)
        room = _capacity(self.process.stdin)
        while (chunk := self._made(rest)) is not None:
            if len(begin) + len(chunk) > room:
                from .feeder import Feeder  # few need a thread

                self._feeder = Feeder(self.process.stdin, chain((bytes(begin), chunk), rest))
                self._feeder.start()
                return
            begin += chunk
        with suppress(OSError):  # it ended early: its exit code says why
            self.process.stdin.write(begin)
        with suppress(OSError):
            self.process.stdin.close()

    def _made(self, chunks: Iterator[bytes]) -> bytes | None:
        try:
            return next(chunks, None)
        except Exception as error:  # noqa: BLE001 - raised where the output is read
            self._problem = error
            return None

    def finish(self) -> Result:
        """Wait for its end; the output is not in it.

        Raises:
            Exception: what the maker of the input raised.
        """
        self._close_input()
        code = self.process.wait()
        errors = self.process.said()
        problem = self._problem if self._feeder is None else self._feeder.problem
        if problem is not None:
            raise problem
        return Result(code, b"", errors.decode("utf-8", "replace"))

    def close(self, *, kill: bool) -> None:
        """End it and its thread, whatever they are doing."""
        process = self.process
        if kill or (self._feeder is not None and self._feeder.is_alive()):
            process.kill()
        self._close_input()
        process.stdout.close()
        process.wait()
        process.release()

    def _close_input(self) -> None:
        if self._feeder is not None:
            self._feeder.join()
        elif self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:
                self.process.kill()

    def ask(self, name: str, limit: int, kinds: Sequence[str] = ("blob",)) -> tuple[str, bytes | None]:
        """One exchange with `git cat-file --batch`: the object's type and, within the limit, its bytes.

        It cannot block: git has nothing left to write when it is asked.
        """
        if self.process.stdin is None:
            raise GitError("git cat-file was started without pipes")
        with suppress(OSError):  # it ended: reading tells why
            self.process.stdin.write(os.fsencode(name) + b"\n")
            self.process.stdin.flush()
        return self.receive(limit, kinds)

    def more(self) -> bool:
        """Whether there is another answer of `git cat-file --batch` to what it was fed.

        Raises:
            GitError: it ended with an error.
        """
        source = self.process.stdout
        if isinstance(source, io.BufferedReader) and source.peek(1):
            return True
        ended = self.finish()
        if ended.code != 0:
            raise failure("cat-file", ended, None)
        return False

    def receive(self, limit: int, kinds: Sequence[str] = ("blob",)) -> tuple[str, bytes | None]:
        """The next object that was asked for: its type, and its content where that is one of the kinds."""
        source = self.process.stdout
        header = source.readline(2**16)
        if not header.endswith(b"\n"):
            raise failure("cat-file", self.finish(), None)
        words = header.rstrip(b"\n").rsplit(b" ", 2)
        if words[-1] == b"missing":
            return "missing", None
        if len(words) != 3 or not words[2].isdigit():
            return "other", None
        kind, size = words[1].decode("ascii", "replace"), int(words[2])
        content = None
        if kind in kinds and size <= limit:
            content = source.read(size)
        else:
            _skip(source, size)
        if source.read(1) != b"\n":
            raise failure("cat-file", self.finish(), None)
        return kind, content


def start_process(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    feed: bool,
    source: IO[bytes] | None = None,
) -> Running:
    """Start a command line, with pipes.

    Args:
        command: the program and its arguments.
        folder: the working directory.
        environment: all its variables.
        feed: its standard input is a pipe; else it is `source`, or empty.
        source: is open in the process only after this, so that its writer learns of the process's end.

    Raises:
        OSError: it cannot be started.
    """
    process: Process | None = spawn(command, folder, environment, feed=feed, source=source)
    if process is None:
        from .popen import popen  # where the system can't do without

        process = popen(command, folder, environment, feed=feed, source=source)
    if source is not None:
        source.close()
    return Running(process)


def _capacity(pipe: IO[bytes]) -> int:
    """How many bytes an empty pipe holds."""
    if sys.platform != "linux":
        return _AT_ONCE
    import fcntl  # not on every system

    try:
        return max(fcntl.fcntl(pipe.fileno(), _GETPIPE_SZ), _AT_ONCE)
    except OSError:
        return _AT_ONCE


def _skip(source: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(source.read(min(size, 2**20)) or b" " * size)
