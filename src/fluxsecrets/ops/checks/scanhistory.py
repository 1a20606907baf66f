"""Scan commits: read and judge the contents of a plan, each once.

`plan` in `scan/sources/commits.py` says what there is to read. `judged` reads and judges it. The order of its
results does not matter: `in_order` puts them back into that of the commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from fluxsecrets.errors import GitError
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.repo.git.survey import readable_objects
from fluxsecrets.scan.ciphertexts import Shown, shown
from fluxsecrets.scan.clean import CleanContents
from fluxsecrets.scan.scanner import FileScan, Scanner, sealed
from fluxsecrets.scan.sources.commits import Place, Plan, Unit, read_unit

_MANY = 1_500
"""Contents from which a second process is worth its start."""

_FIRST = 16
"""Contents that are judged before the others start, so that all know what was imported for them."""

_RANGE = 1_000
"""Contents that go to a process at a time, each time with a git of its own; a pipe holds all of their ids."""


class Judged(NamedTuple):
    """What came of a content.

    Attributes:
        scans: one result for each of its places, in their order; none if it can't be read. None if nothing is
            to be said of any, as of most.
    """

    unit: Unit
    scans: tuple[FileScan, ...] | None


def judged(
    repository: Repository,
    scanner: Scanner,
    units: Sequence[Unit],
    *,
    jobs: int | None = None,
    known: CleanContents | None = None,
) -> Iterator[Judged]:
    """Read and judge contents, in several processes where there are many; the results are in any order.

    Args:
        repository: with the contents.
        scanner: judges them.
        units: what is to be read.
        jobs: processes; None for as many as there are CPUs.
        known: contents that earlier runs found clean. What this run finds clean is added. Contents that are
            known to be encrypted come without their ciphertexts, unless another path has one of these with
            other keys.

    Raises:
        FluxsecretsError: a worker process died.
    """
    if known is None:
        yield from _read(repository, scanner, units, jobs)
        return
    passed, encrypted, others = _sorted_out(repository, scanner, known, units)
    for unit in passed:
        yield Judged(unit, None)
    seen = _Seen()
    for unit, marks in encrypted.items():
        seen.add(unit, marks)
    for each in _read(repository, scanner, others, jobs):
        _note(known, seen, each)
        yield each
    yield from _read(
        repository, scanner, [unit for unit, marks in encrypted.items() if seen.elsewhere(marks)], jobs
    )
    for unit, marks in encrypted.items():
        if not seen.elsewhere(marks):
            yield Judged(unit, tuple(sealed(place.path) for place in unit.places))


def _note(known: CleanContents, seen: _Seen, each: Judged) -> None:
    """Note what is clean, and which ciphertexts there are."""
    unit = each.unit
    if each.scans is None:
        for place in unit.places:
            known.add(unit.blob, place.path)
        return
    for place, scan in zip(unit.places, each.scans, strict=False):  # none if it can't be read
        if scan.is_silent:
            known.add(unit.blob, place.path)
        elif (marks := scan.shown).ciphertexts:
            seen.add(unit, marks)
            if scan.is_sealed:
                known.add_encrypted(unit.blob, place.path, marks)


def _sorted_out(
    repository: Repository, scanner: Scanner, known: CleanContents, units: Sequence[Unit]
) -> tuple[list[Unit], dict[Unit, Shown], list[Unit]]:
    """Contents that are known to be clean, those that are clean and encrypted, and all others.

    Those that are encrypted are given with the hashes of their ciphertexts and keys.
    """
    if not known or not units:
        return [], {}, [*units]
    passed, closed, others = [], [], []
    with _missing(repository, units) as missing:
        for unit in units:
            if _is_known(scanner, known, unit):
                passed.append(unit)
            elif all(known.is_encrypted(unit.blob, place.path) for place in unit.places):
                closed.append(unit)
            else:
                others.append(unit)
        try:
            gone = missing()
        except GitError:  # in a partial clone, git ends at the first that it can't fetch
            gone = _gone(repository, passed)
    others += [unit for unit in passed if unit.blob in gone]
    encrypted: dict[Unit, Shown] = {}
    contents = readable_objects(repository, (unit.blob for unit in closed), limit=BLOB_LIMIT)
    for unit, (_, _, data) in zip(closed, contents, strict=True):
        marks = shown(data or b"")
        if marks.ciphertexts and all(
            known.is_encrypted(unit.blob, place.path, marks) for place in unit.places
        ):
            encrypted[unit] = marks
        else:
            others.append(unit)
    return [unit for unit in passed if unit.blob not in gone], encrypted, others


class _Seen:
    """Which ciphertexts are at more than one path with other keys: their files are judged together."""

    def __init__(self) -> None:
        self._path: dict[int, str] = {}
        self._keys: dict[int, frozenset[int]] = {}
        self._several: set[int] = set()

    def add(self, unit: Unit, marks: Shown) -> None:
        for mark in marks.ciphertexts:
            self._keys[mark] = self._keys.get(mark, marks.keys) & marks.keys
            for place in unit.places:
                if self._path.setdefault(mark, place.path) != place.path:
                    self._several.add(mark)

    def elsewhere(self, marks: Shown) -> bool:
        return any(mark in self._several and not self._keys[mark] for mark in marks.ciphertexts)


def _is_known(scanner: Scanner, known: CleanContents, unit: Unit) -> bool:
    for place in unit.places:
        if not known.has(unit.blob, place.path) or not scanner.has_ordinary_name(place.path):
            return False
    return True


@contextmanager
def _missing(repository: Repository, units: Sequence[Unit]) -> Iterator[Callable[[], frozenset[str]]]:
    """Ask git which contents are gone, while the caller does something else.

    What is not read again may have been lost meanwhile.

    Yields:
        A function that waits for the answer.
    """
    names = "".join([f"{unit.blob}\n" for unit in units]).encode("ascii")
    # git writes a sign for each that is there, so that a pipe holds those of most histories.
    with repository.begun("cat-file", "--batch-check=.", "--buffer", stdin=names) as answer:
        yield lambda: _names_of_missing(answer())


def _gone(repository: Repository, units: Sequence[Unit]) -> frozenset[str]:
    """The contents that are gone; all of them if git can't tell, so that each is read."""
    try:
        with _missing(repository, units) as missing:
            return missing()
    except GitError:
        return frozenset(unit.blob for unit in units)


def _names_of_missing(answer: bytes) -> frozenset[str]:
    lines = answer.replace(b".\n", b"").split(b"\n")
    return frozenset(line.partition(b" ")[0].decode("ascii") for line in lines if line)


def _read(
    repository: Repository, scanner: Scanner, units: Sequence[Unit], jobs: int | None
) -> Iterator[Judged]:
    """The results for all units, by ranges of them that go to several processes."""
    if len(units) < _MANY or jobs == 1:
        for unit, scans in zip(units, _scans(repository, scanner, units, (0, len(units))), strict=True):
            yield Judged(unit, scans)
        return
    from fluxsecrets.ops.run.parallel import run_jobs

    _ = scanner.engine  # made here, it serves all that are forked
    edges = [0, *range(_FIRST, len(units), _RANGE), len(units)]
    spans = list(pairwise(edges))
    work = partial(_scans, repository, scanner, units)
    for span, results in zip(spans, run_jobs(work, spans, chunk=1, most=jobs), strict=True):
        for unit, scans in zip(units[slice(*span)], results, strict=True):
            yield Judged(unit, scans)


def _scans(
    repository: Repository, scanner: Scanner, units: Sequence[Unit], span: tuple[int, int]
) -> list[tuple[FileScan, ...] | None]:
    """The results for a range of units; None if nothing is to be said of a unit, as of most."""
    wanted = units[slice(*span)]
    contents = readable_objects(repository, (unit.blob for unit in wanted), limit=BLOB_LIMIT)
    found: list[tuple[FileScan, ...] | None] = []
    for unit, (_, kind, data) in zip(wanted, contents, strict=True):
        scans = judge(repository, scanner, unit, (kind, data))
        found.append(None if scans and all(scan.is_silent for scan in scans) else scans)
    return found


def judge(
    repository: Repository, scanner: Scanner, unit: Unit, content: tuple[str, bytes | None]
) -> tuple[FileScan, ...]:
    """Judge a content at each of its places; without findings, one result serves files of the same name.

    Returns:
        One result for each place; none if the content can't be read.
    """
    if content[0] != "blob":
        return ()
    clean: dict[str, FileScan] = {}
    scans = []
    for place in unit.places:
        name = place.path.rpartition("/")[2]
        known, data = clean.get(name), content[1]
        if known is not None and data is not None and scanner.is_ordinary(place.path, data):
            scans.append(known.moved(place.path))
            continue
        scan = scanner.scan(read_unit(repository, unit, content, place.path))
        if scan.is_clean:
            clean[name] = scan
        scans.append(scan)
    return tuple(scans)


def in_order(
    plan: Plan, results: Iterable[Judged], lost: list[Unit]
) -> Iterator[tuple[Place, FileScan | None]]:
    """The results for each place, in the order of the commits that brought them.

    `lost` gets the contents that can't be read. A result is None if nothing is to be said of the file.
    """
    by_blob = {each.unit.blob: each.scans for each in results}
    found: list[tuple[Place, FileScan | None]] = []
    for unit in plan.units:
        scans = by_blob.pop(unit.blob)
        if scans is None:
            found += [(place, None) for place in unit.places]
        elif scans:
            found += zip(unit.places, scans, strict=True)
        else:
            lost.append(unit)
    found.sort(key=lambda pair: pair[0].first)  # stable: within a commit as git lists its files
    for place, scan in found:
        yield place, None if scan is None else scan._replace(commit=plan.commits[place.first])
