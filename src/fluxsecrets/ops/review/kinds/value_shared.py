"""Changed values that two environments have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.findings import Severity
from fluxsecrets.ops.compare.compare import compare
from fluxsecrets.ops.compare.model import ValueDiff, ValueState, Version
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.counterparts import counterparts
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.sops.document import show_path

from .kind import Kind, describe, item, listed

INFO = describe(
    "value-shared",
    Severity.HIGH,
    "two environments have the same value now",
    why="Anyone who gets it in staging has it in production, too, and neither can be changed alone.",
    fix="create a new one for each: `fluxsecrets set FILE KEY --generate password:32`",
)
_SHORTEST = 9
"""Bytes, at least; the classes of lengths begin there."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value is."""

    path: str
    environments: tuple[str, ...]
    value: ValueDiff
    changed: bool


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the changed values with each other, and with those of files that correspond to theirs."""
    if not change.with_keys:
        return
    found: defaultdict[str, list[_Place]] = defaultdict(list)
    for place in (*_changed(change), *_unchanged(change)):
        if place.value.after is not None:
            found[place.value.after.token].append(place)
    for places in found.values():
        first = next((each for each in places if each.changed), None)
        others = [] if first is None else [each for each in places if not _share(each, first)]
        if first is None or not others:
            continue
        names = sorted({name for each in others for name in each.environments})
        yield item(
            INFO,
            first.path,
            f"{show_path(first.value.path)} is the same in {listed(names)}",
            first.value.object,
            show_path(first.value.path),
            environments=first.environments,
            line=first.value.line,
            object_=first.value.object,
            details=[f"{each.path}: {show_path(each.value.path)}" for each in others],
        )


def _share(one: _Place, other: _Place) -> bool:
    """Whether the places have an environment in common, or one has none."""
    return not one.environments or bool(set(one.environments) & set(other.environments))


def _changed(change: Change) -> Iterator[_Place]:
    for each in change.compared:
        environments = change.environments(each.path)
        for value in each.diff.values if environments else ():
            if value.state in (ValueState.ADDED, ValueState.CHANGED) and _counts(value):
                yield _Place(each.path, environments, value, changed=True)


def _unchanged(change: Change) -> Iterator[_Place]:
    wanted = [each.path for each in change.compared if each.diff.after is not None and each.diff.after.opened]
    changed = {each.path for each in change.files}
    looked = {path for each in counterparts(wanted, change.after.tree.paths).values() for path in each}
    for path in sorted(looked - changed):
        environments = change.environments(path)
        for value in _values(change, path) if environments else ():
            if _counts(value):
                yield _Place(path, environments, value, changed=False)


def _values(change: Change, path: str) -> tuple[ValueDiff, ...]:
    data = change.after.read(path)
    format_ = detect_encryption(data, path) if data is not None else None
    if data is None or format_ is None:
        return ()
    return compare(change.session, None, Version(path, data, format_), masker=change.masker).values


def _counts(value: ValueDiff) -> bool:
    """Whether it is a secret by its name and length; names of users are the same everywhere."""
    after = value.after
    if after is None or not after.token or not value.encrypted_after or after.shape.kind != "str":
        return False
    length = after.shape.length
    name = next((step for step in reversed(value.path) if isinstance(step, str)), "")
    return length is not None and length.low >= _SHORTEST and telling(name) is not Telling.NOTHING


KIND = Kind(INFO, check)
