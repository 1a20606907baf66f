"""What is known of files of the index and the work tree beside their contents; see `commitcontext`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from fluxsecrets.errors import GitError
from fluxsecrets.findings import Finding
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.scanner import Scanner
from fluxsecrets.scan.sources import ENCRYPTED_AT_HEAD, SourceFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.scan.sources.staged import Listing


def were_encrypted(repository: Repository, files: FileSet, before: Mapping[str, str]) -> Iterator[Finding]:
    """Files that are encrypted at HEAD, and not any more.

    Args:
        repository: the repository.
        files: what was scanned.
        before: changed files with their blobs at HEAD, or "".
    """
    plain = {path: blob for path, blob in before.items() if blob and files.is_plain(path)}
    if plain:
        from fluxsecrets.scan.sources.worktree import encrypted_before

        for path in encrypted_before(repository, plain, BLOB_LIMIT):
            yield files.whole(path, ENCRYPTED_AT_HEAD)


def were_encrypted_lately(repository: Repository, files: FileSet, paths: Iterable[str]) -> Iterator[Finding]:
    """Files that are plain at HEAD already, and were encrypted in a commit shortly before."""
    plain = frozenset(filter(files.is_plain, paths))
    if not plain:
        return
    from .decrypted import decrypted_lately, lately

    try:
        turned = decrypted_lately(repository, ("HEAD",), plain)
    except GitError:
        if repository.has_head():
            raise
        return
    for path, commit in turned.items():
        yield files.whole(path, lately(commit))


def were_renamed(repository: Repository, files: FileSet, listing: Listing) -> Iterator[Finding]:
    """Staged new files with the values of encrypted files that are removed at the same time."""
    added = {each.path: each.blob for each in listing.files if not each.before and files.is_plain(each.path)}
    if not added or not listing.removed:
        return
    from .decrypted import decrypted_copies, renamed

    for path, before in decrypted_copies(repository, listing.removed, added):
        yield files.whole(path, renamed(before))


def staged_generators(
    repository: Repository,
    scanner: Scanner,
    files: FileSet,
    beside: Iterable[SourceFile],
    paths: Collection[str],
) -> None:
    """Take in the generators that may read what is staged.

    Those of the folders at and above it suffice for manifests, which nearly every commit has and which no
    generator reads from elsewhere; for other files, all of the index are asked.
    """
    listed = False
    for file in beside:
        listed = listed or any(b"generators" in blob.data for blob in file.blobs)
        for scanned in scanner.scan(file).scanned if file.path not in paths else ():
            files.add_generators(scanned)
    plain = [path for path in paths if files.is_plain(path)]
    if plain and (listed or not all(path.endswith(MANIFEST_SUFFIXES) for path in plain)):
        from .generators import INDEX, Generators

        found = Generators()
        found.read(repository, scanner, (INDEX,))
        for target, by in found.by_target.items():
            for path, lines in by.items():
                files.add_generator(target, path, min(lines.values()))
