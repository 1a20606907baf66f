"""What a kind of item is, and how its items are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from fluxsecrets.findings import RuleInfo, Severity
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.ops.compare.model import FileDiff, ValueDiff
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem

_LISTED = 20
"""Details that an item has at most; the rest is counted."""

_ANCHOR = 10
"""Hexadecimal digits of an anchor."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of item.

    Attributes:
        check: gives the items of a change; raises nothing.
    """

    info: RuleInfo
    check: Callable[[Change], Iterable[ReviewItem]]


def describe(id_: str, severity: Severity, title: str, *, why: str, fix: str) -> RuleInfo:
    """Return the texts of a kind; its section in docs/review.md has its id as heading."""
    return RuleInfo(id_, title, severity, why, fix, f"review.md#{id_}")


def item(
    info: RuleInfo,
    path: str,
    title: str,
    *names: str,
    environments: Sequence[str] = (),
    line: int | None = None,
    object_: str = "",
    details: Iterable[str] = (),
    hint: str | None = None,
    severity: Severity | None = None,
) -> ReviewItem:
    """Return an item of a kind.

    Args:
        info: the kind.
        path: the file, relative to the root.
        title: what happens; names keys, never values.
        names: what tells it from others of this kind in this file, over moved lines.
        environments: those that it concerns.
        line: 1-based in the state after the change, or None.
        object_: the Kubernetes object, or "".
        details: more of it; only the first ones are kept.
        hint: by default the kind's own advice.
        severity: by default the kind's.
    """
    lines = list(details)
    if len(lines) > _LISTED:
        lines = [*lines[:_LISTED], f"and {len(lines) - _LISTED} more"]
    return ReviewItem(
        info.id,
        severity or info.severity,
        tuple(environments),
        path,
        line,
        object_,
        title,
        tuple(lines),
        info.fix if hint is None else hint,
        f"{info.id}-{fingerprint(info.id, path, *names)[:_ANCHOR]}",
    )


def counted(count: int, noun: str) -> str:
    """Such as `1 value` or `3 values`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names with commas; of many the first ones, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def encrypted_values(diff: FileDiff) -> list[ValueDiff]:
    """The values that are encrypted in a state, and differ."""
    return [value for value in diff.values if value.encrypted_before or value.encrypted_after]


def only_object(values: Iterable[ValueDiff]) -> str:
    """The object that all values are of, or ""."""
    objects = {value.object for value in values}
    return next(iter(objects)) if len(objects) == 1 else ""
