"""Replace the files of a journal, or put them back, if they are in the state that the journal knows.

A file that another program changed meanwhile is never touched, and does not keep the others waiting.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path

from fluxsecrets.errors import ChangedError, FileAccessError
from fluxsecrets.files.beside import temporary_path
from fluxsecrets.files.reading import FileContent, read_file, translated
from fluxsecrets.files.staging import staging
from fluxsecrets.files.swap import take_out
from fluxsecrets.files.writing import PendingWrite, write_batch
from fluxsecrets.records import dataclass, field

from .journalfile import LIMIT, Content, Entry, Journal, reported, sync
from .parallel import can_fork, cpus, run_parts

BATCH = 256
"""Files that are replaced together."""

SPREAD_FROM = 128
"""Files from which it is worth another process to replace them."""

_SHARED_BATCH = 128
"""Files that each of several processes replaces together: smaller batches keep all busy to the end."""

_SPARE = 1
"""Processes beyond one per CPU, as some always wait for the disk."""


class FileState(StrEnum):
    """What a file of an operation holds."""

    DONE = "done"
    PENDING = "pending"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a journal as it was found.

    Attributes:
        content: what it holds, in short; None if it does not exist or can't be read.
        reason: the same for people; why it is in neither state.
    """

    entry: Entry
    state: FileState
    content: FileContent | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it.

    Attributes:
        done: how many files were replaced, created or removed.
        changed: files that were left alone, because another program changed them.
        notes: what of the access of replaced files could not be kept, one sentence each.
    """

    done: int
    changed: tuple[Seen, ...]
    notes: Mapping[Path, str] = field(default_factory=dict)


def look(journal: Journal) -> Iterator[Seen]:
    """Find out the state of each file."""
    for entry in journal.entries:
        yield _look(journal, entry)


def _look(journal: Journal, entry: Entry) -> Seen:
    try:
        path = entry.path.below(journal.root)
        content = read_file(path, limit=LIMIT) if os.path.lexists(path) else None
    except FileAccessError as error:
        return Seen(entry, FileState.CHANGED, None, error.message)
    digest = journal.box.digest(content.data) if content is not None else None
    content = content.without_data() if content is not None else None
    if digest == _digest_of(entry.new):
        return Seen(entry, FileState.DONE, content, "holds its new content")
    if digest == _digest_of(entry.old):
        return Seen(entry, FileState.PENDING, content, "holds its old content")
    reason = "was changed meanwhile" if content is not None else "was removed meanwhile"
    if content is not None and entry.old is None:
        reason = "was created, or changed, meanwhile"
    return Seen(entry, FileState.CHANGED, content, reason)


def _seen(journal: Journal, contents: Sequence[FileContent | None]) -> list[Seen]:
    """What `look` finds where all files hold their old contents."""
    return [
        Seen(
            entry,
            FileState.DONE if _digest_of(entry.new) == _digest_of(entry.old) else FileState.PENDING,
            content,
        )
        for entry, content in zip(journal.entries, contents, strict=True)
    ]


def settle(
    journal: Journal,
    *,
    forward: bool,
    until_changed: bool = False,
    just_read: Sequence[FileContent | None] | None = None,
) -> Settled:
    """Give every file its new content, or its old one back; files that have it already are left alone.

    Args:
        journal: the plan.
        forward: whether to complete it or to take it back.
        until_changed: stop as soon as a file turns out to be changed.
        just_read: the files in the journal's order, all with their old contents, if they were read just now.
            They are not read once more for a first look. What changes from then on is noticed when each one
            is replaced, as it is after that look.

    Raises:
        FileAccessError: a file can't be written, or the journal is damaged. Some files may be replaced.
    """
    goal = FileState.DONE if forward else FileState.PENDING
    found = list(look(journal)) if just_read is None else _seen(journal, just_read)
    changed = [seen for seen in found if seen.state is FileState.CHANGED]
    waiting = [seen for seen in found if seen.state is not FileState.CHANGED and seen.state is not goal]
    done, notes = 0, dict[Path, str]()
    if not (changed and until_changed):
        if forward:
            _make_folders(journal)
        with closing(_spread(journal, waiting, forward=forward)) as parts:
            for part in parts:
                done += part.done
                changed += part.changed
                notes |= part.notes
                if part.changed and until_changed:
                    break
    if not forward:
        _remove_folders(journal)
    return Settled(done, tuple(changed), notes)


def _spread(journal: Journal, waiting: list[Seen], *, forward: bool) -> Generator[Settled]:
    """Write files batch by batch, then remove those to remove: none is gone before its successor is there."""
    if not waiting:
        return
    writes = [seen for seen in waiting if _goal(seen.entry, forward=forward) is not None]
    many = len(writes) >= SPREAD_FROM and can_fork()
    size = min(BATCH, _SHARED_BATCH, -(-len(writes) // cpus())) if many else BATCH
    batches = [writes[start : start + size] for start in range(0, len(writes), size)]
    with journal.contents() as contents:
        work = partial(_replace, journal, contents, forward=forward)
        yield from run_parts(work, batches, spare=_SPARE) if many else map(work, batches)
        for seen in waiting:
            if _goal(seen.entry, forward=forward) is None:
                yield work([seen])


def _replace(journal: Journal, contents: int, part: list[Seen], *, forward: bool) -> Settled:
    """Replace files, but for those that were changed at the last moment."""
    writes, changed, notes = [], [], dict[Path, str]()
    for seen in part:
        goal, path = _goal(seen.entry, forward=forward), seen.entry.path.below(journal.root)
        if goal is None:
            error = _remove(path, seen.content)
            if error is not None:
                changed.append(Seen(seen.entry, FileState.CHANGED, None, error.message))
        else:
            data = journal.data(contents, goal)
            writes.append(PendingWrite(path, data, seen.entry.mode, seen.content, new=seen.content is None))
    for seen, result in zip(part, write_batch(writes), strict=False):
        if isinstance(result.error, ChangedError):
            changed.append(Seen(seen.entry, FileState.CHANGED, None, result.error.message))
        elif result.error is not None:
            raise result.error
        elif result.note is not None:
            notes[result.path] = result.note
    return Settled(len(part) - len(changed), tuple(changed), notes)


def _goal(entry: Entry, *, forward: bool) -> Content | None:
    return entry.new if forward else entry.old


def _digest_of(content: Content | None) -> str | None:
    return content.digest if content is not None else None


def _make_folders(journal: Journal) -> None:
    for name in journal.made_folders:
        with suppress(FileAccessError):  # a link; its files are seen as changed
            path = name.below(journal.root)
            with reported("the folder could not be made", path):
                path.mkdir(exist_ok=True)


def _remove_folders(journal: Journal) -> None:
    for name in reversed(journal.made_folders):
        with suppress(OSError, FileAccessError):  # somebody put something there
            name.below(journal.root).rmdir()


def _remove(path: Path, expected: FileContent | None) -> ChangedError | None:
    if expected is None:
        return None
    try:
        with translated(path, "written"), staging() as name:
            try:
                take_out(path, name(path), expected)
            except OSError as error:
                # A folder can be mounted on its own, though it is on the same disk.
                if error.errno != errno.EXDEV:
                    raise
                take_out(path, temporary_path(path), expected)
    except ChangedError as error:
        return error
    sync(path.parent)
    return None
