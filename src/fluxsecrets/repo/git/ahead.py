"""A history that git lists while the command does something else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from fluxsecrets.errors import GitError

from .history import CHANGES, COMMITS_OF_HEAD, Change, list_changes_of_head, parse_changes, read_blobs
from .repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from .repository import ObjectReader


class History:
    """The changes and contents of a repository's history; what git was started for is there sooner.

    Attributes:
        repository: with the history.
    """

    __slots__ = ("_listing", "_read", "repository")

    def __init__(
        self,
        repository: Repository,
        listing: tuple[IO[bytes], Callable[[], bool]] | None = None,
        read: ObjectReader | None = None,
    ) -> None:
        self.repository = repository
        self._listing = listing
        self._read = read

    def changes(self, *, partial: bool) -> tuple[Change, ...]:
        """As `list_changes_of_head`; where git failed, or the clone is shallow, that is asked.

        Args:
            partial: take a shallow clone's history for all there is.

        Raises:
            GitError: HEAD is broken, or the history cannot be read, or is cut off.
        """
        listing, self._listing = self._listing, None
        if listing is not None and (partial or not self.repository.cut_off_at()):
            stream, succeeded = listing
            found = tuple(parse_changes(stream))
            if succeeded():
                return found
        return list_changes_of_head(self.repository, partial=partial)

    def blobs(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """As `history.read_blobs`.

        Raises:
            GitError: one is missing or damaged.
        """
        read, self._read = self._read, None
        return read_blobs(self.repository, names, read=read)


@contextmanager
def history_ahead(repository: Repository) -> Iterator[History]:
    """Start to list the history of a repository, and a git that will read from it; both end with the block.

    Nothing fails here: what can't be started is started again, and fails, when it is asked for.
    """
    with ExitStack() as stack:
        listing = read = None
        with suppress(GitError):
            listing = stack.enter_context(repository.piped(COMMITS_OF_HEAD, CHANGES))
            read = stack.enter_context(repository.reader())
        yield History(repository, listing, read)
