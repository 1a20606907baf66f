"""A git that `posix_spawn` starts, for which neither the module `subprocess` nor a thread is needed.

To import `subprocess` and `threading` takes a good part of the time of a command on one file. Errors of git
are written to memory of a fixed size, which nobody has to read while git runs.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

KEPT = 64 * 2**10
"""Bytes of git's errors that are kept, however it was started."""

_KILL = 9


class Spawned:
    """A process of `spawn`; see `running.Process`."""

    __slots__ = ("_errors", "_pid", "returncode", "stdin", "stdout")

    def __init__(self, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes], errors: int) -> None:
        """Take a process, our ends of its pipes, and the descriptor of the file with its errors."""
        self.returncode: int | None = None
        self.stdin = stdin
        self.stdout = stdout
        self._pid = pid
        self._errors = errors

    def wait(self) -> int:
        """Wait for its end, and return its exit code; a negative one is a signal."""
        if self.returncode is None:
            self._look(0)
        return self.returncode or 0

    def kill(self) -> None:
        """End it, unless it has ended: its number may be another process's then."""
        if self.returncode is None:
            self._look(os.WNOHANG)
        if self.returncode is None:
            os.kill(self._pid, _KILL)

    def said(self) -> bytes:
        """What it wrote to standard error, after its end."""
        return os.pread(self._errors, KEPT, 0).rstrip(b"\0")

    def release(self) -> None:
        """Forget what it wrote, after its end."""
        errors, self._errors = self._errors, -1
        if errors >= 0:
            os.close(errors)

    def _look(self, options: int) -> None:
        try:
            pid, status = os.waitpid(self._pid, options)
        except ChildProcessError:  # who started us ignores SIGCHLD; `subprocess` takes it for success, too
            pid, status = self._pid, 0
        if pid:
            self.returncode = os.waitstatus_to_exitcode(status)


def spawn(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    feed: bool,
    source: IO[bytes] | None = None,
) -> Spawned | None:
    """Start git; see `running.start_process`.

    Args:
        command: git by its absolute path, and its arguments.
        folder: the working directory. git goes there itself.
        environment: all its variables.
        feed: its standard input is a pipe; else it is `source`, or empty.
        source: its standard input.

    Returns:
        None if it did not start: where the system can't do this, or for a reason that `subprocess` will say.
    """
    if sys.platform != "linux" or not hasattr(os, "memfd_create") or not folder.is_dir():
        return None
    opened: list[int] = []
    stdin, feeding = -1 if source is None else source.fileno(), -1
    try:
        if feed:
            stdin, feeding = _pipe(opened)
        reading, stdout = _pipe(opened)
        stderr = _file_for_errors(opened)
        pid = os.posix_spawn(
            command[0],
            [command[0], "-C", str(folder), *command[1:]],
            environment,
            file_actions=[*_streams(stdin, stdout, stderr), *_closed()],
            setsigdef=_IGNORED_HERE,
        )
    except OSError:
        _close(opened)
        return None
    _close((stdin, stdout) if feed else (stdout,))
    return Spawned(pid, os.fdopen(feeding, "wb") if feed else None, os.fdopen(reading, "rb"), stderr)


_IGNORED_HERE = (13, 25)
"""SIGPIPE and SIGXFSZ, which Python ignores, and a process would inherit that."""


def _pipe(opened: list[int]) -> tuple[int, int]:
    ends = os.pipe()
    opened += ends
    return ends


def _file_for_errors(opened: list[int]) -> int:
    import fcntl  # not on every system

    descriptor = os.memfd_create("errors", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    opened.append(descriptor)
    os.truncate(descriptor, KEPT)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return descriptor


def _streams(stdin: int, stdout: int, stderr: int) -> Iterator[tuple[object, ...]]:
    """What makes descriptors the standard streams of a process.

    Raises:
        OSError: one has the number of a standard stream, which is closed here.
    """
    if min(stdout, stderr) < 3 or 0 <= stdin < 3:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if stdin < 0:
        yield os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0
    else:
        yield os.POSIX_SPAWN_DUP2, stdin, 0
    yield os.POSIX_SPAWN_DUP2, stdout, 1
    yield os.POSIX_SPAWN_DUP2, stderr, 2


def _closed() -> Iterator[tuple[object, ...]]:
    """What closes descriptors that this process inherited and would hand on."""
    with os.scandir("/proc/self/fd") as entries:
        descriptors = [int(entry.name) for entry in entries]
    for each in descriptors:
        try:
            inherited = each > 2 and os.get_inheritable(each)
        except OSError:  # the one with which they were listed
            continue
        if inherited:
            yield os.POSIX_SPAWN_CLOSE, each


def _close(descriptors: Iterable[int]) -> None:
    for each in descriptors:
        os.close(each)
