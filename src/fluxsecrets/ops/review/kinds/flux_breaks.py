"""Kustomizations that Flux applied before a change, and does not apply as they are written any more."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.flux.model import Verdict
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.fluxchange import Worse
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.repo.outcome import Outcome

from .kind import Kind, counted, describe, item

INFO = describe(
    "flux-breaks",
    Severity.HIGH,
    "Flux applies less than before",
    why="One bad object stops its whole Kustomization. A ciphertext that is applied replaces the value.",
    fix="run `fluxsecrets verify`, and fix what it names",
)
_TITLES = {
    Verdict.FAILS: "Flux applies nothing of it",
    Verdict.CIPHERTEXT: "Flux applies a ciphertext as the value",
    Verdict.UNKNOWN: "it can't be told any more what Flux applies",
}


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per cause, with the Kustomizations that it stops."""
    causes: dict[tuple[Verdict, str, str, int | None, str], list[Worse]] = {}
    for each in change.flux.worse:
        key = (each.after, each.file, each.outcome.behaviour, each.line, each.outcome.reason)
        causes.setdefault(key, []).append(each)
    for (verdict, file, behaviour, line, reason), found in causes.items():
        new = all(each.before is None for each in found)
        names = list(dict.fromkeys(each.kustomization for each in found))
        first = names[0] if len(names) == 1 else counted(len(names), "Kustomization")
        yield item(
            INFO,
            file,
            f"{first}{' (new)' if new else ''}: {_TITLES[verdict]}: {reason}",
            behaviour,
            *names[:1],
            environments=sorted({each.environment for each in found}),
            line=line,
            details=names if len(names) > 1 else (),
            severity=_severity(found),
            hint=_hint(found[0].outcome),
        )


def _severity(found: list[Worse]) -> Severity:
    if found[0].after is Verdict.UNKNOWN:
        return Severity.MEDIUM
    return Severity.LOW if all(each.usual for each in found) else Severity.HIGH


def _hint(outcome: Outcome) -> str | None:
    return outcome.hint or None


KIND = Kind(INFO, check)
