"""A baseline is of values: another value at a place that the baseline knows is a new finding.

Nothing of a value is written into a baseline, since a short one could be guessed from whatever is made of
it. So the values are compared with those in git, in the states that accepted the finding: the state before
what is judged, and the commits that added the entry. An entry that is as new as what is judged knows any
value; such an entry is reported as an excuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings.baseline import BaselineResult, apply_baseline, parse_baseline
from fluxsecrets.findings.fingerprint import families
from fluxsecrets.marks import archive_of
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.sources import SourceFile, pieces

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding
    from fluxsecrets.findings.baseline import BaselineEntry
    from fluxsecrets.findings.model import ValueId
    from fluxsecrets.scan.scanner import Scanner

_OTHER = ", and is not the value that the baseline knows"


class Reference(NamedTuple):
    """What the values of known findings are compared with.

    Attributes:
        before: revisions before what is judged.
        brought: the baselines that the judged commits made: commit and blob, the oldest first.
        baseline: the baseline's path in the repository, or "" for a file elsewhere.
        named: the baseline was named. Without an earlier state of it, its entries count as old.
        unchanged: whether a file, and so its values, is as it was before.
        lenient: any value is known where the states accepted the finding, and have it no more.
    """

    before: Sequence[str]
    brought: Sequence[tuple[str, str]] = ()
    baseline: str = ""
    named: bool = False
    unchanged: Callable[[str], bool] = lambda _: False
    lenient: bool = False


class _Accepted(NamedTuple):
    """By fingerprint the states that accepted it, and those that any value is accepted for."""

    states: dict[str, list[str]]
    free: frozenset[str]


def apply_by_value(
    repository: Repository,
    scanner: Scanner,
    reference: Reference,
    entries: Sequence[BaselineEntry],
    findings: Sequence[Finding],
    looked_at: Callable[[BaselineEntry], bool],
) -> BaselineResult:
    """Part findings into new and known ones as `apply_baseline` does, then by their values.

    Args:
        repository: with the states.
        scanner: which made the findings: a value has the same id within one run only.
        reference: what to compare with.
        entries: of the baseline that counts.
        findings: all of this run.
        looked_at: which entries are gone if they were not found.

    Raises:
        GitError: a state cannot be read.
    """
    applied = apply_baseline(findings, entries, looked_at)
    known = frozenset(applied.known)
    open_ = {
        _place(each)
        for each in known
        if each.value_id is not None and not reference.unchanged(archive_of(each.location.path))
    }
    if not open_:
        return applied
    accepted = _accepted(repository, reference, entries)
    here = [*map(_item, findings), *((each.rule, each.path, each.fingerprint) for each in entries)]
    roots = families(here)
    states: dict[str, list[str]] = {}
    for name, revisions in accepted.states.items():
        states.setdefault(roots.get(name, name), []).extend(revisions)
    free = {roots[name] for name in accepted.free}
    compared = [
        each
        for each in findings
        if each.value_id is not None
        and _place(each) in open_
        and (root := roots[each.fingerprint]) in states
        and not (root in free and each in known)
    ]
    wanted = [
        (revision, each.location.path) for each in compared for revision in states[roots[each.fingerprint]]
    ]
    there = list(_findings_at(repository, scanner, wanted))
    roots = families([*here, *map(_item, there)])
    values: dict[tuple[str, str], set[ValueId | None]] = {}
    for each in there:
        values.setdefault((each.location.path, roots[each.fingerprint]), set()).add(each.value_id)
    passes = {each: each in known for each in findings}
    for each in compared:
        before = values.get((each.location.path, roots[each.fingerprint]))
        passes[each] = each.value_id in before if before else reference.lenient and each in known
    return BaselineResult(
        tuple(_told(each) if each in known else each for each in findings if not passes[each]),
        tuple(each for each in findings if passes[each]),
        applied.gone,
    )


def _item(finding: Finding) -> tuple[str, str, str]:
    return finding.rule, finding.location.path, finding.fingerprint


def _told(finding: Finding) -> Finding:
    return finding._replace(message=f"{finding.message}{_OTHER}")


def _place(finding: Finding) -> tuple[str, str]:
    return finding.location.path, finding.rule


def _accepted(repository: Repository, reference: Reference, entries: Sequence[BaselineEntry]) -> _Accepted:
    states: dict[str, list[str]] = {}
    seen: set[BaselineEntry] = set()
    names = [f"{each}:{reference.baseline}" for each in reference.before] if reference.baseline else []
    blobs = [blob for _, blob in reference.brought]
    contents = [data for _, _, data in repository.read_objects([*names, *blobs])]
    for revision, data in zip(reference.before, contents, strict=False):
        for entry in _entries(data if names else None):
            states.setdefault(entry.fingerprint, []).append(revision)
            seen.add(entry)
    for (commit, _), data in zip(reference.brought, contents[len(names) :], strict=True):
        for entry in _entries(data):
            if entry not in seen:
                states.setdefault(entry.fingerprint, []).append(commit)
                seen.add(entry)
    is_old = reference.named and not seen
    free = set()
    for entry in entries:
        if is_old:
            states.setdefault(entry.fingerprint, []).extend(reference.before)
        elif entry not in seen:
            free.add(entry.fingerprint)
        if entry.commit is not None:
            states.setdefault(entry.fingerprint, []).append(entry.commit)
    return _Accepted(states, frozenset(free))


def _entries(data: bytes | None) -> tuple[BaselineEntry, ...]:
    """The entries of an earlier baseline; an invalid one accepted nothing."""
    try:
        return () if data is None else parse_baseline(data)
    except FluxsecretsError:
        return ()


def _findings_at(
    repository: Repository, scanner: Scanner, places: Iterable[tuple[str, str]]
) -> Iterator[Finding]:
    """What is found in files of some states; what the states don't have is left out."""
    wanted = {
        f"{revision}:{name}": name
        for revision, path in places
        for name in (path, archive_of(path))
        if "\n" not in name
    }
    seen: set[tuple[str, bytes]] = set()
    for name, kind, data in repository.read_objects(wanted, limit=BLOB_LIMIT):
        path = wanted[name]
        if kind != "blob" or (data is not None and (path, data) in seen):
            continue
        if data is not None:
            seen.add((path, data))
        blobs = (Blob(path, data),) if data is not None else _pieces(repository, name, path)
        for part in scanner.scan(SourceFile(path, blobs)).scanned:
            yield from part.findings


def _pieces(repository: Repository, name: str, path: str) -> Iterator[Blob]:
    with repository.stream("cat-file", "blob", name) as source:
        yield from pieces(path, iter(lambda: source.read(2**20), b""))
