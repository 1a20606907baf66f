"""A progress bar on standard error: one line that is drawn over itself, and gone at the end.

It has no thread of its own, as worker processes are forked while it is shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from .terminal import colourful

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO, TypeVar

    Item = TypeVar("Item")

_FROM = 40
"""Items from which a bar is worth its flicker."""

_STEPS = 50
"""How often it is drawn."""

_WIDEST = 40
_NARROWEST = 5
_START, _CLEAR = "\r", "\r\x1b[K"


def with_progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Pass items on, with a bar where there are many and somebody is looking."""
    stream = sys.stderr
    if total < _FROM or stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield from items
        return
    every = max(1, total // _STEPS)
    above: Any = _Above(stream)
    sys.stderr = above
    try:
        _write(stream, _START + bar(label, 0, total))
        for number, item in enumerate(items, start=1):
            if number % every == 0:
                _write(stream, _START + bar(label, number, total))
            yield item
    finally:
        if sys.stderr is above:
            sys.stderr = stream
        _write(stream, _CLEAR)


class _Above:
    """Standard error while a bar is shown: a message replaces the bar, which comes back below it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a message."""
        self._stream.write(_CLEAR)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def bar(label: str, done: int, total: int, columns: int | None = None) -> str:
    """Return the line: label, bar, and numbers, in one column less than the terminal has.

    Writing into the last column makes some terminals start a new line.
    """
    import shutil  # only where somebody looks

    room = (shutil.get_terminal_size().columns if columns is None else columns) - 1
    done = min(done, total)
    count = f"{done:>{len(str(total))}}/{total}"
    size = min(_WIDEST, room - len(label) - len(count) - 2)
    if size < _NARROWEST:
        return f"{label} {count}"[: max(room, 0)]
    full = size * done // total
    return f"{label} {_drawn(full, size)} {count}"


def _drawn(full: int, size: int) -> str:
    solid, rest = ("━", "━") if _has_lines() else ("#", ".")
    if not colourful(sys.stderr):
        return solid * full + (" " if rest == solid else rest) * (size - full)
    return f"\x1b[36m{solid * full}\x1b[90m{rest * (size - full)}\x1b[0m"


def _has_lines() -> bool:
    try:
        "━".encode(sys.stderr.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _write(stream: TextIO, text: str) -> None:
    with suppress(OSError, ValueError):  # the bar is an extra
        stream.write(text)
        stream.flush()
