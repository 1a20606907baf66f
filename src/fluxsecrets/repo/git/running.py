"""A git that runs: threads beside it read its errors and write its input.

Imported when git is first started: most of what a command on one file needs to know of its repository can be
read without git.
"""

from __future__ import annotations

import io
import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import GitError

from .process import Result, failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

_STDERR_LIMIT = 64 * 2**10


class Running:
    """A process, with threads beside it that read its errors and write its input.

    git answers while it still reads. A caller that wrote everything before it read would wait for git while
    git waits for the caller, as soon as both pipes are full. So what is known in advance is given to `feed`.
    """

    __slots__ = ("_drain", "_errors", "_feeder", "process")

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take a process, and start to read its errors."""
        self.process = process
        self._errors = bytearray()
        self._feeder: _Feeder | None = None
        self._drain = threading.Thread(target=_drain, args=(process.stderr, self._errors), daemon=True)
        self._drain.start()

    def feed(self, chunks: Iterable[bytes]) -> None:
        """Write its input while the caller reads, and close it.

        Args:
            chunks: made in another thread, as far ahead as the pipe takes them; making them must not wait for
                what the process writes.
        """
        if self.process.stdin is None:
            raise GitError("git was started without pipes")
        self._feeder = _Feeder(self.process.stdin, chunks)
        self._feeder.start()

    def finish(self) -> Result:
        """Wait for its end; the output is not in it.

        Raises:
            Exception: what the maker of the input raised.
        """
        self._close_input()
        code = self.process.wait()
        self._drain.join()
        if self._feeder is not None and self._feeder.problem is not None:
            raise self._feeder.problem
        return Result(code, b"", bytes(self._errors).decode("utf-8", "replace"))

    def close(self, *, kill: bool) -> None:
        """End it and its threads, whatever they are doing."""
        process = self.process
        if kill or (self._feeder is not None and self._feeder.is_alive()):
            process.kill()
        self._close_input()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
        self._drain.join()
        if process.stderr is not None:
            process.stderr.close()

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
        if source is None:
            raise GitError("git cat-file was started without pipes")
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
    process = subprocess.Popen(  # noqa: S603 - no shell
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE if feed else source or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if source is not None:
        source.close()
    return Running(process)


def _drain(stream: IO[bytes] | None, into: bytearray) -> None:
    while stream is not None and (chunk := stream.read(4096)):
        into += chunk[: max(0, _STDERR_LIMIT - len(into))]


class _Feeder(threading.Thread):
    """Writes what a process reads; `problem` is what its maker raised."""

    def __init__(self, stream: IO[bytes], chunks: Iterable[bytes]) -> None:
        super().__init__(daemon=True)
        self.problem: Exception | None = None
        self._stream = stream
        self._chunks = chunks

    def run(self) -> None:
        chunks = iter(self._chunks)
        while (chunk := self._next(chunks)) is not None:
            try:
                self._stream.write(chunk)
            except OSError:  # it ended early: its exit code says why
                break
        with suppress(OSError):
            self._stream.close()

    def _next(self, chunks: Iterator[bytes]) -> bytes | None:
        try:
            return next(chunks, None)
        except Exception as error:  # noqa: BLE001 - raised where the output is read
            self.problem = error
            return None


def _skip(source: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(source.read(min(size, 2**20)) or b" " * size)
