"""The files of a commit, of the index or of the work tree, without checking anything out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, GitError
from fluxsecrets.marks import SETTINGS_NAME, is_public_key, is_rules_file, name_in
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import tree_files
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.settings import parse_settings
from fluxsecrets.repo.tree import Tree, make_tree, open_tree, too_large
from fluxsecrets.sops.config import named_recipients, parse_config
from fluxsecrets.sops.formats import Limits

from .revisions import Place, State

_NOWHERE = Path(os.devnull, "commit")
"""The root of files that are in git only: nothing is ever found on disk there."""

_Ask = Callable[[str, int, Sequence[str]], tuple[str, bytes | None]]


class _Blobs(Mapping[str, bytes]):
    """The contents of a state's files, read from git when they are asked for; the last one is kept."""

    def __init__(self, ask: _Ask, names: Mapping[str, str], limits: Limits) -> None:
        self._ask, self._names, self._limits = ask, names, limits
        self._last = ("", b"")

    def __getitem__(self, path: str) -> bytes:
        if path == self._last[0] and path:
            return self._last[1]
        kind, data = self._ask(self._names[path], self._limits.size, ("blob",))
        if kind != "blob":
            raise GitError("its content is missing from the repository", hint="run `git fsck`", path=path)
        if data is None:
            raise too_large(path, self._limits.size + 1, self._limits)
        self._last = (path, data)
        return data

    def __contains__(self, path: object) -> bool:
        return path in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Snapshot:
    """The files of a state.

    Attributes:
        blobs: ids by path; of the work tree, where files have none, "".
        tree: the files as other rooms read them.
    """

    def __init__(self, state: State, blobs: Mapping[str, str], tree: Tree) -> None:
        """Take a state's files; `opened` makes one."""
        self.state, self.blobs, self.tree = state, blobs, tree

    def names(self) -> dict[str, str]:
        """Recipient -> name, of `keys/NAME.pub` and of anchors; what can't be read names nobody."""
        found: dict[str, str] = {}
        for path in self.tree.paths:
            if not is_public_key(path) and not is_rules_file(path):
                continue
            with suppress(FluxsecretsError):
                data = self.tree.read(path)
                if is_public_key(path):
                    name = name_in(path).rpartition(".")[0]
                    lines = data.decode("utf-8", "replace").splitlines()
                    found |= {line.strip(): name for line in lines if line.strip() and line[0] != "#"}
                    continue
                found |= named_recipients(data, path=path)
                for rule in parse_config(data, path=path).rules:
                    found |= rule.names
        return found

    def listed(self) -> tuple[str, ...]:
        """The globs under `secrets` of `.fluxsecrets.yaml`; none if it can't be read."""
        with suppress(FluxsecretsError):
            if SETTINGS_NAME in self.tree.files:
                return parse_settings(self.tree.read(SETTINGS_NAME)).secrets
        return ()


@contextmanager
def opened(repository: Repository, state: State, limits: Limits) -> Iterator[Snapshot]:
    """The files of a state, for as long as they are needed.

    Raises:
        GitError: git can't list them, or a merge left conflicts in the index.
    """
    if state.place is Place.WORK_TREE:
        tree = open_tree(repository.root, limits=limits)
        yield Snapshot(state, dict.fromkeys(tree.paths, ""), tree)
        return
    blobs = _staged(repository) if state.place is Place.INDEX else _committed(repository, state)
    with repository.asked() as ask:
        planned = _Blobs(ask, blobs, limits)
        yield Snapshot(state, blobs, make_tree(_NOWHERE, blobs, limits=limits, planned=planned, links=False))


def _committed(repository: Repository, state: State) -> dict[str, str]:
    return dict(tree_files(repository, state.commit)) if state.commit else {}


def _staged(repository: Repository) -> dict[str, str]:
    found = {}
    for mode, blob, stage, path in _entries(repository):
        if stage != "0":
            raise GitError(
                "this file has conflicts from a merge", hint="resolve them and `git add` it first", path=path
            )
        if mode.startswith("100"):
            found[path] = blob
    return found


def _entries(repository: Repository) -> Iterator[tuple[str, str, str, str]]:
    """Mode, id, stage and path of all files in the index."""
    for record in repository.run("ls-files", "-z", "--stage", "--cached", "--").split(b"\0"):
        entry, _, path = record.decode("utf-8", "surrogateescape").partition("\t")
        if path:
            mode, blob, stage = entry.split(" ")
            yield mode, blob, stage, path


def changed_paths(repository: Repository, before: Snapshot, after: Snapshot) -> frozenset[str]:
    """The paths that one state has and the other has not, or not with the same content.

    Raises:
        GitError: git can't tell.
    """
    if after.state.place is not Place.WORK_TREE:
        either = before.blobs.keys() | after.blobs.keys()
        return frozenset(path for path in either if before.blobs.get(path) != after.blobs.get(path))
    head = _head(repository, before)
    touched = changed_since_head(repository)
    moved = {path for path in head.keys() | before.blobs.keys() if head.get(path) != before.blobs.get(path)}
    gone = before.blobs.keys() - after.blobs.keys()
    return frozenset((touched | moved | gone) - (_not_checked_out(repository) if gone else frozenset()))


def _head(repository: Repository, before: Snapshot) -> Mapping[str, str]:
    if not repository.has_head():
        return {}
    head = repository.run("rev-parse", "--verify", "HEAD^{commit}").decode("ascii").strip()
    return before.blobs if head == before.state.commit else dict(tree_files(repository, head))


def _not_checked_out(repository: Repository) -> frozenset[str]:
    """The files that a sparse checkout leaves out: they were not removed."""
    listing = repository.run("ls-files", "-z", "-t", "--cached", "--").decode("utf-8", "surrogateescape")
    return frozenset(record[2:] for record in listing.split("\0") if record.startswith("S "))


def read_version(snapshot: Snapshot, path: str) -> bytes | None:
    """The content of a file, or None if it is not a regular file there.

    Raises:
        FileAccessError, GitError, LimitError: it can't be read.
    """
    if path not in snapshot.tree.files:
        return None
    try:
        return None if snapshot.tree.size(path) is None else snapshot.tree.read(path)
    except FileAccessError:
        if snapshot.state.place is Place.WORK_TREE and not os.path.lexists(snapshot.tree.root / path):
            return None  # deleted meanwhile
        raise
