"""Values that a change adds, removes or changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import FileState, ValueDiff, ValueState
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import show_path

from .kind import Kind, counted, describe, item

INFO = describe(
    "values-changed",
    Severity.LOW,
    "values are added, removed or changed",
    why="A reviewer can't see in the ciphertext which values a change touches.",
    fix="",
)
_SIGNS = {
    ValueState.ADDED: "+",
    ValueState.REMOVED: "-",
    ValueState.CHANGED: "~",
    ValueState.REENCRYPTED: "=",
    ValueState.UNKNOWN: "?",
}
_WORDS = {
    ValueState.ADDED: "added",
    ValueState.REMOVED: "removed",
    ValueState.CHANGED: "changed",
    ValueState.REENCRYPTED: "encrypted anew",
    ValueState.UNKNOWN: "changed or encrypted anew",
}


def check(change: Change) -> Iterator[ReviewItem]:
    """List the values of each changed file that was a secret before and is one now."""
    for each in change.compared:
        if each.diff.state in (FileState.CHANGED, FileState.SAME) and _counts(each):
            yield _item(change, each)


def _counts(each: Compared) -> bool:
    return any(value.encrypted_before or value.encrypted_after for value in each.diff.values)


def _item(change: Change, each: Compared) -> ReviewItem:
    values = [value for value in each.diff.values if value.encrypted_before or value.encrypted_after]
    counts = Counter(value.state for value in values)
    parts = ", ".join(f"{counts[state]} {_WORDS[state]}" for state in _WORDS if counts[state])
    objects = {value.object for value in values}
    only = next(iter(objects)) if len(objects) == 1 else ""
    return item(
        INFO,
        each.path,
        f"{counted(len(values), 'value')}: {parts}",
        environments=change.environments_of(each.change),
        line=next((value.line for value in values if value.state is not ValueState.REMOVED), None),
        object_=only,
        details=[_detail(value, named=len(objects) > 1) for value in values],
    )


def _detail(value: ValueDiff, *, named: bool) -> str:
    where = f"{value.object} " if named and value.object else ""
    return f"{_SIGNS[value.state]} {where}{show_path(value.path)}"


KIND = Kind(INFO, check)
