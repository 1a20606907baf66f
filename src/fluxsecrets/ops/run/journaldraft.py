"""Contents of a journal that are encrypted while other processes still make the next ones.

With many files, the first process would do that alone at the end, while the others have nothing to do.
"""

from __future__ import annotations

from io import BytesIO

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import FileContent
from fluxsecrets.namedtuples import NamedTuple

from .journalbox import Box
from .results import FileChange
from .statefolder import journal_key

Piece = dict[str, object] | None
"""A content in the plan; None where there is no file."""


class Drafted(NamedTuple):
    """The contents of a change that are in a draft.

    Attributes:
        change: it was made for this one, and for none that equals it.
        old, new: the two contents in the plan.
        content: the state in which the file was read, in short.
    """

    change: FileChange
    old: Piece
    new: Piece
    content: FileContent


class Draft:
    """The contents of one journal, encrypted with the user's journal key, and what they belong to."""

    def __init__(self, key: bytes) -> None:
        self.box = Box.make(key)
        self._contents = BytesIO()
        self._count = 0
        self._drafted: dict[int, Drafted] = {}

    @classmethod
    def begun(cls) -> Draft | None:
        """An empty one; None without a journal key: writing the journal raises the error."""
        try:
            key = journal_key(make=True)
        except FluxsecretsError:
            return None
        return None if key is None else cls(key)

    def keep(self, data: bytes | None) -> Piece:
        """Add a content."""
        if data is None:
            return None
        number, start = self._count, self._contents.tell()
        self._count += 1
        length = self._contents.write(self.box.seal(number, data))
        return {"number": number, "start": start, "length": length, "digest": self.box.digest(data)}

    def take(self, change: FileChange) -> FileChange:
        """Add what a change replaces and what it writes.

        Returns:
            The change without the old bytes, which nothing needs any more; one that came without them is not
            added.
        """
        old = change.old
        if not isinstance(old, FileContent) or old.digest is not None:
            return change
        pieces, content = (self.keep(old.data), self.keep(change.new)), old.without_data()
        short = FileChange(change.path, change.new, content, change.mode)
        self._drafted[id(short)] = Drafted(short, *pieces, content)
        return short

    def of(self, change: FileChange) -> Drafted | None:
        """What was added for a change that `take` returned."""
        return self._drafted.get(id(change))  # it is held, so that no other one has its place in memory

    def contents(self) -> bytes:
        """The file of contents."""
        return self._contents.getvalue()  # which copies nothing
