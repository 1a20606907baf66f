"""What is staged: the index as the next commit will have it, not the files in the work tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from fluxsecrets.errors import GitError
from fluxsecrets.marks import KUSTOMIZATION_NAMES
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.git import Repository
from fluxsecrets.scan.blob import Blob

from . import SourceFile, blob_chunks, pieces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.repo.git.repository import ObjectReader

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


class Begun(NamedTuple):
    """What git has begun to read.

    Attributes:
        listing: waits for what differs from HEAD in the index, and returns it; it raises GitError.
        objects: reads objects, called once.
    """

    listing: Callable[[], bytes]
    objects: ObjectReader


@contextmanager
def begun(repository: Repository) -> Iterator[Begun]:
    """Let git start to read what is staged, while the caller does something else.

    Raises:
        GitError: git can't be started.
    """
    arguments = ("-z", "--no-renames", "--diff-filter=AMDT", "--ignore-submodules=all")
    with (
        repository.begun("diff-index", "--cached", *arguments, "HEAD", "--") as listing,
        repository.reader() as objects,
    ):
        yield Begun(listing, objects)


def list_staged(repository: Repository, begun: Begun) -> Listing:
    """What differs from HEAD in the index; renamed files are new, links and submodules are left out.

    Raises:
        GitError: HEAD or the index cannot be read.
    """
    try:
        listing = begun.listing()
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


def staged_source(repository: Repository, file: Staged, content: tuple[str, str, bytes | None]) -> SourceFile:
    """A staged file, by what `Repository.read_objects` gives of its content; a large one comes in pieces.

    Raises:
        GitError: the content cannot be read.
    """
    name, kind, data = content
    if kind != "blob":
        raise GitError(
            f"the staged content of this file is missing: {name[:12]}",
            hint="stage it again with `git add`; if that does not help, run `git fsck`",
            path=file.path,
        )
    if data is None:
        return SourceFile(file.path, pieces(file.path, blob_chunks(repository, file.blob)))
    return SourceFile(file.path, (Blob(file.path, data),))


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
