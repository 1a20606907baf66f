"""Excuses that come with what they excuse: an allowance, or an entry of the baseline, in the same commit.

They count, since a repository may say what it lives with; but somebody has to see them. An excuse is new
where the state before would not have let the finding pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.findings.allow import AllowedFinding, apply_allowances, find_inline
from fluxsecrets.marks import BASELINE_NAME, SETTINGS_NAME
from fluxsecrets.ops.policy.trust import Trust, read_trust
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.globs import compile_glob

if TYPE_CHECKING:
    from fluxsecrets.findings.baseline import BaselineEntry
    from fluxsecrets.repo.settings import Allowance

_ALLOWS, _KNOWS, _DROPS = "allows", "knows", "does not list under `secrets` any more, for"
_WHOLE_FILE = "plain-secret-file"


class Excuse(NamedTuple):
    """An excuse that is as new as the findings that it lets pass.

    Attributes:
        path, line: where it stands.
        says: what it does, as a verb for people.
        rule: whose findings pass.
        excused: the file that they are in.
        findings: how many pass.
    """

    path: str
    line: int
    says: str
    rule: str
    excused: str
    findings: int = 1


class State(NamedTuple):
    """What an earlier state allowed and knew.

    Attributes:
        meanings: what allowances in the words of other tools said.
        tools: those whose comments counted.
    """

    revision: str
    allow: tuple[Allowance, ...] = ()
    secrets: tuple[str, ...] = ()
    known: frozenset[BaselineEntry] = frozenset()
    meanings: frozenset[object] = frozenset()
    tools: frozenset[str] = frozenset()


def brought_excuses(
    repository: Repository,
    revisions: Sequence[str],
    trust: Trust,
    allowed: Sequence[AllowedFinding],
    known: Sequence[Finding],
    plain: Sequence[str],
) -> tuple[Excuse, ...]:
    """Return the excuses that none of the earlier states had.

    Args:
        repository: where they are.
        revisions: the states before; where there are none, all excuses are new.
        trust: what the findings were weighed by.
        allowed: the findings that passed by allowances.
        known: those that passed by the baseline.
        plain: the files that were looked at, are not encrypted, and have no finding of their kind.

    Raises:
        GitError: a state cannot be read.
    """
    before = [_state(revision, found) for revision, found in _read(repository, revisions)]
    passed = [
        *_listed(before, [item for item in allowed if not item.inline and item.meaning is None]),
        *_foreign(before, [item for item in allowed if not item.inline and item.meaning is not None]),
        *_inline(repository, before, [item for item in allowed if item.inline]),
        *_known(before, trust, known),
        *_dropped(before, trust, plain),
    ]
    return tuple(excuse._replace(findings=count) for excuse, count in Counter(passed).items())


def _read(repository: Repository, revisions: Sequence[str]) -> Iterator[tuple[str, Trust]]:
    yield from zip(revisions, read_trust(repository, revisions), strict=True)


def _state(revision: str, trust: Trust) -> State:
    """The settings and baseline of a state; an invalid state excused nothing."""
    found = State(revision)
    try:
        settings = trust.settings()
        if settings is not None:
            found = found._replace(allow=settings.allow, secrets=settings.secrets)
        found = found._replace(known=frozenset(trust.baseline()))
        if settings is not None and settings.scan is not None:
            from .words import read_words

            words = read_words(settings, trust, None, None)
            excusers = () if words is None else words.excusers
            meanings = frozenset(chain.from_iterable(each.meanings() for each in excusers))
            found = found._replace(meanings=meanings, tools=frozenset(settings.scan.comments))
    except FluxsecretsError:
        return State(revision)
    return found


def _listed(before: Sequence[State], allowed: Sequence[AllowedFinding]) -> Iterator[Excuse]:
    findings = [item.finding for item in allowed]
    old: set[Finding] = set()
    for state in before if findings else ():
        old.update(item.finding for item in apply_allowances(findings, listed=state.allow).allowed)
    for item in allowed:
        if item.finding not in old:
            yield Excuse(item.path, item.line, _ALLOWS, item.finding.rule, item.finding.location.path)


def _foreign(before: Sequence[State], allowed: Sequence[AllowedFinding]) -> Iterator[Excuse]:
    """Allowances in the words of other tools, and allowlists of our own."""
    old = frozenset[object]().union(*(state.meanings for state in before))
    for item in allowed:
        if item.meaning not in old:
            yield Excuse(item.path, item.line, _ALLOWS, item.finding.rule, item.finding.location.path)


def _inline(
    repository: Repository, before: Sequence[State], allowed: Sequence[AllowedFinding]
) -> Iterator[Excuse]:
    """Comments: those of which the file had fewer before, since lines move."""
    tools_before = frozenset[str]().union(*(state.tools for state in before))
    comments: dict[str, list[AllowedFinding]] = {}
    for item in allowed:
        comments.setdefault(item.path, []).append(item)
    for path, items in comments.items():
        had: Counter[tuple[str, str]] = Counter()
        for data in _contents(repository, before, path):
            had |= Counter((rule, each.reason) for each in find_inline(data, path) for rule in each.rules)
            tools = sorted({item.tool for item in items} & tools_before) if tools_before else []
            if tools:
                from fluxsecrets.findings.foreign import find_foreign

                had |= Counter(("", each.reason) for each in find_foreign(data, path, tools))
        for item in items:
            meaning = ("" if item.tool else item.finding.rule, item.reason)
            if had[meaning] > 0:
                had[meaning] -= 1
            else:
                yield Excuse(item.path, item.line, _ALLOWS, item.finding.rule, item.finding.location.path)


def _contents(repository: Repository, before: Sequence[State], path: str) -> Iterator[bytes]:
    if "\n" in path:  # git's line protocol cannot name it; then all of its comments count as new
        return
    for _, _, data in repository.read_objects(f"{state.revision}:{path}" for state in before):
        if data is not None:
            yield data


def _known(before: Sequence[State], trust: Trust, known: Sequence[Finding]) -> Iterator[Excuse]:
    old = {entry for state in before for entry in state.known}
    new = {entry.fingerprint for entry in trust.baseline() if entry not in old} if known else set()
    text = trust.baseline_text or b""
    for finding in known:
        if finding.fingerprint in new:
            at = text.find(finding.fingerprint.encode())
            line = text.count(b"\n", 0, max(at, 0)) + 1
            yield Excuse(BASELINE_NAME, line, _KNOWS, finding.rule, finding.location.path)


def _dropped(before: Sequence[State], trust: Trust, plain: Sequence[str]) -> Iterator[Excuse]:
    """Files that were listed as secrets, and are plain now that they are not."""
    settings = trust.settings()
    now = frozenset(() if settings is None else settings.secrets)
    gone = [compile_glob(glob) for state in before for glob in state.secrets if glob not in now]
    if not gone:
        return
    left = [compile_glob(glob) for glob in now]
    for path in plain:
        if any(glob.matches(path) for glob in gone) and not any(glob.matches(path) for glob in left):
            yield Excuse(SETTINGS_NAME, 1, _DROPS, _WHOLE_FILE, path)
