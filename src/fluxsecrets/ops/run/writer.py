"""The one way to change files of a work tree: file by file, or all of them or none.

File by file, new contents are written in batches that share a sync, and one bad file is reported while the
others go on. All or none goes through the journal: whatever interrupts it, it is completed or taken back.
Either way a file is replaced only in the state in which it was read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files.beside import remove_leftovers
from fluxsecrets.files.deadfolders import remove_dead_folders
from fluxsecrets.files.reading import FileContent
from fluxsecrets.files.statedirs import upwards
from fluxsecrets.files.writing import PendingWrite, write_batch
from fluxsecrets.records import dataclass, field, replace

from .onefile import refuse_interrupted_in, refuse_read_only
from .parallel import run_jobs
from .record import Record, is_recording, note_file, recording
from .results import FileChange, FileResult, Outcome, Prepared
from .session import Session
from .statefolder import Place, interrupted_above, place_in_git, place_without_git

TYPE_CHECKING = False
if TYPE_CHECKING:  # batches do without the repository
    from typing import TypeVar

    from fluxsecrets.repo.tree import Tree

    from .journal import Ended, PendingOperation, Way
    from .journaldraft import Draft

    Job = TypeVar("Job")


BATCH = 256
"""Files that are held in memory before they are written together."""

_LEAST, _PARTS = 48, 3
"""Fewer files are written in parts, but for few: the first are written while workers make the last."""

BATCH_SIZE = 32 * 2**20
"""Bytes of new content at which a batch is written, however few its files are."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A change of many files that is made as one.

    Attributes:
        name: the command that resumes or aborts it after an interruption, such as `rotate`.
        place: the work tree of all files; None stands for each file's own.
        extra: further changes, such as the rules; they are made even where no other file changes.
        details: what the command needs to know when it is resumed; no values of secrets.
        first: called when the journal is there and before the first file is replaced, such as to keep a new
            identity: after an interruption the details say what to take back. If it raises, no file changes.
        drafting: the contents that are encrypted already.
    """

    name: str
    place: Place | None = None
    extra: Sequence[FileChange] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    first: Callable[[], None] | None = None
    drafting: Drafting | None = None


class Drafting:
    """Encrypts the contents of a journal as they come, see `journaldraft`."""

    def __init__(self) -> None:
        self.draft: Draft | None = None
        self._begun = False

    def watched(self, prepared: Iterable[Prepared]) -> Iterator[Prepared]:
        """Pass on what is prepared; old bytes that are in the draft are let go of."""
        for number, each in enumerate(prepared):
            # The first one comes before other processes start, which would wait for what is imported here.
            yield self._taken(each) if number and each.change is not None else each

    def _taken(self, prepared: Prepared) -> Prepared:
        if not self._begun:
            from . import journal  # noqa: F401 - what comes next is loaded beside the others' work, too
            from .journaldraft import Draft

            self._begun, self.draft = True, Draft.begun()
        if self.draft is None or prepared.change is None:
            return prepared
        return prepared._replace(change=self.draft.take(prepared.change))


def replacing(content: FileContent, new: bytes) -> FileChange:
    """New content for a file that was read; raises as `refuse_read_only`."""
    refuse_read_only(content)
    return FileChange(content.path, new, content)


def prepare_files(
    prepare: Callable[[Job], Prepared], jobs: Sequence[Job], waits: Callable[[Job], bool] | None = None
) -> Iterator[Prepared]:
    """Make new contents for files, in order, over several processes or threads; nothing is written.

    Args:
        prepare: makes a file's new content; see `run_jobs` for what it may be.
        jobs: one per file.
        waits: whether a file waits for a key service.
    """
    yield from run_jobs(preparing(prepare), jobs, waits=waits)


def preparing(prepare: Callable[[Job], Prepared]) -> Callable[[Job], Prepared]:
    """What makes one file's new content, and in a recorded run notes whose keys opened the old one."""
    return partial(_with_keys, prepare) if is_recording() else prepare


def _with_keys(prepare: Callable[[Job], Prepared], job: Job) -> Prepared:
    """A file's new content, and whose keys opened the old one."""
    with recording(Record()) as record:
        prepared = prepare(job)
    result = replace(prepared.result, opened_with=tuple(record.keys))
    return prepared._replace(result=result)


def make_ready(paths: Iterable[Path]) -> None:
    """Look after what killed runs left where files are about to be written.

    Args:
        paths: absolute paths of the files.

    Raises:
        UsageError: another process changes files in their work tree, or an operation was interrupted there,
            and has to be ended first.
    """
    folders = {os.path.dirname(path) for path in paths}  # noqa: PTH120 - a path object takes long to hash
    states = refuse_interrupted_in(folders)
    for folder in folders:
        remove_leftovers(folder)
    # Those of the working directory's repository are gone by now; the files may be in another one.
    remove_dead_folders(states)


def write_files(
    session: Session,
    prepared: Iterable[Prepared],
    together: Operation | None = None,
    *,
    count: int | None = None,
) -> Iterator[FileResult]:
    """Make prepared changes.

    Args:
        session: the run.
        prepared: results, with the changes that make them true; see `prepare_files`.
        together: changes all files or none in each work tree, before this returns. None writes them batch by
            batch while the results are iterated; a run can be interrupted anywhere and simply be repeated.
        count: how many there will be, where that is known.

    Returns:
        One result per file, in order. Where a change failed, or the operation it belongs to, so has the file.

    Raises:
        FluxsecretsError: an operation with extra changes failed; nothing was changed.
    """
    if together is None:
        return _write_batches(
            prepared, BATCH if count is None else min(BATCH, max(_LEAST, -(-count // _PARTS)))
        )
    return iter(_write_together(session, tuple(prepared), together))


# --- batches ----------------------------------------------------------------------------------------------


def _write_batches(prepared: Iterable[Prepared], most: int) -> Iterator[FileResult]:
    batch: list[Prepared] = []
    size = 0
    for each in prepared:
        batch.append(each)
        size += len(each.change.new or b"") if each.change is not None else 0
        if len(batch) == most or size >= BATCH_SIZE:
            yield from _write_batch(batch)
            batch, size = [], 0
    yield from _write_batch(batch)


def _write_batch(batch: Sequence[Prepared]) -> Iterator[FileResult]:
    """Write a batch; all results are noted before the first is told, as the caller may stop listening."""
    written = iter(write_batch([_pending(each.change) for each in batch if each.change is not None]))
    results = []
    for each in batch:
        done = next(written) if each.change is not None else None
        if done is None:
            results.append(each.result)
            continue
        if done.error is not None:
            done.error.path = each.result.path
        result = _result(each, done.error)
        results.append(_with_note(result, done.note if done.error is None else None))
    for result in results:
        note_file(result)
    yield from results


def _with_note(result: FileResult, note: str | None) -> FileResult:
    return result if note is None else replace(result, warnings=(*result.warnings, note))


def _pending(change: FileChange) -> PendingWrite:
    if change.new is None or not isinstance(change.old, FileContent):
        raise TypeError(change.path)  # such changes belong into an operation
    return PendingWrite(change.path, change.new, change.mode, change.old)


def _result(prepared: Prepared, error: FluxsecretsError | None) -> FileResult:
    if error is None:
        return prepared.result
    own = prepared.result
    return FileResult(own.path, Outcome.FAILED, error=error, opened_with=own.opened_with)


# --- all or none ------------------------------------------------------------------------------------------


def _write_together(
    session: Session, prepared: Sequence[Prepared], operation: Operation
) -> tuple[FileResult, ...]:
    failed: dict[Path, FluxsecretsError] = {}
    notes: dict[Path, str] = {}
    by_place = _by_place(session, prepared, operation)
    if len(by_place) > 1:  # each has a journal of its own
        operation = replace(operation, drafting=None)
    for place, changes in by_place.items():
        try:
            notes |= _change(place, changes, operation)
        except FluxsecretsError as error:
            if error.path is not None and Path(error.path).is_absolute():
                error.path = session.shown(Path(error.path))
            if operation.extra:
                raise
            failed |= dict.fromkeys((each.path for each in changes), error)
    paths = [each.change.path if each.change is not None else None for each in prepared]
    results = tuple(
        _with_note(_result(each, failed.get(path)), notes.pop(path, None))
        if path is not None
        else each.result
        for each, path in zip(prepared, paths, strict=True)
    )
    for path, note in notes.items():
        session.warn_of(path, note)
    for result in results:
        note_file(result)
    return results


def _by_place(
    session: Session, prepared: Sequence[Prepared], operation: Operation
) -> dict[Place, list[FileChange]]:
    """The changes of each work tree; extra changes belong to the first."""
    found: dict[Place, list[FileChange]] = {}
    if operation.extra:
        found[operation.place or place_here(session)] = list(operation.extra)
    if operation.place is not None:
        changes = [each.change for each in prepared if each.change is not None]
        if changes:
            found.setdefault(operation.place, []).extend(changes)
        return found
    places: dict[str, Place] = {}
    for each in prepared:
        if each.change is not None:
            path = each.change.path
            folder = os.path.dirname(path)  # noqa: PTH120
            place = _known_place(places, folder) or place_of(session, path)
            places[folder] = places[str(place.root)] = place
            found.setdefault(place, []).append(each.change)
    return found


def _known_place(places: Mapping[str, Place], folder: str) -> Place | None:
    """The place of a folder, if a folder around it is known to be in git; asking git takes a process."""
    for level in upwards(folder):
        place = places.get(level)
        if place is not None:
            return place if place.git_dir is not None or level == folder else None
        if os.path.lexists(os.path.join(level, ".git")):  # noqa: PTH118
            return None
    return None


def _change(place: Place, changes: Sequence[FileChange], operation: Operation) -> Mapping[Path, str]:
    """Make changes, and return what of the files' access could not be kept."""
    one = changes[0]
    if len(changes) == 1 and operation.first is None and isinstance(one.old, FileContent):
        # One file is replaced at once or not at all: it needs no journal.
        done = write_batch([_pending(one)])[0]
        if done.error is not None:
            raise done.error
        return {} if done.note is None else {one.path: done.note}
    from .journal import apply  # one file does without, and so do batches

    draft = operation.drafting.draft if operation.drafting is not None else None
    return apply(place, operation.name, merged(changes), operation.details, operation.first, draft)


def place_of(session: Session, path: Path) -> Place:
    """The place of a file: its repository, or outside of git the folder of its configuration.

    Args:
        session: the run.
        path: absolute, links resolved; it need not exist.
    """
    from fluxsecrets.repo.git import find_repository

    repository = find_repository(path.parent)
    if repository is not None:
        return place_in_git(repository.root, repository.git_dir)
    config = session.find_config(path.parent)
    folder = config.parent if config is not None else session.cwd
    return place_without_git(folder if path.is_relative_to(folder.resolve()) else path.parent)


def place_here(session: Session) -> Place:
    """The place of the working directory."""
    return place_of(session, session.cwd.resolve() / "-")


def place_of_tree(tree: Tree) -> Place:
    """The place of a tree."""
    if tree.repository is None:
        return place_without_git(tree.root)
    return place_in_git(tree.repository.root, tree.repository.git_dir)


def merged(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """Each file once: the first old content with the last new one; removals come last."""
    by_path: dict[str, FileChange] = {}
    for change in changes:
        name = str(change.path)  # a path object takes long to hash
        known = by_path.get(name)
        by_path[name] = (
            change if known is None else replace(change, old=known.old, mode=known.mode or change.mode)
        )
    return tuple(sorted(by_path.values(), key=lambda change: change.new is None))


# --- interrupted operations -------------------------------------------------------------------------------


def interrupted(session: Session) -> PendingOperation | None:
    """What was interrupted around the working directory, or None; raises as `journal.pending`."""
    from .journal import pending

    return pending(interrupted_place(session))


def end_interrupted(session: Session, way: Way, name: str | None = None) -> Ended:
    """End what was interrupted.

    Args:
        session: the run.
        way: whether to complete it, take it back, or leave its files as they are.
        name: the command that it has to be; None for any.

    Raises:
        UsageError: nothing was, it was another command, or another process works on it.
        FileAccessError: a file cannot be written, or the journal cannot be followed.
    """
    from .journal import end, pending
    from .runlock import running, running_error

    place = interrupted_place(session)
    holder = running(place)
    if holder is not None:
        raise running_error(holder)
    found = pending(place)
    if found is not None and name is not None and found.name != name:
        raise UsageError(
            f"`fluxsecrets {found.name}` was interrupted here, not `fluxsecrets {name}`",
            hint=f"end it with `fluxsecrets {found.name} --resume`, or `fluxsecrets {found.name} --abort`",
        )
    return end(place, way)


def interrupted_place(session: Session) -> Place:
    """The work tree around the working directory, or one above it in which an operation was interrupted."""
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        return interrupted_above(tree.root.resolve()) or place_of_tree(tree)
    return place_of_tree(tree)
