"""Scan commits: read and judge the contents of a plan, each once.

`plan` in `scan/sources/commits.py` says what there is to read. `judged` reads and judges it. The order of its
results does not matter: `in_order` puts them back into that of the commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.repo.git.survey import readable_objects
from fluxsecrets.scan.scanner import FileScan, Scanner
from fluxsecrets.scan.sources.commits import Place, Plan, Unit, read_unit


class Judged(NamedTuple):
    """What came of a content: one result for each of its places, in their order; none if it can't be read."""

    unit: Unit
    scans: tuple[FileScan, ...]


def judged(repository: Repository, scanner: Scanner, units: Sequence[Unit]) -> Iterator[Judged]:
    """Read and judge contents; the results come in any order."""
    contents = readable_objects(repository, (unit.blob for unit in units), limit=BLOB_LIMIT)
    for unit, (_, kind, data) in zip(units, contents, strict=True):
        yield judge(repository, scanner, unit, (kind, data))


def judge(repository: Repository, scanner: Scanner, unit: Unit, content: tuple[str, bytes | None]) -> Judged:
    """Judge a content at each of its places; without findings, one result serves files of the same name."""
    if content[0] != "blob":
        return Judged(unit, ())
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
    return Judged(unit, tuple(scans))


def in_order(plan: Plan, results: Iterable[Judged], lost: list[Unit]) -> Iterator[tuple[Place, FileScan]]:
    """The results for each place, in the order of the commits that brought them.

    `lost` gets the contents that can't be read.
    """
    found: list[tuple[Place, FileScan]] = []
    for each in results:
        if each.scans:
            found += zip(each.unit.places, each.scans, strict=True)
        else:
            lost.append(each.unit)
    found.sort(key=lambda pair: pair[0].first)  # stable: within a commit as git lists its files
    for place, scan in found:
        yield place, scan._replace(commit=plan.commits[place.first])
