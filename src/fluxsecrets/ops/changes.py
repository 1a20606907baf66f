"""Many files changed at once through the journal: all of those that could be prepared, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.journal import (
    FileChange,
    Operation,
    PendingOperation,
    abort,
    apply,
    pending,
    refuse_pending,
    resume,
    state_folder,
)
from fluxsecrets.ops.results import FileResult, Outcome
from fluxsecrets.repo.tree import Tree


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """A file's result, and the changes that make it true.

    Attributes:
        result: what to report once they are made.
        changes: of the file, and of what goes with it; none where nothing is to do.
    """

    result: FileResult
    changes: tuple[FileChange, ...] = ()


def state_of(tree: Tree) -> Path:
    """The state folder of a tree."""
    return state_folder(tree.root.resolve(), tree.repository)


def refuse_interrupted(tree: Tree) -> None:
    """Stop where another operation was interrupted; raises as `journal.refuse_pending`."""
    refuse_pending(state_of(tree))


def make_changes(tree: Tree, name: str, prepared: Sequence[PreparedChange]) -> tuple[FileResult, ...]:
    """Make all prepared changes in one operation.

    Returns:
        The results; where the operation failed, that of every file that would have changed is failed.
    """
    changes = merged([change for each in prepared for change in each.changes])
    if not changes:
        return tuple(each.result for each in prepared)
    try:
        apply(state_of(tree), Operation(name, tree.root.resolve(), changes))
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


def end_interrupted(tree: Tree, name: str, *, forward: bool) -> PendingOperation:
    """Complete or take back what was interrupted.

    Raises:
        UsageError: nothing was, or it was another command.
    """
    from fluxsecrets.errors import UsageError

    state = state_of(tree)
    found = pending(state)
    if found is not None and found.name != name:
        raise UsageError(
            f"it was `fluxsecrets {found.name}` that was interrupted here",
            hint=f"end it with `fluxsecrets {found.name} --resume`, or --abort",
        )
    return resume(state) if forward else abort(state)
