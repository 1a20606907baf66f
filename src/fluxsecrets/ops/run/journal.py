"""Changes to many files that are all made, or none of them, whatever interrupts them.

All new contents, and the old ones, are first written down in the state folder, which git does not see: one
file of contents and a plan with their hashes. A rename makes the two a journal. From then on the whole change
can be completed or taken back, by this process or the next, and the files are replaced one by one. At every
moment each file holds its old or its new content.

The journal holds what goes into the tree and what was there, which can be plain text. So all contents are
encrypted with a key in the user's own folder, see `Box`: what a killed run leaves reveals nothing.

Somebody may change a file in between. Such a file stays as it is, the others are completed or taken back, and
both of its versions are kept (`kept`): no operation waits forever, and nothing is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from stat import S_ISREG

from fluxsecrets.errors import ChangedError, FileAccessError, FluxsecretsError, KeptError, UsageError
from fluxsecrets.files.beside import remove_leftovers
from fluxsecrets.files.deadfolders import remove_dead_folders
from fluxsecrets.files.reading import FileContent, identity_of, read_file
from fluxsecrets.records import dataclass

from .journaldraft import Draft, Drafted
from .journalfile import (
    LIMIT,
    Journal,
    delete_remains,
    read_journal,
    remove_journal,
    reported,
    write_journal,
)
from .kept import Kept, keep, kept_folder, kept_place
from .results import FileChange
from .runlock import RunInfo, only_run, running, running_error
from .settling import FileState, Seen, Settled, look, settle
from .statefolder import JOURNAL, Place, require_ours


class Way(StrEnum):
    """A way to end an operation that was interrupted."""

    RESUME = "resume"
    ABORT = "abort"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class PendingOperation:
    """An operation that was interrupted.

    Attributes:
        paths: its files, relative to the root with `/`.
        begun: who began it, and when.
    """

    root: Path
    details: Mapping[str, object]
    paths: tuple[str, ...]
    begun: RunInfo

    @property
    def name(self) -> str:
        """The command."""
        return self.begun.command


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file of an operation.

    Attributes:
        path: relative to the root with `/`.
        reason: what happened to it if it is `CHANGED`.
    """

    path: str
    state: FileState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """An operation that was interrupted, and is ended now.

    Attributes:
        done: how many files were replaced, created or removed for that.
        kept: files that stay as they are because somebody changed them, or because all do (`LEAVE`).
        folder: where their versions are.
        notes: what else the user should know.
    """

    operation: PendingOperation
    way: Way
    done: int
    kept: tuple[Kept, ...] = ()
    folder: Path | None = None
    notes: tuple[str, ...] = ()


def apply(
    place: Place,
    name: str,
    changes: Sequence[FileChange],
    details: Mapping[str, object],
    first: Callable[[], None] | None = None,
    draft: Draft | None = None,
) -> Mapping[Path, str]:
    """Make changes; on return all of them are done, and on an error none.

    A journal is left only where taking back failed, too, or the process was ended; the error then says so.

    Args:
        place: the work tree that all files are in.
        name: the command that resumes or aborts it; people who find the journal are told it.
        changes: each file once, in the order in which they are replaced; removals come last.
        details: what the command needs to say or do when it is resumed; no values of secrets.
        first: called when the journal is there and before the first file is replaced.
        draft: contents of some of the changes, encrypted already.

    Returns:
        What of the access of replaced files could not be kept, one sentence each.

    Raises:
        UsageError: another operation is at work, or was interrupted and has to be ended first.
        ChangedError: a file is not what it was expected to be.
        KeptError: all is taken back but for files that somebody changed after they were replaced.
        FileAccessError: a file cannot be written.
    """
    if not changes:
        return {}
    with only_run(place, name) as begun:
        found = pending(place)
        if found is not None:
            raise _interrupted_error(found)
        checked: list[FileContent | None] = []
        write_journal(place, begun, changes, _old_contents(changes, checked, draft), details, draft)
        settled = Settled(0, ())
        try:
            if first is not None:
                first()
            journal = read_journal(place)
            # What comes first may take long, so that the files are looked at once more.
            just_read = checked if first is None else None
            settled = settle(journal, forward=True, until_changed=True, just_read=just_read)
            if settled.changed:
                raise _changed_error(journal, settled.changed)
        except FluxsecretsError as error:
            error.details = (*error.details, *_lines(place.root, settled.notes))
            _take_back(place, name, error, settled.changed)
            raise
        remove_journal(place.state)
        return settled.notes


def _lines(root: Path, notes: Mapping[Path, str]) -> tuple[str, ...]:
    return tuple(f"{path.relative_to(root).as_posix()}: {note}" for path, note in notes.items())


def pending(place: Place) -> PendingOperation | None:
    """The operation that was interrupted in a work tree, or None.

    Raises:
        FileAccessError: the journal cannot be read, was not written by this user's fluxsecrets, or is about
            another folder.
    """
    if not os.path.lexists(place.state / JOURNAL):
        return None
    return _operation(read_journal(place))


def _operation(journal: Journal) -> PendingOperation:
    paths = tuple(str(entry.path) for entry in journal.entries)
    return PendingOperation(journal.root, journal.details, paths, journal.begun)


def files_of(place: Place) -> tuple[FileSeen, ...]:
    """The state of each file of the operation that was interrupted; raises as `pending` does."""
    return tuple(FileSeen(str(one.entry.path), one.state, one.reason) for one in look(read_journal(place)))


def refuse_pending(place: Place) -> None:
    """Stop where an operation is under way, or was interrupted: nothing else may change its files meanwhile.

    Raises:
        UsageError: there is one; it says who runs it, or how to end it.
    """
    holder = running(place)
    if holder is not None:
        raise running_error(holder)
    found = pending(place)
    if found is not None:
        raise _interrupted_error(found)


def _interrupted_error(found: PendingOperation) -> UsageError:
    count = "1 file waits" if len(found.paths) == 1 else f"{len(found.paths)} files wait"
    return UsageError(
        f"`fluxsecrets {found.name}` was interrupted here, and {count} for it",
        hint="`fluxsecrets recover` shows its state; complete it with "
        f"`fluxsecrets {found.name} --resume`, or take it back with `fluxsecrets {found.name} --abort`",
    )


def end(place: Place, way: Way) -> Ended:
    """Complete the operation that was interrupted, take it back, or leave all of its files as they are.

    Raises:
        UsageError: nothing was interrupted, or another process works on it.
        FileAccessError: a file cannot be written, or the journal is damaged; the journal stays.
    """
    found = pending(place)
    with only_run(place, found.name if found is not None else "recover"):
        if pending(place) is None:
            raise UsageError("nothing was interrupted here", hint="there is nothing to resume or to abort")
        journal = read_journal(place)
        for folder in {journal.root.joinpath(*entry.path.parts).parent for entry in journal.entries}:
            remove_leftovers(folder)  # of the process that was ended
        remove_dead_folders((str(place.state),))
        if way is Way.LEAVE:
            settled = Settled(0, _unsettled(journal))
        else:
            settled = settle(journal, forward=way is Way.RESUME)
        kept = keep(place, journal, settled.changed)
        remove_journal(place.state)
        versions = kept_folder(place, journal) if kept else None
        return Ended(
            _operation(journal), way, settled.done, kept, versions, _lines(journal.root, settled.notes)
        )


def _unsettled(journal: Journal) -> tuple[Seen, ...]:
    """All files, if they are not all in the same state, else those that somebody changed."""
    found = tuple(look(journal))
    changed = tuple(seen for seen in found if seen.state is FileState.CHANGED)
    states = {seen.state for seen in found} - {FileState.CHANGED}
    return found if len(states) > 1 else changed


def put_aside(place: Place) -> Path:
    """Move a journal that can't be followed out of the way; no file of the tree is touched.

    Returns:
        Where it is now.

    Raises:
        UsageError: nothing was interrupted, or another process works on it.
        FileAccessError: the state folder is not ours, or it can't be moved.
    """
    with only_run(place, "recover"):
        folder = place.state / JOURNAL
        if require_ours(folder) is None:
            raise UsageError("nothing was interrupted here", hint="there is nothing to put aside")
        aside = kept_place(place.state, JOURNAL)
        with reported("the journal could not be put aside", folder):
            aside.parent.mkdir(mode=0o700, exist_ok=True)
            folder.rename(aside)
        return aside


def remove_remains(state: Path) -> None:
    """Delete drafts and ended journals that killed runs left, unless a run is at work there."""
    with suppress(FluxsecretsError, OSError), only_run(Place(state.parent, state, state.parent), "recover"):
        delete_remains(state)


def _take_back(place: Place, name: str, error: FluxsecretsError, untouched: Sequence[Seen]) -> None:
    """Take back what was replaced.

    Files that were changed before they were replaced need nothing. Of those that were changed afterwards both
    versions are kept.
    """
    known = {seen.entry.path for seen in untouched}
    try:
        journal = read_journal(place)
        settled = settle(journal, forward=False)
        kept = keep(place, journal, (seen for seen in settled.changed if seen.entry.path not in known))
        remove_journal(place.state)
    except FluxsecretsError:
        error.hint = (
            "some files are changed and some are not; each can be read. When the reason is fixed, "
            f"`fluxsecrets {name} --resume` completes it, and `fluxsecrets {name} --abort` takes it back; "
            "`fluxsecrets recover` shows its state"
        )
        return
    if kept:
        raise _kept_error(error, kept) from error


def _kept_error(error: FluxsecretsError, kept: Sequence[Kept]) -> KeptError:
    lines = [f"{each.path} {each.reason}, after it had been replaced, and stays as it is" for each in kept]
    versions = [path for each in kept for path in (each.before, each.after) if path is not None]
    return KeptError(
        error.message,
        hint="all other files are as they were. Compare these with their versions from before and after, "
        "then delete the versions",
        path=error.path,
        details=(*error.details, *lines, *(f"  version: {path}" for path in versions)),
    )


def _changed_error(journal: Journal, changed: Sequence[Seen]) -> ChangedError:
    one, *others = changed
    return ChangedError(
        one.reason,
        hint="no other file was changed; run the command again",
        path=str(journal.root.joinpath(*one.entry.path.parts)),
        details=[f"{seen.entry.path} {seen.reason}, too" for seen in others],
    )


def _old_contents(
    changes: Iterable[FileChange], checked: list[FileContent | None], draft: Draft | None
) -> Iterator[bytes | Drafted | None]:
    """The old contents one by one, as files may be many; what was checked is kept in short."""
    for change in changes:
        drafted = draft.of(change) if draft is not None else None
        if drafted is not None and _seems_the_same(change.path, drafted.content):
            checked.append(drafted.content)
            yield drafted
            continue
        content = _at_hand(change) or _checked(change)
        known = change.old.digest if isinstance(change.old, FileContent) else None  # it is the same content
        checked.append(None if content is None else content.without_data(known))
        yield None if content is None else content.data


def _at_hand(change: FileChange) -> FileContent | None:
    """The old content where it was read with its bytes, and the file seems to be the same since."""
    old = change.old
    if not isinstance(old, FileContent) or old.digest is not None:
        return None
    return old if _seems_the_same(change.path, old) else None


def _seems_the_same(path: Path, old: FileContent) -> bool:
    """Whether a file is in the state in which it was read.

    A save of as many bytes within a tick of the clock goes unnoticed here. It is noticed when the file
    is replaced, and all is taken back.
    """
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return S_ISREG(status.st_mode) and identity_of(status) == old.identity


def _checked(change: FileChange) -> FileContent | None:
    """The old content of a file, or None without a file.

    Raises:
        ChangedError: the file holds something else.
    """
    try:
        content: FileContent | None = read_file(change.path, limit=LIMIT)
    except FileAccessError:
        if os.path.lexists(change.path):
            raise
        content = None
    if not change.is_old(None if content is None else content.data):
        raise ChangedError(
            "was changed while its new content was being made" if content is not None else "is gone",
            hint="nothing was changed; run the command again",
            path=str(change.path),
        )
    return content
