"""A git that `subprocess` starts, where `spawned` can't: a thread beside it reads its errors."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from .spawned import KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


class Popen(subprocess.Popen[bytes]):
    """A process of `popen`; see `running.Process`."""

    stdout: IO[bytes]
    stderr: IO[bytes]

    def drain(self) -> None:
        """Start to read its errors."""
        self._errors = bytearray()
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()

    def said(self) -> bytes:
        """What it wrote to standard error, after its end."""
        self._drain.join()
        return bytes(self._errors)

    def release(self) -> None:
        """Close what it wrote to, after its end."""
        self._drain.join()
        self.stderr.close()

    def _read_errors(self) -> None:
        while chunk := self.stderr.read(4096):
            self._errors += chunk[: max(0, KEPT - len(self._errors))]


def popen(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    feed: bool,
    source: IO[bytes] | None = None,
) -> Popen:
    """Start git; see `running.start_process`.

    Raises:
        OSError: it cannot be started.
    """
    process = Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE if feed else source or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.drain()
    return process
