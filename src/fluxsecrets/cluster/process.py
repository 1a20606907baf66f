"""Run kubectl once: bounded in time and output, without a shell, and without a word of what it complains.

What kubectl and its credential plugins write to standard error may quote tokens and values. It only serves to
find out what went wrong.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

from fluxsecrets.errors import ClusterError
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.programs import child_environment

_ERRORS_LIMIT: Final = 64 * 2**10
_CHUNK: Final = 2**16
_GRACE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended. What it wrote may hold values, and is not in the repr."""

    code: int
    output: bytes = field(repr=False)
    errors: str = field(repr=False)
    timed_out: bool = False
    overflowed: bool = False


def run(command: Sequence[str], environ: Mapping[str, str], *, timeout: float, limit: int) -> Ended:
    """Run a program to its end.

    Args:
        command: the absolute path of a program, and its arguments.
        environ: the user's environment; private keys in it are not passed on.
        timeout: seconds, after which it is killed.
        limit: bytes of standard output, after which it is killed.

    Raises:
        ClusterError: it can't be started.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(environ) | {"LC_ALL": "C"},
        )
    except OSError as error:
        raise ClusterError(f"kubectl could not be started: {reason_of(error).text}") from None
    output, errors = _Stream(process.stdout, limit, process), _Stream(process.stderr, _ERRORS_LIMIT, None)
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        process.kill()
        code = process.wait()
        for stream in (output, errors):
            stream.join(
                _GRACE
            )  # a plugin may be left behind with the pipe; its thread ends with this process
    return Ended(
        code, bytes(output.data), errors.data.decode("utf-8", "replace"), timed_out, output.overflowed
    )


class _Stream(threading.Thread):
    """Reads a stream up to a limit. Beyond it the process is ended, or the rest is dropped."""

    def __init__(self, stream: IO[bytes] | None, limit: int, ended: subprocess.Popen[bytes] | None) -> None:
        super().__init__(daemon=True)
        self.data = bytearray()
        self.overflowed = False
        self._stream, self._limit, self._ended = stream, limit, ended
        self.start()

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            while chunk := self._stream.read1(_CHUNK):  # type: ignore[attr-defined]
                room = self._limit - len(self.data)
                self.data += chunk[: max(0, room)]
                if len(chunk) > room and self._ended is not None:
                    self.overflowed = True
                    self._ended.kill()
                    return
