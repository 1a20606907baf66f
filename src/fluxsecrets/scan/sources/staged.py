"""What is staged: the index as the next commit will have it, not the files in the work tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from fluxsecrets.errors import GitError
from fluxsecrets.marks import KUSTOMIZATION_NAMES
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.git import Repository
from fluxsecrets.scan.blob import Blob

from . import SourceFile, blob_chunks, pieces

_REGULAR = "100"


class Staged(NamedTuple):
    """A regular file that the next commit adds or changes: its blob there, and the one at HEAD or ""."""

    path: str
    blob: str
    before: str


class Listing(NamedTuple):
    """What is staged.

    Attributes:
        files: what the next commit adds or changes.
        removed: the files that it removes, with their blobs at HEAD.
    """

    files: tuple[Staged, ...]
    removed: tuple[tuple[str, str], ...] = ()


def list_staged(repository: Repository) -> Listing:
    """What differs from HEAD in the index; renamed files are new, links and submodules are left out.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    arguments = ("-z", "--no-renames", "--diff-filter=AMDT", "--ignore-submodules=all")
    try:
        listing = repository.run("diff-index", "--cached", *arguments, "HEAD", "--")
    except GitError:
        from fluxsecrets.repo.git.index import staged_files

        # No HEAD yet, or one that is damaged, which this tells apart.
        return Listing(tuple(Staged(file.path, file.blob, "") for file in staged_files(repository)))
    found, removed = [], []
    fields = os.fsdecode(listing).split("\0")
    for entry, path in zip(fields[::2], fields[1::2], strict=False):
        old, mode, before, blob, _ = entry.split(" ")
        if mode.startswith(_REGULAR):
            found.append(Staged(path, blob, "" if not before.strip("0") else before))
        elif not blob.strip("0") and old.startswith(f":{_REGULAR}"):
            removed.append((path, before))
    return Listing(tuple(found), tuple(removed))


def read_staged(
    repository: Repository, files: Sequence[Staged], contents: Iterator[tuple[str, str, bytes | None]]
) -> Iterator[SourceFile]:
    """The content of staged files.

    `contents` are from `Repository.read_objects`, possibly with others behind them; large files come in
    pieces.

    Raises:
        GitError: the index or an object cannot be read.
    """
    for file in files:
        name, kind, data = next(contents)
        if kind != "blob":
            raise GitError(
                f"the staged content of this file is missing: {name[:12]}",
                hint="stage it again with `git add`; if that does not help, run `git fsck`",
                path=file.path,
            )
        if data is None:
            yield SourceFile(file.path, pieces(file.path, blob_chunks(repository, file.blob)))
            continue
        yield SourceFile(file.path, (Blob(file.path, data),))


def kustomizations(paths: Iterable[str]) -> list[str]:
    """The names of kustomization files beside and above some paths: their secretGenerators may read these."""
    wanted: dict[str, None] = {}
    for path in paths:
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            for name in KUSTOMIZATION_NAMES:
                wanted[f"{folder}/{name}" if folder else name] = None
    return [path for path in wanted if "\n" not in path]  # git's line protocol cannot name it


def read_generators(
    paths: Sequence[str], contents: Iterator[tuple[str, str, bytes | None]]
) -> Iterator[SourceFile]:
    """Those of some staged kustomization files that have secretGenerators, or list generators."""
    for path, (_, kind, data) in zip(paths, contents, strict=True):
        if kind == "blob" and data is not None and (b"secretGenerator" in data or b"generators:" in data):
            yield SourceFile(path, (Blob(path, data),))
