"""What `verify` says is wrong or cannot be told, as findings: for the formats of CI systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.allow import AllowedFinding
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.checks.accepting import shown_name
from fluxsecrets.ops.checks.verifymodel import Told, Verdict, Verification, Verifications, Verified
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Note
from fluxsecrets.shell import command_for

from .found import Found
from .text import counted

_PAGE: Final = "flux.md"
_ITEM: Final = "not-as-wanted"
_NOTE: Final = "not-followed"
_ENCRYPT: Final = "encrypt it: `fluxsecrets encrypt FILE`"
_TITLES = {
    Effect.FAILS: "Flux applies nothing of the Kustomization",
    Effect.CIPHERTEXT: "Flux applies a ciphertext as if it were the value",
    Effect.UNKNOWN: "the repository alone does not tell what Flux does",
    Effect.ALTERED: "Flux applies something other than was meant",
}


def found_by_verify(result: Verifications, version: str) -> Found:
    """The outcomes as findings; those that are accepted are allowed ones."""
    findings: list[Finding] = []
    allowed: list[AllowedFinding] = []
    rules: dict[str, RuleInfo] = {}
    for one, told in result.told:
        for outcome in told.judged.outcomes:
            finding = _finding(one, told, outcome, strict=result.strict)
            rules.setdefault(finding.rule, _rule(outcome, strict=result.strict))
            accepted = told.accepted.get(outcome)
            if accepted is None:
                findings.append(finding)
            else:
                allowed.append(AllowedFinding(finding, accepted.reason, SETTINGS_NAME, accepted.line))
    for one in result.environments:
        plain = [item for item in one.alone if item.verdict is Verdict.PLAIN]
        findings += _of_plain(one, plain)
        findings += [_of_item(one, item, strict=result.strict) for item in one.alone if item not in plain]
        if one.alone:
            rules.setdefault(_ITEM, _ITEM_RULE)
        for note in one.untold:
            findings.append(_of_note(one, note, strict=result.strict))
            rules.setdefault(_NOTE, _note_rule(strict=result.strict))
    findings = list(dict.fromkeys(findings))
    wrong = sum(one.wrong for one in result.environments)
    unknown = sum(one.unknown for one in result.environments)
    return Found(
        "verify",
        version,
        result.root,
        len({item.path for one in result.environments for item in one.items}),
        findings,
        (),
        allowed,
        result.remarks,
        (),
        f"{wrong} {'needs' if wrong == 1 else 'need'} attention, {unknown} cannot be told; "
        f"{counted(sum(1 for _ in result.told), 'Kustomization')} judged",
        lambda: list(rules.values()),
        listed=findings,
        notes=[note for one in result.environments for note in one.notes],
    )


def _severity(effect: Effect, *, strict: bool) -> Severity:
    if effect is Effect.UNKNOWN:
        return Severity.HIGH if strict else Severity.MEDIUM
    return Severity.HIGH


def _finding(one: Verification, told: Told, outcome: Outcome, *, strict: bool) -> Finding:
    name = shown_name(told.judged)
    item = told.judged.applied.kustomization
    place = Location(outcome.path, outcome.line) if outcome.path is not None else None
    if place is None and item is not None:
        place = Location(item.file, item.line)
    place = place or Location(told.judged.applied.folder or ".")
    return Finding(
        outcome.behaviour,
        _severity(outcome.effect, strict=strict),
        Confidence.HIGH,
        place,
        f"Kustomization {name} of {one.environment}: {outcome.reason}",
        outcome.hint or f"see {outcome.behaviour} in docs/{_PAGE}",
        fingerprint(outcome.behaviour, place.path, f"{one.environment} {name} {outcome.reason}"),
    )


def _of_plain(one: Verification, plain: Sequence[Verified]) -> Iterator[Finding]:
    """Secrets in plain text, which have one remedy: a finding for all. `scan` has one per value."""
    if not plain:
        return
    first, *others = plain
    yield Finding(
        _ITEM,
        Severity.HIGH,
        Confidence.HIGH,
        Location(first.path, first.line),
        f"{len(plain)} Secrets of {one.environment} are in plain text in the repository"
        if others
        else f"{first.kind} {first.name}: {first.problem}",
        f"encrypt them: `{command_for('encrypt', (), one.environment)}`" if others else _ENCRYPT,
        fingerprint(_ITEM, first.path, f"{one.environment} plain"),
        related=tuple(Location(item.path, item.line) for item in others),
    )


def _of_item(one: Verification, item: Verified, *, strict: bool) -> Finding:
    known = item.verdict is not Verdict.CANNOT_TELL
    what = f"{item.kind} {item.name}".strip()
    return Finding(
        _ITEM,
        Severity.HIGH if known or strict else Severity.MEDIUM,
        Confidence.HIGH,
        Location(item.path, item.line),
        f"{what}: {item.problem}",
        "run `fluxsecrets verify` for what to do",
        fingerprint(_ITEM, item.path, f"{one.environment} {what} {item.problem}"),
    )


def _of_note(one: Verification, note: Note, *, strict: bool) -> Finding:
    return Finding(
        _NOTE,
        _severity(Effect.UNKNOWN, strict=strict),
        Confidence.HIGH,
        Location(note.path, note.line),
        f"{one.environment}: {note.message}",
        "look at it yourself",
        fingerprint(_NOTE, note.path, f"{one.environment} {note.message}"),
    )


def _note_rule(*, strict: bool) -> RuleInfo:
    return RuleInfo(
        _NOTE,
        _TITLES[Effect.UNKNOWN],
        _severity(Effect.UNKNOWN, strict=strict),
        "What it makes is known in the cluster only, or it could not be read.",
        "Look at it yourself.",
        _PAGE,
    )


def _rule(outcome: Outcome, *, strict: bool) -> RuleInfo:
    title = _TITLES[outcome.effect]
    return RuleInfo(
        outcome.behaviour,
        title,
        _severity(outcome.effect, strict=strict),
        f"{title[0].upper()}{title[1:]}.",
        f"See {outcome.behaviour} in docs/{_PAGE}.",
        _PAGE,
    )


_ITEM_RULE: Final = RuleInfo(
    _ITEM,
    "an object is not applied as its author wanted",
    Severity.HIGH,
    "Flux would not do with the object what its author can have wanted.",
    "Run `fluxsecrets verify` for what to do.",
    _PAGE,
)
