"""The report that goes to a file: kept until the command has made all of it.

`Output` asks here, and prints for most commands, so nothing of click is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path


class KeptReport:
    """The lines of a report so far, and the file that it is for."""

    def __init__(self, path: Path) -> None:
        """Take the file."""
        self.path = path
        self.lines: list[str] = []


_kept: ContextVar[KeptReport | None] = ContextVar("kept-report", default=None)


@contextmanager
def keeping_reports() -> Iterator[None]:
    """Around one command line: what it keeps is forgotten at its end."""
    token = _kept.set(None)
    try:
        yield
    finally:
        _kept.reset(token)


def keep_report(path: Path) -> None:
    """Keep what the command shows as its result, for a file."""
    _kept.set(KeptReport(path))


def kept_report() -> KeptReport | None:
    """Return the report that the command's results belong to, if they go to a file."""
    return _kept.get()
