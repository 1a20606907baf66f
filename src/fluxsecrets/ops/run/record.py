"""The record that the log is written from: whose identities opened data keys, and what became of files.

Notes go to the innermost `recording` of their context: to the command, and in a worker process to the work on
one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fluxsecrets.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:  # decrypting one file makes no result
    from typing import TypeVar

    from fluxsecrets.sops.recipients import Recipient

    from .results import FileResult

    Kept = TypeVar("Kept", "Record", None)


@dataclass(slots=True)
class Record:
    """Notes of one run, or of one file of it.

    Attributes:
        keys: whose identities opened data keys, each once.
        files: results of files, in order.
        leaving: is called before another program takes the place of this process; it may raise.
    """

    keys: dict[Recipient, None] = field(default_factory=dict)
    files: list[FileResult] = field(default_factory=list)
    leaving: Callable[[], None] | None = None


_current: ContextVar[Record | None] = ContextVar("record", default=None)


def is_recording() -> bool:
    """Whether this run is recorded."""
    return _current.get() is not None


@contextmanager
def recording(record: Kept) -> Iterator[Kept]:
    """Take notes, or none for None; an outer `recording` does not get them."""
    token = _current.set(record)
    try:
        yield record
    finally:
        _current.reset(token)


def record_from_now_on(record: Record) -> None:
    """Take notes until the `recording` around this ends."""
    _current.set(record)


def note_key(recipient: Recipient) -> None:
    """Note that the identity of a recipient opened a data key."""
    record = _current.get()
    if record is not None:
        record.keys[recipient] = None


def note_file(result: FileResult) -> None:
    """Note what became of a file of many."""
    record = _current.get()
    if record is not None:
        record.files.append(result)


def note_leaving() -> None:
    """Note that another program takes the place of this process.

    Raises:
        FluxsecretsError: that could not be logged, and has to be.
    """
    record = _current.get()
    if record is not None and record.leaving is not None:
        record.leaving()
