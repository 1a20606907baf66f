"""Where files come from: the work tree, git's index, its commits, standard input.

Every source gives the files one after the other, as blobs; one that cannot be read comes as that, so that
no scan passes just because it could not read a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.scan.blob import Blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.repo.git import Repository

ENCRYPTED_AT_HEAD = "it is encrypted at HEAD"

PIECE = 4 * 2**20
"""Bytes of a large file that are searched at a time."""

OVERLAP = 64 * 2**10
"""Bytes at the end of a piece that are searched with the next one again, so that nothing is cut in two."""


class SourceFile(NamedTuple):
    """A file to scan: several blobs if it is too large to be held, none if it is not read."""

    path: str
    blobs: Iterable[Blob] = ()
    commit: str | None = None
    error: FluxsecretsError | None = None


def pieces(path: str, chunks: Iterable[bytes]) -> Iterator[Blob]:
    """A large file as overlapping pieces, cut at line ends where there are some."""
    waiting = bytearray()
    line, column, binary = 1, 1, None
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PIECE + OVERLAP:
            end = _cut(waiting, PIECE)
            blob = Blob(
                path, bytes(waiting[:end]), part=True, first_line=line, first_column=column, binary=binary
            )
            yield blob
            binary = blob.binary if binary is None else binary
            keep = _cut(waiting, end - OVERLAP)
            line, column = _moved(waiting, keep, line, column)
            del waiting[:keep]
    if waiting:
        yield Blob(path, bytes(waiting), part=True, first_line=line, first_column=column, binary=binary)


def blob_chunks(repository: Repository, blob: str) -> Iterator[bytes]:
    """The content of a blob in git, for `pieces`.

    Raises:
        GitError: git fails.
    """
    with repository.stream("cat-file", "blob", blob) as source:
        while chunk := source.read(2**20):
            yield chunk


def _cut(data: bytearray, near: int) -> int:
    """The last line end before a place, or the place itself where lines are long."""
    end = data.rfind(b"\n", max(0, near - OVERLAP // 2), near)
    return end + 1 if end >= 0 else near


def _moved(data: bytearray, count: int, line: int, column: int) -> tuple[int, int]:
    """Line and column after so many bytes."""
    lines = data.count(b"\n", 0, count)
    if not lines:
        return line, column + count
    return line + lines, count - data.rfind(b"\n", 0, count)
