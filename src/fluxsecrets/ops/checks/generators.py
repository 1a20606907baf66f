"""Which files secretGenerators read: in commits, in the index, in the work tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fluxsecrets.marks import KUSTOMIZATION_NAMES, is_kustomization
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.repo.git.survey import readable_objects
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.scanner import Scanner
from fluxsecrets.scan.sources import SourceFile

INDEX = ""
"""Stands for the index where others have a revision."""

_LISTS = b"generators"
_READS = b"ecretGenerator"


class Generators:
    """What generators read.

    Attributes:
        by_target: by the file that is read: by kustomization file, its blobs that read it and the line in
            each.
    """

    def __init__(self) -> None:
        """Start with none."""
        self.by_target: dict[str, dict[str, dict[str, int]]] = {}

    def add(self, path: str, blob: str, generated: Iterable[tuple[str, int]]) -> None:
        """Add what a content of a kustomization file reads: paths and lines."""
        for target, line in generated:
            self.by_target.setdefault(target, {}).setdefault(path, {})[blob] = line

    def read(self, repository: Repository, scanner: Scanner, revisions: Sequence[str]) -> None:
        """Add what the kustomization files of some states read, or of the index.

        Raises:
            GitError: a state cannot be read.
        """
        listings = [_listing(repository, revision) for revision in revisions]
        names = [os.fsencode(f"{sign}{name}") for name in KUSTOMIZATION_NAMES for sign in ("/", "\t")]
        entries = [entry for listing in listings for name in names for entry in _entries(listing, name)]
        listed: dict[tuple[str, str], None] = {}
        for path, blob, data in _contents(repository, entries):
            self._scan(scanner, path, blob, data)
            for name in _listed(data, path):
                end = os.fsencode(f"\t{name}")
                listed.update(dict.fromkeys(each for listing in listings for each in _entries(listing, end)))
        for path, blob, data in _contents(repository, listed):
            self._scan(scanner, path, blob, data)

    def _scan(self, scanner: Scanner, path: str, blob: str, data: bytes) -> None:
        if _READS in data:
            for each in scanner.scan(SourceFile(path, (Blob(path, data),))).scanned:
                self.add(path, blob, each.generated)


def lying_generators(root: Path, paths: Iterable[str]) -> Iterator[str]:
    """The kustomization files among some files of a folder, and the files of their generators."""
    for path in filter(is_kustomization, paths):
        yield path
        place = root / path
        try:
            data = place.read_bytes() if place.stat().st_size <= BLOB_LIMIT else b""
        except OSError:
            continue  # reading it as a file says so
        yield from (each for each in _listed(data, path) if (root / each).is_file())


def _listed(data: bytes, path: str) -> Sequence[str]:
    if _LISTS not in data:
        return ()
    from fluxsecrets.scan.structure.kustomize import listed_generators

    return listed_generators(data, path)


def _listing(repository: Repository, revision: str) -> bytes:
    if revision == INDEX:
        return repository.run("ls-files", "-s", "-z")
    return repository.run("ls-tree", "-r", "-z", "--full-tree", revision)


def _entries(listing: bytes, end: bytes) -> Iterator[tuple[str, str]]:
    """Path and blob of the regular files whose record in a listing ends so; it has up to 100,000 others."""
    at = -1
    while (at := listing.find(end + b"\0", at + 1)) >= 0:
        record = listing[listing.rfind(b"\0", 0, at) + 1 : at + len(end)]
        entry, _, path = record.partition(b"\t")
        words = entry.split(b" ")  # `ls-tree` has the type in between, `ls-files` the stage at the end
        if words[0].startswith(b"100"):
            yield os.fsdecode(path), words[2 if words[1] == b"blob" else 1].decode("ascii")


class _Content(NamedTuple):
    path: str
    blob: str
    data: bytes


def _contents(repository: Repository, entries: Iterable[tuple[str, str]]) -> Iterator[_Content]:
    paths: dict[str, dict[str, None]] = {}
    for path, blob in entries:
        paths.setdefault(blob, {})[path] = None
    for blob, _, data in readable_objects(repository, paths):
        yield from (_Content(path, blob, data) for path in paths[blob] if data is not None)
