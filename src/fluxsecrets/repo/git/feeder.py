"""A thread that writes what a git reads, while somebody reads what git writes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


class Feeder(threading.Thread):
    """Writes what a process reads; `problem` is what its maker raised."""

    def __init__(self, stream: IO[bytes], chunks: Iterable[bytes]) -> None:
        """Take the process's input, and what to write; `start` begins."""
        super().__init__(daemon=True)
        self.problem: Exception | None = None
        self._stream = stream
        self._chunks = chunks

    def run(self) -> None:
        """Write everything, and close the stream."""
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
