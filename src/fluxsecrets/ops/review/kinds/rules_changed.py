"""Creation rules that name other recipients, or protect less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.audit.model import ConfigFile
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.rules import environments_of, needed, same_rules
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.recipients import Recipient, recipient_key
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

from .kind import Kind, describe, item, listed

INFO = describe(
    "rules-changed",
    Severity.HIGH,
    "a creation rule lets more people read, or protects less",
    why="The rules decide for whom every later file is encrypted. `recipients sync` brings the files there "
    "are in line.",
    fix="ask the owner of the environment whether this is wanted",
)


@dataclass(frozen=True, slots=True)
class _Difference:
    """How a rule differs: a name for it, a sentence, and how bad that is."""

    name: str
    title: str
    severity: Severity


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare each `.sops.yaml` that a change touches, rule by rule."""
    before = {each.path: each for each in change.before.facts.configs}
    after = {each.path: each for each in change.after.facts.configs}
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if new is not None and new.config is None:
            if old is None or old.config is not None:
                reason = new.error.message if new.error is not None else "it is invalid"
                line = new.error.line if new.error is not None else None
                yield item(INFO, path, f"the rules can't be read: {reason}", "invalid", line=line)
            continue
        yield from _of_file(change, path, _rules(old), _rules(new))


def _rules(config: ConfigFile | None) -> tuple[CreationRule, ...]:
    return config.config.rules if config is not None and config.config is not None else ()


def _of_file(
    change: Change, path: str, old: tuple[CreationRule, ...], new: tuple[CreationRule, ...]
) -> Iterator[ReviewItem]:
    for one, other in same_rules(old, new):
        shown = (other or one).path_regex if (other or one) is not None else None  # type: ignore[union-attr]
        what = f"the rule for {shown}" if shown is not None else "the rule for all files"
        for each in _differences(change, one, other):
            yield item(
                INFO,
                path,
                f"{what} {each.title}",
                shown or "",
                each.name,
                environments=_environments(change, path, one, other),
                line=other.line if other is not None else None,
                severity=each.severity,
                hint=None if each.severity >= Severity.MEDIUM else "",
            )


def _environments(
    change: Change, path: str, old: CreationRule | None, new: CreationRule | None
) -> tuple[str, ...]:
    if new is not None:
        return environments_of(change, path, new, after=True)
    return environments_of(change, path, old, after=False) if old is not None else ()


def _differences(change: Change, old: CreationRule | None, new: CreationRule | None) -> Iterator[_Difference]:
    if new is None:
        yield _Difference("gone", "is gone", Severity.MEDIUM)
        return
    had = {recipient_key(one) for one in old.recipients} if old is not None else set()
    has = {recipient_key(one) for one in new.recipients}
    gained = [one for one in new.recipients if recipient_key(one) not in had]
    strangers = [one for one in gained if recipient_key(one) not in change.known]
    if old is None:
        title = f"is new, for {_people(change, gained)}" if gained else "is new, and names nobody"
        yield _Difference("new", title, Severity.HIGH if strangers else Severity.LOW)
        return
    if gained:
        new_people = ", who is new" if len(gained) == len(strangers) == 1 else ""
        yield _Difference("gained", f"also names {_people(change, gained)}{new_people}", Severity.HIGH)
    lost = [one for one in old.recipients if recipient_key(one) not in has]
    if lost:
        yield _Difference("lost", f"does not name {_people(change, lost)} any more", Severity.LOW)
    if old.selector != new.selector:
        before, after = (each.selector or DEFAULT_SELECTOR for each in (old, new))
        title = f"has {after.kind.value}: {after.pattern}, and had {before.kind.value}: {before.pattern}"
        yield _Difference("selector", title, Severity.LOW if after == DEFAULT_SELECTOR else Severity.HIGH)
    if needed(new) < needed(old):
        yield _Difference(
            "threshold", f"wants {needed(new)} key groups, and wanted {needed(old)}", Severity.HIGH
        )
    if new.mac_only_encrypted and not old.mac_only_encrypted:
        yield _Difference("mac", "has mac_only_encrypted now", Severity.MEDIUM)


def _people(change: Change, people: list[Recipient]) -> str:
    return listed([change.names.of(one) for one in people])


KIND = Kind(INFO, check)
