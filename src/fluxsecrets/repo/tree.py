"""The files that count, as one frozen listing, and the one place that reads them.

Everything above works on paths relative to the root with `/`; a path that is not in the listing
(ignored by git, outside of the repository) does not exist for it.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fluxsecrets.errors import FileAccessError, LimitError
from fluxsecrets.marks import OLD_STATE_NAME
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.formats import Limits

from .git import Repository, find_repository

SKIPPED_FOLDERS = frozenset({".git", OLD_STATE_NAME, "node_modules", ".terraform", ".venv"})
"""Folders that a walk skips if there is no git to say what is ignored."""

# A file that meanwhile turned into a link or a pipe is not followed and does not block.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)

UNREADABLE = "not analysed, it cannot be read: "
"""What a note on a file begins with that is broken; what it leads to is not analysed."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not followed or not understood; never an error, never silent.

    Attributes:
        line: 1-based line there, or None.
        message: what, lower-case start, no full stop.
        warning: something is broken, so that what it leads to is not known.
    """

    path: str
    line: int | None
    message: str
    warning: bool = False


class Contents(Mapping[str, bytes]):
    """Contents by path that are read when they are needed."""

    def size(self, path: str) -> int:
        """Return a file's size in bytes; by default it is read for that."""
        return len(self[path])


class Layers(Contents):
    """Contents of which some are replaced."""

    def __init__(self, over: Mapping[str, bytes], below: Mapping[str, bytes]) -> None:
        """Take both; what is in `over` counts."""
        self._over, self._below = over, below

    def __getitem__(self, path: str) -> bytes:
        """Return the content that counts."""
        return self._over[path] if path in self._over else self._below[path]

    def __iter__(self) -> Iterator[str]:
        """Go through the paths of both, each once."""
        yield from self._over
        yield from (path for path in self._below if path not in self._over)

    def __len__(self) -> int:
        """Count the paths of both."""
        return len({*self._over, *self._below})

    def __contains__(self, path: object) -> bool:
        """Read nothing."""
        return path in self._over or path in self._below

    def size(self, path: str) -> int:
        """Return a size; the layers may know it without reading."""
        return _size(self._over if path in self._over else self._below, path)


def _size(contents: Mapping[str, bytes], path: str) -> int:
    return contents.size(path) if isinstance(contents, Contents) else len(contents[path])


@dataclass(frozen=True, slots=True)
class Tree:
    """A repository's, or any folder's, files.

    Attributes:
        root: absolute path.
        paths: sorted paths relative to the root with `/`.
        repository: the git repository whose root this is, or None.
        limits: what reading may cost.
        files, folders: the same paths, and all the folders above them, for look-ups; the root is "".
        planned: contents that are not on disk: a change before it is made, or what git has of a commit.
        links: symbolic links are followed; they don't reach what is made of a repository for Flux.
        definitions: CustomResourceDefinitions are read with their `spec`, which takes its time.
        listed: what git listed for it, in which files below links are; None if git was not asked.
    """

    root: Path
    paths: tuple[str, ...] = field(repr=False)
    repository: Repository | None
    limits: Limits
    files: frozenset[str] = field(repr=False)
    folders: frozenset[str] = field(repr=False)
    planned: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    links: bool = True
    definitions: bool = False
    listed: tuple[str, ...] | None = field(default=None, repr=False, compare=False)

    def below(self, folder: str) -> tuple[str, ...]:
        """All files below a folder, however deep; `""` is the root."""
        if not folder:
            return self.paths
        # "0" is the character after "/"
        return self.paths[bisect_left(self.paths, folder + "/") : bisect_left(self.paths, folder + "0")]

    def locate(self, path: str) -> str | None:
        """The listed file or folder that a path means, symbolic links inside the root followed.

        Returns:
            Its path in the listing, or None where it is not listed or leads out of the root.
        """
        if self._is_plain(path):
            return path
        if not self.links:
            return None
        target = os.path.relpath(os.path.realpath(self.root / path), os.path.realpath(self.root))
        real = normalise(target.replace(os.sep, "/"))
        return real if real is not None and self._is_plain(real) else None

    def _is_plain(self, path: str) -> bool:
        if path in self.folders or path not in self.files:
            return path in self.folders
        return not self.links or not (self.root / path).is_symlink()

    def size(self, path: str) -> int | None:
        """Size in bytes of a regular file, or None for a symbolic link or whatever else it is.

        Raises:
            FileAccessError: it cannot be looked at, or is gone.
        """
        if path in self.planned:
            return _size(self.planned, path)
        try:
            status = os.lstat(f"{self.root}/{path}")  # pathlib is most of the time over 2,000 files
        except OSError as error:
            raise _unreadable(path, error) from None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, path: str, *, head: int | None = None, tail: int | None = None) -> bytes:
        """The bytes of a regular file.

        Args:
            path: relative to the root with `/`.
            head: only so many bytes from the start, whatever the file's size.
            tail: likewise from the end.

        Raises:
            FileAccessError: it is unreadable, or no regular file; symbolic links are not followed.
            LimitError: it is larger than the limits allow.
        """
        size = self.size(path)
        if size is None:
            raise FileAccessError(
                "this is not a regular file", hint="name the file that it points to", path=path
            )
        part = head if head is not None else tail
        if part is None and size > self.limits.size:
            raise too_large(path, size, self.limits)
        if path in self.planned:
            data = self.planned[path]
            return data[:part] if tail is None else data[-tail:]
        try:
            descriptor = os.open(
                f"{self.root}/{path}", _OPEN_FLAGS
            )  # a file object takes as long as the rest
            try:
                if tail is not None and size > tail:
                    os.lseek(descriptor, size - tail, os.SEEK_SET)
                return _read_at_most(descriptor, self.limits.size if part is None else part, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unreadable(path, error) from None

    def search(self, path: str, pattern: re.Pattern[bytes]) -> bool:
        """Whether a pattern is found in a file that is too large to be read; costs no memory.

        Raises:
            FileAccessError: it is unreadable.
        """
        if path in self.planned:
            return pattern.search(self.planned[path]) is not None
        import mmap  # few files are that large

        try:
            with (
                (self.root / path).open("rb") as stream,
                mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
            ):
                return pattern.search(content) is not None
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from None


def open_tree(start: Path, *, limits: Limits = Limits()) -> Tree:  # noqa: B008 - frozen
    """The tree that a file or folder belongs to: its git repository, else the folder itself.

    Raises:
        GitError: there is a repository, but git cannot work in it.
        FileAccessError: a folder cannot be listed.
    """
    repository = find_repository(start)
    if repository is not None:
        listed = repository.files()
        tree = make_tree(repository.root, listed, repository=repository, limits=limits)
        return replace(tree, listed=listed)
    root = start if start.is_dir() else start.parent
    return make_tree(root, walk_files(root), limits=limits)


def make_tree(
    root: Path,
    paths: Iterable[str],
    *,
    repository: Repository | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    planned: Mapping[str, bytes] | None = None,
    folders: Iterable[str] = (),
    links: bool = True,
) -> Tree:
    """A tree of given files; as in git, files below a symbolic link to a folder are left out.

    Args:
        root: where the files are.
        paths: relative to it with `/`.
        repository: whose root it is, if any.
        limits: what reading may cost.
        planned: contents that are not on disk yet.
        folders: those that are there even without a file.
        links: symbolic links are followed.
    """
    root = root.absolute()
    known_folders: set[str] = {"", *folders}
    linked: set[str] = set()
    passed = {""}  # folders that are no links, and below none
    kept: list[str] = []
    for path in paths:
        above = parent(path)
        if above in passed:  # as most files, after the first of their folder
            kept.append(path)
            continue
        parents = _parents(path)
        for folder in reversed(parents):
            if folder not in known_folders and folder not in linked:
                known = linked if os.path.islink(f"{root}/{folder}") else known_folders  # noqa: PTH114 - as above
                known.add(folder)
        if not linked or linked.isdisjoint(parents):
            passed.add(above)
            kept.append(path)
    kept.sort()
    return Tree(
        root, tuple(kept), repository, limits, frozenset(kept), frozenset(known_folders), planned or {}, links
    )


def with_planned(tree: Tree, planned: Mapping[str, bytes], removed: Iterable[str] = ()) -> Tree:
    """The tree as it would be with files written and others removed; its history is not looked at."""
    paths = {*tree.paths, *planned}.difference(removed)
    return make_tree(tree.root, paths, limits=tree.limits, planned=planned)


def walk_files(root: Path) -> tuple[str, ...]:
    """All files below a folder that no git looks after, without `SKIPPED_FOLDERS`; links not followed.

    Raises:
        FileAccessError: a folder cannot be listed.
    """
    return tuple(sorted(_walk(root, "")))


def _walk(root: Path, folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(root / here) as entries:
                for entry in entries:
                    path = f"{here}/{entry.name}" if here else entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        yield path
                    elif entry.name not in SKIPPED_FOLDERS:
                        waiting.append(path)
        except OSError as error:
            raise _unreadable(here or ".", error) from None


def normalise(path: str, folder: str = "") -> str | None:
    """A path as it is written in a file of `folder`, relative to the root.

    Returns:
        The path without `.` and `..`, `""` for the root, or None where it leads out of the root.
    """
    if path.startswith("/") or (os.sep == "\\" and re.match(r"[A-Za-z]:", path)):
        return None
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def inside(path: str) -> str:
    """A path below the root, as securejoin makes one: no `..` leads out of the root."""
    return posixpath.normpath("/" + path.lstrip("/"))[1:]


def parent(path: str) -> str:
    """The folder of a path; `""` is the root."""
    return path.rpartition("/")[0]


def too_large(path: str, size: int, limits: Limits) -> LimitError:
    """The error for a file over the limit; sizes in bytes."""
    return LimitError(
        f"the file has {size} bytes, the limit is {limits.size}",
        hint="split it; Flux refuses encrypted files above 5 MiB anyway",
        path=path,
    )


def _parents(path: str) -> list[str]:
    """All folders above a path, the innermost first, without the root."""
    found = []
    while path := parent(path):
        found.append(path)
    return found


def _read_at_most(descriptor: int, limit: int, size: int) -> bytes:
    """Up to `limit` bytes of a file that had `size` bytes: more than that is asked for only if it grew."""
    pieces = []
    ask = min(size + 1, 2**20)  # a larger buffer than the file costs more than to read it
    while limit > 0 and (piece := os.read(descriptor, min(limit, ask))):
        if len(piece) == size < ask:  # most files
            return piece
        pieces.append(piece)
        limit -= len(piece)
        if len(piece) < ask and sum(map(len, pieces)) == size:
            break
    return b"".join(pieces)


def _unreadable(path: str, error: Exception) -> FileAccessError:
    from fluxsecrets.files.reasons import reason_of  # only when something fails

    reason = reason_of(error).text if isinstance(error, OSError) else "unreadable"
    return FileAccessError(
        f"cannot be read: {reason}", hint="check that it exists and who may read it", path=path
    )
