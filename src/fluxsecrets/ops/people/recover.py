"""What an interrupted operation left, and the ways to end it: one always works, and none loses anything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.ops.run.journal import (
    Ended,
    FileSeen,
    PendingOperation,
    Way,
    files_of,
    pending,
    put_aside,
)
from fluxsecrets.ops.run.kept import kept_folders
from fluxsecrets.ops.run.runlock import RunInfo, running
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.settling import FileState
from fluxsecrets.ops.run.statefolder import JOURNAL
from fluxsecrets.ops.run.writer import interrupted_place

from .keystore import end_with_identity, identity_is_missing


@dataclass(frozen=True, slots=True)
class Recovery:
    """The state of a work tree.

    Attributes:
        root: the top folder.
        holder: a process that is changing files right now, or None; nothing else is known then.
        operation: what was interrupted, or None.
        files: its files, in order.
        problem: why the journal can't be followed, or None.
        ways: how it can be ended; empty if there is nothing to end.
        kept: folders with versions that earlier operations kept.
    """

    root: Path
    holder: RunInfo | None = None
    operation: PendingOperation | None = None
    files: tuple[FileSeen, ...] = ()
    problem: FileAccessError | None = None
    ways: tuple[Way, ...] = ()
    kept: tuple[Path, ...] = ()

    def count(self, state: FileState) -> int:
        """How many files are in this state."""
        return sum(each.state is state for each in self.files)


@dataclass(frozen=True, slots=True)
class PutAside:
    """A journal that can't be followed, and is out of the way now.

    Attributes:
        folder: where it is.
        problem: why it can't be followed.
    """

    folder: Path
    problem: FileAccessError


def find_interrupted(session: Session) -> Recovery:
    """Look at what was interrupted around the working directory. Nothing is written.

    Raises:
        GitError, FileAccessError: the work tree can't be determined.
    """
    place = interrupted_place(session)
    kept = kept_folders(place)
    holder = running(place)
    if holder is not None:
        return Recovery(place.root, holder, kept=kept)
    if not os.path.lexists(place.state / JOURNAL):
        return Recovery(place.root, kept=kept)
    try:
        operation = pending(place)
        files = files_of(place)
    except FileAccessError as error:
        return Recovery(place.root, problem=error, ways=(Way.LEAVE,), kept=kept)
    assert operation is not None  # noqa: S101 - the journal is there
    ways = (Way.ABORT, Way.LEAVE) if identity_is_missing(session, operation) else tuple(Way)
    return Recovery(place.root, None, operation, files, None, ways, kept)


def recover(session: Session, way: Way) -> Ended | PutAside:
    """End what was interrupted.

    Raises:
        UsageError: nothing was interrupted, another process works on it, or it can't be completed.
        FileAccessError: a file cannot be written, or the journal cannot be followed.
    """
    found = find_interrupted(session)
    if way is Way.LEAVE and found.problem is not None:
        return PutAside(put_aside(interrupted_place(session)), found.problem)
    return end_with_identity(session, way)
