"""States of a repository's files, and what differs between two: commits, the index, the work tree.

No `git diff` is asked, which would run filters that a configuration names; two listings are compared here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fluxsecrets.errors import GitError

from .git import Repository
from .git.history import TreeEntry, tree_entries
from .git.repository import split_records
from .git.worktree import changes_since_head

INDEX, WORK_TREE, NOTHING = "the index", "the work tree", "nothing"
"""The names of states that are not commits."""

_FILES = ("100", "120000")
"""What the modes of files and symbolic links begin with."""

_SUBMODULE = "160000"


class Entry(NamedTuple):
    """A file in a state.

    Attributes:
        mode: as git has it, such as `100644`, or `120000` for a symbolic link; "" if it is on disk only.
        blob: id of the content, or "" if it is on disk only.
    """

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class State:
    """The files of a state.

    Attributes:
        name: id of a commit, or `INDEX`, `WORK_TREE` or `NOTHING`.
        entries: by path.
        submodules: the commits of other repositories by path; their files are not among the entries.
        sparse: of the work tree, the paths that a sparse checkout leaves out. Nobody removed them.
    """

    name: str
    entries: Mapping[str, Entry] = field(repr=False)
    submodules: Mapping[str, str] = field(default_factory=dict, repr=False)
    sparse: frozenset[str] = field(default=frozenset(), repr=False)


class FileChange(NamedTuple):
    """A file that differs between two states.

    Attributes:
        path: in the later state, or in the earlier one if the file is gone.
        old_path: if it was moved, its path before; else the same path, or None if it is new.
        before, after: None if that state does not have it.
    """

    path: str
    old_path: str | None
    before: Entry | None
    after: Entry | None


def state_of(repository: Repository, name: str) -> State:
    """Return a state by its name: the id of a commit, `INDEX`, `WORK_TREE` or `NOTHING`.

    Raises:
        GitError: it can't be read.
    """
    if name == INDEX:
        return index_state(repository)
    if name == WORK_TREE:
        return work_tree_state(repository)
    return no_state() if name == NOTHING else commit_state(repository, name)


def commit_state(repository: Repository, commit: str) -> State:
    """Return the files of a commit, by its id.

    Raises:
        GitError: the commit can't be read.
    """
    return _state(commit, tree_entries(repository, commit))


def index_state(repository: Repository) -> State:
    """Return what is staged.

    Raises:
        GitError: the index can't be read, or a merge left conflicts in it.
    """
    return _state(INDEX, _staged(repository))


def work_tree_state(repository: Repository) -> State:
    """Return the files of the work tree: tracked, or untracked and not ignored.

    Raises:
        GitError: HEAD or the index can't be read.
    """
    changed = changes_since_head(repository)
    head = commit_state(repository, "HEAD").entries if repository.has_head() else {}
    unknown = Entry("", "")
    files = repository.files()
    return State(
        WORK_TREE,
        {path: head.get(path, unknown) if path not in changed else unknown for path in files},
        sparse=_sparse(repository) if head.keys() - {*files} else frozenset(),
    )


def no_state() -> State:
    """Return the state before the first commit."""
    return State(NOTHING, {})


def changes(before: State, after: State) -> tuple[FileChange, ...]:
    """Return the files that differ, by path. A file with the same content at a new path was moved."""
    old, new = before.entries, after.entries
    found = {
        path: FileChange(path, path if path in old else None, old.get(path), new.get(path))
        for path in {*old, *new} - after.sparse
        if path not in old or path not in new or _differ(old[path], new[path])
    }
    gone: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(found, reverse=True):
        left = found[path].before
        if found[path].after is None and left is not None and left.blob:
            gone[left.blob].append(path)
    for path, change in sorted(found.items()):
        if change.before is None and change.after is not None and gone.get(change.after.blob):
            source = gone[change.after.blob].pop()
            found[path] = change._replace(old_path=source, before=found.pop(source).before)
    return tuple(found[path] for path in sorted(found))


def changed_submodules(before: State, after: State) -> tuple[str, ...]:
    """Return the paths of submodules that are at another commit in the later state, or new."""
    old = before.submodules
    return tuple(sorted(path for path, commit in after.submodules.items() if old.get(path) != commit))


def _differ(one: Entry, other: Entry) -> bool:
    return not one.blob or not other.blob or one.blob != other.blob or one.mode[:3] != other.mode[:3]


def _state(name: str, found: Iterable[TreeEntry]) -> State:
    entries: dict[str, Entry] = {}
    submodules: dict[str, str] = {}
    for path, mode, id_ in found:
        if mode == _SUBMODULE:
            submodules[path] = id_
        elif mode.startswith(_FILES):
            entries[path] = Entry(mode, id_)
    return State(name, entries, submodules)


def _staged(repository: Repository) -> Iterator[TreeEntry]:
    for record in split_records(repository.run("ls-files", "-z", "--stage")):
        entry, _, path = record.partition("\t")
        mode, id_, stage = entry.split(" ")
        if stage != "0":
            raise GitError(
                "this file has conflicts from a merge", hint="resolve them and `git add` it first", path=path
            )
        yield TreeEntry(path, mode, id_)


def _sparse(repository: Repository) -> frozenset[str]:
    listing = split_records(repository.run("ls-files", "-z", "-t", "--cached"))
    return frozenset(record[2:] for record in listing if record.startswith("S "))
