"""Which files commits changed, as git told an earlier run, so that a long history is not walked each time.

What a commit changed follows from its id alone, in a clone that has all of its history: no rule, option or
branch counts, so an entry is never out of date. git says in each run which commits there are, in which order,
and is asked for the changes of new ones.

A file holds tables of commits, paths and blobs, and a row per change with numbers of these. It holds names of
files, and no content.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from struct import Struct

from fluxsecrets.files.hashing import fast_hash
from fluxsecrets.repo.git.history import Change

from .cachefile import read_cached, write_cached

MOST = 2_000_000
"""Changes in a file; beyond, those of the present run are kept, or none."""

_HEAD = f"fluxsecrets-changes-1 {sys.byteorder}\n".encode()
_SIZES = Struct("<5Q")
"""Digits of an id; how many commits, bytes of paths, blobs and changes there are."""

_NUMBER = "I"
_WIDTH = array(_NUMBER).itemsize
_NONE = 2 ** (8 * _WIDTH) - 1
"""Stands for the blob of a file that was removed."""


class KnownChanges:
    """What commits of one repository changed; without those that no earlier run asked for."""

    def __init__(self, folder: Path, repository: Path) -> None:
        """Read what earlier runs left.

        Args:
            folder: the user's cache folder; it need not exist.
            repository: the folder of its objects.
        """
        state = fast_hash(16)
        state.update(str(repository).encode("utf-8", "surrogateescape"))
        self._path = folder / f"changes-{state.hexdigest()}.rows"
        data = read_cached(self._path, _HEAD)
        self._table = (None if data is None else _parsed(data)) or _Table()
        self._fresh: dict[str, list[Change]] = {}

    def __contains__(self, commit: str) -> bool:
        """Whether it is known what a commit changed."""
        return commit in self._table.rows

    def each(
        self, commits: Iterable[str], fresh: Mapping[str, Sequence[Change]]
    ) -> Iterator[tuple[int, str, str | None, tuple[str, ...]]]:
        """What commits changed, in their order.

        Args:
            commits: they are known, or among the fresh ones.
            fresh: the changes of some.

        Yields:
            The position of the commit, the path, its blob or None, and its blobs before.
        """
        table = self._table
        for at, commit in enumerate(commits):
            if (row := table.rows.get(commit)) is None:
                for change in fresh[commit]:
                    yield at, change.path, change.blob, change.before
            else:
                for path, blob, before in table.at(row):
                    yield at, path, blob, before

    def add(self, commit: str, changes: list[Change]) -> None:
        """Note what a commit changed."""
        self._fresh[commit] = changes

    def save(self, commits: Sequence[str]) -> None:
        """Write what is new; a failure is not an error.

        Args:
            commits: those of this run, which are kept if there is no room for all.
        """
        fresh, table = self._fresh, self._table
        self._fresh = {}
        if not fresh:
            return
        if len(table.path_of) + sum(map(len, fresh.values())) > MOST:
            fresh = {name: fresh[name] if name in fresh else [*table.of(name)] for name in commits}
            table = _Table()
        if sum(map(len, fresh.values())) <= MOST:
            table.append(fresh)
            write_cached(self._path, _HEAD, table.dumped(), "changes-*.rows")


class _Table:
    """The tables of commits, paths and blobs, and the rows.

    Attributes:
        rows: the number of each commit.
        starts: by that number, its first change; and the end of the last one's.
        path_of, blob_of: by change.
        firsts: by change, the first of its blobs in `before`; and the end of the last one's.
    """

    __slots__ = ("before", "blob_of", "blobs", "firsts", "path_of", "paths", "rows", "starts")

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.paths: list[str] = []
        self.blobs: list[str] = []
        self.starts, self.firsts = array(_NUMBER, [0]), array(_NUMBER, [0])
        self.path_of, self.blob_of, self.before = array(_NUMBER), array(_NUMBER), array(_NUMBER)

    def of(self, commit: str) -> Iterator[Change]:
        for path, blob, before in self.at(self.rows[commit]):
            yield Change(commit, path, blob, before)

    def at(self, row: int) -> Iterator[tuple[str, str | None, tuple[str, ...]]]:
        """What the commit in a row changed: path, blob and blobs before."""
        paths, blobs, before = self.paths, self.blobs, self.before
        for at in range(self.starts[row], self.starts[row + 1]):
            blob, first, end = self.blob_of[at], self.firsts[at], self.firsts[at + 1]
            old = (blobs[before[first]],) if end - first == 1 else tuple(blobs[n] for n in before[first:end])
            yield paths[self.path_of[at]], None if blob == _NONE else blobs[blob], old

    def append(self, fresh: Mapping[str, Sequence[Change]]) -> None:
        """Add commits with their changes."""
        paths = {path: at for at, path in enumerate(self.paths)}
        blobs = {blob: at for at, blob in enumerate(self.blobs)}
        for commit, changes in fresh.items():
            self.rows[commit] = len(self.rows)
            for change in changes:
                self.path_of.append(paths.setdefault(change.path, len(paths)))
                blob = change.blob
                self.blob_of.append(_NONE if blob is None else blobs.setdefault(blob, len(blobs)))
                self.before.extend([blobs.setdefault(each, len(blobs)) for each in change.before])
                self.firsts.append(len(self.before))
            self.starts.append(len(self.path_of))
        self.paths, self.blobs = [*paths], [*blobs]

    def dumped(self) -> bytes:
        """The content of a file."""
        paths = os.fsencode("\0".join(self.paths))
        digits = len(next(iter(self.rows)))
        columns = (self.starts, self.path_of, self.blob_of, self.firsts, self.before)
        return b"".join(
            (
                _SIZES.pack(digits, len(self.rows), len(paths), len(self.blobs), len(self.path_of)),
                bytes.fromhex("".join(self.rows)),
                paths,
                bytes.fromhex("".join(self.blobs)),
                *(column.tobytes() for column in columns),
            )
        )


def _parsed(data: bytes) -> _Table | None:
    """The content of a file, or None if it does not have the form of one."""
    if len(data) < _SIZES.size:
        return None
    digits, commits, path_bytes, blobs, changes = _SIZES.unpack_from(data)
    if digits not in (40, 64):
        return None
    at = _SIZES.size

    def take(count: int) -> bytes:
        nonlocal at
        at += count
        return data[at - count : at]

    table = _Table()
    table.rows = {name: row for row, name in enumerate(_ids(take(commits * digits // 2), digits))}
    table.paths = os.fsdecode(take(path_bytes)).split("\0")
    table.blobs = _ids(take(blobs * digits // 2), digits)
    table.starts = _numbers(take((commits + 1) * _WIDTH))
    table.path_of = _numbers(take(changes * _WIDTH))
    table.blob_of = _numbers(take(changes * _WIDTH))
    table.firsts = _numbers(take((changes + 1) * _WIDTH))
    table.before = _numbers(data[at:])
    whole = len(table.rows) == commits and len(table.firsts) == changes + 1
    return table if whole and (table.starts[-1], table.firsts[-1]) == (changes, len(table.before)) else None


def _ids(data: bytes, digits: int) -> list[str]:
    text = data.hex()
    return [text[at : at + digits] for at in range(0, len(text), digits)]


def _numbers(data: bytes) -> array[int]:
    found = array(_NUMBER)
    found.frombytes(data[: len(data) // _WIDTH * _WIDTH])
    return found
