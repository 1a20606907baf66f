"""Values that a change adds, removes or changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.model import FileState, ValueDiff, ValueState
from fluxsecrets.ops.review.change import Change, Compared
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.document import show_path

from .kind import Kind, counted, describe, encrypted_values, item, only_object

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
    """List the values of each changed file that was a secret before and is one now.

    Those that are only encrypted anew are counted, and not named.
    """
    for each in change.compared:
        values = encrypted_values(each.diff)
        if values and each.diff.state in (FileState.CHANGED, FileState.SAME):
            yield _item(change, each, values)


def _item(change: Change, each: Compared, values: list[ValueDiff]) -> ReviewItem:
    counts = Counter(value.state for value in values)
    parts = [f"{counts[state]} {_WORDS[state]}" for state in _WORDS if counts[state]]
    all_ = counted(len(values), "value")
    only = only_object(values)
    return item(
        INFO,
        each.path,
        f"{all_}: {', '.join(parts)}" if len(parts) > 1 else f"{all_} {_WORDS[values[0].state]}",
        environments=change.environments_of(each.change),
        line=next((value.line for value in values if value.state is not ValueState.REMOVED), None),
        object_=only,
        details=[
            _detail(value, named=not only) for value in values if value.state is not ValueState.REENCRYPTED
        ],
    )


def _detail(value: ValueDiff, *, named: bool) -> str:
    where = f"{value.object} " if named and value.object else ""
    return f"{_SIGNS[value.state]} {where}{show_path(value.path)}"


KIND = Kind(INFO, check)
