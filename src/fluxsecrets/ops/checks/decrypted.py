"""Plain files that were encrypted before: in a commit, shortly before a state, or under another name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar

from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import stream_changes
from fluxsecrets.repo.git.survey import readable_objects
from fluxsecrets.scan.decrypted import read_encrypted, read_plain

Item = TypeVar("Item")
LATELY = 1000
"""Commits before a state in which is looked for encrypted versions of its plain files."""

_METADATA = 200
"""Bytes by which an encrypted file is larger than a plain one at least: the MAC alone has more."""


def decrypted_lately(
    repository: Repository, revisions: Sequence[str], paths: Collection[str]
) -> dict[str, str]:
    """Those of some plain files that a commit shortly before turned from encrypted to plain, and which.

    `LATELY` commits are looked at: a file that was decrypted on purpose is not reported for ever. To read old
    contents costs git much, so those alone are read that are larger than what took their place.

    Args:
        repository: with the commits; a shallow clone's border ends the search.
        revisions: the states in which the files are plain; none for none.
        paths: the files.

    Raises:
        GitError: a commit cannot be read.
    """
    if not revisions or not paths:
        return {}
    listing = repository.run("rev-list", f"--max-count={LATELY}", *revisions, "--")
    changes = [
        change
        for change in stream_changes(repository, listing.decode("ascii").split())
        if change.blob is not None and change.before and change.path in paths
    ]
    sizes = _sizes(repository, {blob for each in changes for blob in (*each.before, each.blob or "")})
    shrunk = {
        blob: each.path
        for each in changes
        for blob in each.before
        if sizes.get(blob, 0) >= sizes.get(each.blob or "", 0) + _METADATA
    }
    encrypted = encrypted_blobs(repository, shrunk)
    turned = [each for each in changes if not encrypted.isdisjoint(each.before)]
    encrypted |= encrypted_blobs(repository, {each.blob or "": each.path for each in turned})
    found: dict[str, str] = {}
    for change in turned:
        if change.blob not in encrypted:
            found.setdefault(change.path, change.commit)
    return found


def _sizes(repository: Repository, blobs: Collection[str]) -> dict[str, int]:
    """The sizes of blobs, which costs git far less than the contents of old ones."""
    if not blobs:
        return {}
    asked = "".join(f"{blob}\n" for blob in blobs).encode("ascii")
    answers = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    words = (line.split(" ") for line in answers.decode("ascii").splitlines())
    return {name: int(size) for name, size in words if size.isdigit()}


def lately(commit: str) -> str:
    """Why a file that was decrypted shortly before is a secret."""
    return f"it was encrypted before commit {commit[:10]}"


def decrypted_copies(
    repository: Repository, removed: Sequence[tuple[str, str]], added: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """New plain files with the values of encrypted files that go away, and the paths of those.

    Args:
        repository: with the blobs.
        removed: path and blob of each file that is removed.
        added: blobs of plain files by path.

    Raises:
        GitError: a blob cannot be read.
    """
    encrypted = encrypted_blobs(repository, {blob: path for path, blob in removed})
    moves = [(None, [(path, blob) for path, blob in removed if blob in encrypted], list(added.items()))]
    yield from ((path, was) for _, path, was in copies(repository, moves))


Files = Sequence[tuple[str, str]]
"""The path and the blob of each file."""


def copies(
    repository: Repository, moves: Iterable[tuple[Item, Files, Files]]
) -> Iterator[tuple[Item, str, str]]:
    """As `decrypted_copies`, for several moves that one git reads.

    Args:
        repository: with the blobs.
        moves: for each what it is known by, encrypted files that it removes, and plain files that it adds.

    Returns:
        For each new file with the values of one that its move removes: the move, and the paths of both.

    Raises:
        GitError: a blob cannot be read.
    """
    known = [move for move in moves if move[1]]
    contents = readable_objects(
        repository, (blob for _, removed, added in known for _, blob in chain(removed, added))
    )
    for move, removed, added in known:
        before = [(path, read_encrypted(data)) for path, data in _with_contents(removed, contents)]
        for path, data in _with_contents(added, contents):
            plain = read_plain(data)
            was = next((name for name, encrypted in before if encrypted.are_in(plain)), None)
            if was is not None:
                yield move, path, was


def _with_contents(
    files: Files, contents: Iterator[tuple[str, str, bytes | None]]
) -> Iterator[tuple[str, bytes]]:
    """Some files with the next contents, which are theirs; one without is left out."""
    for (path, _), (_, _, data) in zip(files, contents, strict=False):
        if data is not None:
            yield path, data


def renamed(before: str) -> str:
    """Why a file with the values of an encrypted one is a secret."""
    return f"it has the values of {ascii(before)[1:-1]}, which was encrypted"


def encrypted_blobs(repository: Repository, blobs: Mapping[str, str]) -> set[str]:
    """Those of some blobs, with a path of each, that are encrypted."""
    return {
        name
        for name, _, data in readable_objects(repository, blobs)
        if data is not None and SIGN_BYTES in data and _is_encrypted(data, blobs[name])
    }


def _is_encrypted(data: bytes, path: str) -> bool:
    from fluxsecrets.repo.encrypted import detect_encryption  # most repositories' old contents have no sign

    return detect_encryption(data, path) is not None
