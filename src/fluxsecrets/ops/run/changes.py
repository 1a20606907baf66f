"""Many files changed at once through the journal: all of those that could be prepared, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files.writing import write_batch
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.tree import Tree

from .batches import Prepared
from .interrupted import interrupted_above
from .journal import (
    FileChange,
    Operation,
    PendingOperation,
    abort,
    apply,
    pending,
    refuse_pending,
    resume,
)
from .record import note_file
from .results import FileResult, Outcome
from .session import Session
from .statefolder import Place, place_in_git, place_without_git
from .targets import Target


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """A file's result, and the changes that make it true.

    Attributes:
        result: what to report once they are made.
        changes: of the file, and of what goes with it; none where nothing is to do.
    """

    result: FileResult
    changes: tuple[FileChange, ...] = ()


def place_of_tree(tree: Tree) -> Place:
    """The place of a tree."""
    return _place(tree.root, tree.repository)


def _place(root: Path, repository: Repository | None) -> Place:
    return (
        place_without_git(root) if repository is None else place_in_git(repository.root, repository.git_dir)
    )


def refuse_interrupted(tree: Tree) -> None:
    """Stop where another operation was interrupted; raises as `journal.refuse_pending`."""
    refuse_pending(place_of_tree(tree))


def make_changes(tree: Tree, name: str, prepared: Sequence[PreparedChange]) -> tuple[FileResult, ...]:
    """Make all prepared changes in one operation.

    Returns:
        The results; where the operation failed, that of every file that would have changed is failed.
    """
    results = _make(tree, name, prepared)
    for result in results:
        note_file(result)
    return results


def _make(tree: Tree, name: str, prepared: Sequence[PreparedChange]) -> tuple[FileResult, ...]:
    changes = merged([change for each in prepared for change in each.changes])
    if not changes:
        return tuple(each.result for each in prepared)
    try:
        apply(place_of_tree(tree), Operation(name, changes))
    except FluxsecretsError as error:
        return tuple(
            FileResult(each.result.path, Outcome.FAILED, error=error) if each.changes else each.result
            for each in prepared
        )
    return tuple(each.result for each in prepared)


def merged(changes: Sequence[FileChange]) -> tuple[FileChange, ...]:
    """Each file once: the first expectation with the last content; removals come last."""
    by_path: dict[Path, FileChange] = {}
    for change in changes:
        known = by_path.get(change.path)
        by_path[change.path] = (
            change
            if known is None
            else replace(change, expected=known.expected, mode=known.mode or change.mode)
        )
    return tuple(sorted(by_path.values(), key=lambda change: change.new is None))


def interrupted(tree: Tree) -> PendingOperation | None:
    """What was interrupted in a tree, or None; raises as `journal.pending`."""
    return pending(_interrupted_place(tree))


def _interrupted_place(tree: Tree) -> Place:
    place = place_of_tree(tree)
    if tree.repository is None:
        place = interrupted_above(tree.root.resolve()) or place
    return place


def end_interrupted(tree: Tree, name: str, *, forward: bool) -> PendingOperation:
    """Complete or take back what was interrupted.

    Raises:
        UsageError: nothing was, or it was another command.
    """
    place = _interrupted_place(tree)
    found = pending(place)
    if found is not None and found.name != name:
        raise UsageError(
            f"it was `fluxsecrets {found.name}` that was interrupted here",
            hint=f"end it with `fluxsecrets {found.name} --resume`, or `fluxsecrets {found.name} --abort`",
        )
    return resume(place) if forward else abort(place)


def place_of(session: Session, path: Path, repository: Repository | None) -> Place:
    """The place of a file: its repository, or outside of git the folder of its configuration."""
    if repository is not None:
        return _place(repository.root, repository)
    config = session.find_config(path.parent)
    folder = config.parent if config is not None else session.cwd
    if not path.is_relative_to(folder.resolve()):
        folder = path.parent
    return _place(folder, None)


def place_here(session: Session) -> Place:
    """The place of the working directory."""
    repository = find_repository(session.cwd)
    return place_of(session, session.cwd.resolve() / "-", repository)


@dataclass(frozen=True, slots=True)
class Change:
    """Many files that are changed as one.

    Attributes:
        name: the command, as it is resumed.
        prepared: files with their results, in order.
        extra: further files, such as the rules; they are changed even where no other file is.
        details: what the command needs to know when it is resumed.
    """

    name: str
    prepared: Sequence[tuple[Target, Prepared]]
    extra: Sequence[FileChange] = ()
    details: Mapping[str, object] = field(default_factory=dict)


def change_files(session: Session, change: Change) -> tuple[FileResult, ...]:
    """Make changes through the journal: all of those that were prepared, in each repository, or none.

    One file alone needs no journal: it is replaced at once.

    Returns:
        The results; where it failed, that of every file that would have changed is failed.

    Raises:
        FluxsecretsError: it failed, and there were further files in it; none was changed.
    """
    failed: dict[Path, FluxsecretsError] = {}
    for place, changes in _by_place(session, change).items():
        try:
            if len(changes) == 1 and not change.extra:
                _write_one(change, changes[0].path)
            else:
                apply(place, Operation(change.name, merged(changes), change.details))
        except FluxsecretsError as error:
            if error.path is not None and Path(error.path).is_absolute():
                error.path = session.shown(Path(error.path))
            if change.extra:
                raise
            failed |= dict.fromkeys((each.path for each in changes), error)
    results = tuple(_result(prepared, failed.get(target.path)) for target, prepared in change.prepared)
    for result in results:
        note_file(result)
    return results


def _by_place(session: Session, change: Change) -> dict[Place, list[FileChange]]:
    """The changes of each repository; further files belong to the first."""
    found: dict[Place, list[FileChange]] = {}
    if change.extra:
        found[place_here(session)] = list(change.extra)
    for target, prepared in change.prepared:
        if prepared.write is not None:
            place = place_of(session, target.path, target.repository)
            found.setdefault(place, []).append(
                FileChange(prepared.write.path, prepared.write.data, prepared.old)
            )
    return found


def _write_one(change: Change, path: Path) -> None:
    writes = [prepared.write for _, prepared in change.prepared if prepared.write is not None]
    for result in write_batch([write for write in writes if write.path == path]):
        if result.error is not None:
            raise result.error


def _result(prepared: Prepared, error: FluxsecretsError | None) -> FileResult:
    if error is None or prepared.write is None:
        return prepared.result
    own = prepared.result
    return FileResult(own.path, Outcome.FAILED, error=error, opened_with=own.opened_with)
