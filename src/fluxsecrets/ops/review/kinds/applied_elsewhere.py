"""Secrets that Flux applies in another namespace or cluster, as another kind, or under another name."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.fluxchange import Elsewhere
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, counted, describe, item

INFO = describe(
    "applied-elsewhere",
    Severity.HIGH,
    "Flux applies a secret in another place",
    why="Anyone who may read Secrets in the new namespace or cluster reads its values there, and a ConfigMap "
    "hides them from nobody.",
    fix="ask the owner of the environment whether this is wanted",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per file and its environments, with the old and new place of each object."""
    found: dict[str, list[Elsewhere]] = {}
    for each in change.flux.elsewhere:
        found.setdefault(each.path, []).append(each)
    for path, items in found.items():
        details = list(dict.fromkeys(_shown(each) for each in items))
        yield item(
            INFO,
            path,
            f"Flux applies {counted(len(details), 'object')} of it in another place",
            environments=sorted({each.environment for each in items}),
            line=items[0].line,
            details=details,
            severity=Severity.MEDIUM if all(map(_has_new_name_only, items)) else None,
        )


def _shown(each: Elsewhere) -> str:
    new = ", ".join(map(str, each.after))
    if not each.before:
        return f"also {new}"
    return f"{', '.join(map(str, each.before))} becomes {new}"


def _has_new_name_only(each: Elsewhere) -> bool:
    old, new = ({place._replace(name="") for place in places} for places in (each.before, each.after))
    return new <= old


KIND = Kind(INFO, check)
