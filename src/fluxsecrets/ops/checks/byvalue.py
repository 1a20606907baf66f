"""The findings of commits as one per secret: where it is and was, and whether a branch still has it.

Allowances and baselines are applied to each place before. A secret passes only if all of its places do: what
is allowed in `docs/` may be the production password in `apps/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fluxsecrets.findings import Finding
from fluxsecrets.findings.allow import AllowedFinding
from fluxsecrets.findings.model import History, Severity, in_order
from fluxsecrets.marks import files_of
from fluxsecrets.records import replace
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Commit, read_commits
from fluxsecrets.scan.sources.commits import Place, Plan

from .branchtips import HEAD, at_tips

Key = tuple[str, bytes]


class Sight(NamedTuple):
    """A finding in one content at one path.

    Attributes:
        place: the commits that have it there.
        tips: the branches that have it there still.
    """

    finding: Finding
    place: Place
    blob: str
    tips: tuple[str, ...] = ()


class Weighed(NamedTuple):
    """Findings that count, that the baseline knows, and that are allowed."""

    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...]


def by_value(repository: Repository, plan: Plan, weighed: Weighed, ends: Sequence[str] = ()) -> Weighed:
    """Make one finding of all that are about the same value; those that a tip still has come first.

    Args:
        repository: with the commits.
        plan: what was scanned.
        weighed: the findings of each content at each path.
        ends: commits that count as tips beside the branches.

    Raises:
        GitError: a commit or the branches can't be read.
    """
    all_of = [*weighed.findings, *weighed.known, *(item.finding for item in weighed.allowed)]
    if not all_of:
        return weighed
    groups: dict[Key, list[Sight]] = {}
    for sight in _sights(repository, plan, all_of, ends):
        groups.setdefault(_key(sight.finding), []).append(sight)
    commits = _commits(repository, plan, groups.values())
    merged = {key: _merged(sights, plan, commits) for key, sights in groups.items()}
    kept = _of(weighed.findings, merged, ())
    known = _of(weighed.known, merged, kept)
    allowed = _of((item.finding for item in weighed.allowed), merged, {**kept, **known})
    reasons = {_key(item.finding): item for item in reversed(weighed.allowed)}
    return Weighed(
        tuple(sorted(kept.values(), key=_tips_first)),
        tuple(known.values()),
        tuple(replace(reasons[key], finding=finding) for key, finding in allowed.items()),
    )


def joined(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of several scans of one run; of a value that several of them found, the first one's."""
    found: dict[Key, Finding] = {}
    for finding in findings:
        found.setdefault(_key(finding), finding)
    return tuple(sorted(found.values(), key=_tips_first))


def _key(finding: Finding) -> Key:
    """What tells a secret from others; where the finding is about no value, its place does."""
    return ("", finding.value_id) if finding.value_id is not None else (finding.fingerprint, b"")


def _tips_first(finding: Finding) -> tuple[bool, tuple[object, ...]]:
    """The key to sort by; what is at the same place stays in the order of the commits."""
    return (finding.history is None or not finding.history.tips, in_order(finding)[:-1])


def _of(
    findings: Iterable[Finding], merged: Mapping[Key, Finding], without: Iterable[Key]
) -> dict[Key, Finding]:
    keys = {_key(finding) for finding in findings}.difference(without)
    return {key: finding for key, finding in merged.items() if key in keys}


def _sights(
    repository: Repository, plan: Plan, findings: Sequence[Finding], ends: Sequence[str]
) -> list[Sight]:
    """The findings with their contents and branches, in the order of the commits."""
    wanted = {(each.location.commit, path) for each in findings for path in files_of(each.location.path)}
    places = {
        (plan.commits[place.first], place.path): (place, unit.blob)
        for unit in plan.units
        for place in unit.places
        if (plan.commits[place.first], place.path) in wanted
    }
    tips = at_tips(repository, {(place.path, blob) for place, blob in places.values()}, ends)
    found = []
    for finding in dict.fromkeys(findings):
        at = finding.location
        place, blob = next(
            places[at.commit or "", path] for path in files_of(at.path) if (at.commit or "", path) in places
        )
        found.append(Sight(finding, place, blob, tips.get((place.path, blob), ())))
    return sorted(found, key=lambda each: (each.place.first, in_order(each.finding)))


def _commits(repository: Repository, plan: Plan, groups: Iterable[Sequence[Sight]]) -> dict[str, Commit]:
    numbers = {
        number
        for sights in groups
        for number in (
            min(each.place.first for each in sights),
            max(each.place.last for each in sights),
            max(each.place.ended for each in sights),
        )
        if number >= 0
    }
    return read_commits(repository, [plan.commits[number] for number in sorted(numbers)])


def _merged(sights: Sequence[Sight], plan: Plan, commits: Mapping[str, Commit]) -> Finding:
    """One finding for a secret: where a tip has it, or else where it first was."""
    tips = tuple(dict.fromkeys(name for each in sights for name in each.tips))
    main = next((each for each in sights if HEAD in each.tips), None)
    main = main or next((each for each in sights if each.tips), None) or sights[0]
    others: dict[tuple[str, str], Sight] = {}
    for each in sorted(sights, key=lambda each: not each.tips):
        others.setdefault((each.place.path, each.finding.fingerprint), each)
    others.pop((main.place.path, main.finding.fingerprint))

    def commit(number: int) -> Commit:
        name = plan.commits[number]
        return commits.get(name) or Commit(name, 0, "")

    ended = -1 if tips else max(each.place.ended for each in sights)
    history = History(
        first=commit(min(each.place.first for each in sights)),
        last=commit(max(each.place.last for each in sights)),
        removed=commit(ended) if ended >= 0 else None,
        tips=tuple(sorted(tips, key=lambda name: (name != HEAD, "/" in name, name))),
        versions=len({each.blob for each in sights}),
        paths=tuple(dict.fromkeys((main.place.path, *(each.place.path for each in sights)))),
    )
    related = (*main.finding.related, *(each.finding.location for each in others.values()))
    return main.finding._replace(
        severity=Severity(max(each.finding.severity for each in sights)),
        confidence=max(each.finding.confidence for each in sights),
        related=tuple(dict.fromkeys(related)),
        history=history,
    )
