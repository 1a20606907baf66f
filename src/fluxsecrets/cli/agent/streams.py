"""The streams of a run in the agent: nothing is printed before the client knows that it begins.

What goes to standard error first is held back. So a run that fails without a result can be declined: the
client repeats it, and what is said about the failure is said there.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MOST_HELD = 1024 * 1024


class Gate:
    """Lets output through, once somebody was told.

    Attributes:
        begun: whether anything was let through.
    """

    def __init__(self, begin: Callable[[], None]) -> None:
        """Take what to call before the first output; it may end the process instead."""
        self.begun = False
        self._begin = begin
        self._held = bytearray()

    def open(self) -> None:
        """Let what was held back through, and all that follows."""
        if self.begun:
            return
        self.begun = True  # first, since a signal may ask for it
        self._begin()
        held, self._held = self._held, bytearray()
        with io.FileIO(2, "wb", closefd=False) as raw:
            rest = memoryview(held)
            while rest:
                rest = rest[raw.write(rest) :]

    def hold(self, data: ReadableBuffer) -> int:
        """Hold back what goes to standard error, or open where it is too much."""
        view = memoryview(data).cast("B")
        self._held += view
        if len(self._held) > _MOST_HELD:
            self.open()
        return len(view)


class _Output(io.FileIO):
    def __init__(self, gate: Gate) -> None:
        super().__init__(1, "wb", closefd=False)
        self._gate = gate

    def write(self, data: ReadableBuffer, /) -> int:
        self._gate.open()
        return super().write(data)


class _Messages(io.FileIO):
    def __init__(self, gate: Gate) -> None:
        super().__init__(2, "wb", closefd=False)
        self._gate = gate

    def write(self, data: ReadableBuffer, /) -> int:
        return super().write(data) if self._gate.begun else self._gate.hold(data)


def open_streams(gate: Gate, streams: Sequence[str]) -> None:
    """Make `sys.stdout` and `sys.stderr` as they are in the client, and leave nothing to read.

    Args:
        gate: what output goes through.
        streams: those of the request.

    Raises:
        LookupError, ValueError: there is no such encoding, or it is malformed.
    """
    sys.stdin = None  # as if it were closed
    sys.stdout = _text(_Output(gate), streams[:4])
    sys.stderr = _text(_Messages(gate), streams[4:])


def _text(raw: io.FileIO, stream: Sequence[str]) -> TextIO:
    encoding, errors, lines, through = stream
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffer, encoding, errors, newline="\n", line_buffering=lines == "1", write_through=through == "1"
    )
