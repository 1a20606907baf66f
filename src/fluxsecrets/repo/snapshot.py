"""The files of states as trees, without checking anything out: contents come from git when they are read.

Two states of a repository have nearly all contents in common. A content is read once for both, and only if
somebody asks for it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fluxsecrets.errors import GitError, LimitError
from fluxsecrets.files.private import private_directory
from fluxsecrets.marks import OFFBOARDING_FOLDER, SETTINGS_NAME, is_public_key
from fluxsecrets.sops.formats import Limits

from .checkout import LINK, put
from .git import Repository
from .git.process import MEND_OBJECTS
from .states import WORK_TREE, Entry, State
from .tree import Contents, Tree, make_tree, normalise

_KEPT = 64 * 2**20
"""Bytes of contents that are held to be read again."""


class Blobs:
    """Contents by id, read by one `git cat-file`."""

    def __init__(self, ask: Callable[[str, int], bytes | None], limit: int) -> None:
        """Take what reads them, and the size above which none is read."""
        self._ask, self._limit = ask, limit
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0

    def read(self, blob: str) -> bytes | None:
        """Return a content, or None if it is too large.

        Raises:
            GitError: it is missing or damaged.
        """
        if blob in self._known:
            self._known.move_to_end(blob)
            return self._known[blob]
        data = self._ask(blob, self._limit)
        if data is not None:
            self._known[blob] = data
            self._held += len(data)
            while self._held > _KEPT:
                self._held -= len(self._known.popitem(last=False)[1])
        return data


class BlobContents(Contents):
    """The contents of a state's regular files by path."""

    def __init__(self, blobs: Blobs, entries: Mapping[str, Entry], sizes: Mapping[str, int]) -> None:
        """Take what reads them; the sizes are by id."""
        self._blobs, self._entries, self._sizes = blobs, entries, sizes

    def __getitem__(self, path: str) -> bytes:
        """Read a file.

        Raises:
            LimitError: it is too large.
            GitError: it is missing or damaged.
        """
        data = self._blobs.read(self._entries[path].blob)
        if data is None:
            raise LimitError("too large to be read", path=path)
        return data

    def __iter__(self) -> Iterator[str]:
        """Go through the paths."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Count the files."""
        return len(self._entries)

    def __contains__(self, path: object) -> bool:
        """Look no content up."""
        return path in self._entries

    def size(self, path: str) -> int:
        """Return a file's size in bytes, without reading it."""
        blob = self._entries[path].blob
        if blob not in self._sizes:
            raise GitError("its content is missing from the repository", hint=MEND_OBJECTS, path=path)
        return self._sizes[blob]


@contextmanager
def snapshots(
    repository: Repository, states: tuple[State, ...], limits: Limits
) -> Iterator[tuple[Tree, ...]]:
    """Give the trees of states, for as long as they are needed.

    Args:
        repository: with the contents.
        states: the work tree among them is the one on disk.
        limits: what reading may cost.

    Raises:
        GitError: git fails.
    """
    with ExitStack() as stack:
        blobs = Blobs(stack.enter_context(repository.objects()), limits.size)
        sizes = _sizes(repository, states)
        yield tuple(
            make_tree(repository.root, state.entries, repository=repository, limits=limits)
            if state.name == WORK_TREE
            else _tree(state, blobs, sizes, limits, stack.enter_context(private_directory(in_memory=False)))
            for state in states
        )


def _tree(state: State, blobs: Blobs, sizes: Mapping[str, int], limits: Limits, folder: Path) -> Tree:
    root = Path(os.path.realpath(folder))
    regular: dict[str, Entry] = {}
    for path, entry in state.entries.items():
        if normalise(path) != path:  # git never makes a path that leads out of the folder
            continue
        if entry.mode != LINK:
            regular[path] = entry
        if (entry.mode == LINK or _is_read_on_disk(path)) and (data := blobs.read(entry.blob)) is not None:
            put(root, path, entry.mode, data)
    contents = BlobContents(blobs, regular, sizes)
    return make_tree(root, state.entries, limits=limits, planned=contents)


def _is_read_on_disk(path: str) -> bool:
    """Whether others look for a file in a folder; such files hold no secrets."""
    return path == SETTINGS_NAME or is_public_key(path) or path.startswith(f"{OFFBOARDING_FOLDER}/")


def _sizes(repository: Repository, states: Sequence[State]) -> dict[str, int]:
    """The sizes of contents by id; those that are missing are not in it."""
    wanted = {entry.blob for state in states if state.name != WORK_TREE for entry in state.entries.values()}
    asked = "".join(f"{blob}\n" for blob in sorted(wanted)).encode("ascii")
    answers = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    found = {}
    for line in answers.decode("ascii", "replace").splitlines():
        name, _, size = line.partition(" ")
        if size.isdecimal():
            found[name] = int(size)
    return found
