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
    """

    name: str
    entries: Mapping[str, Entry] = field(repr=False)
    submodules: Mapping[str, str] = field(default_factory=dict, repr=False)


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


def commit_state(repository: Repository, commit: str) -> State:
    """Return the files of a commit, by its id.

    Raises:
        GitError: the commit can't be read.
    """
    records = split_records(repository.run("ls-tree", "-r", "-z", "--full-tree", commit))
    return State(commit, dict(_entries(records)), dict(_submodules(records)))


def index_state(repository: Repository) -> State:
    """Return what is staged.

    Raises:
        GitError: the index can't be read, or a merge left conflicts in it.
    """
    found: dict[str, Entry] = {}
    for path, entry, stage in _staged(split_records(repository.run("ls-files", "-z", "--stage"))):
        if stage != "0":
            raise GitError(
                "this file has conflicts from a merge", hint="resolve them and `git add` it first", path=path
            )
        found[path] = entry
    submodules = {path: entry.blob for path, entry in found.items() if entry.mode == _SUBMODULE}
    return State(INDEX, {path: entry for path, entry in found.items() if path not in submodules}, submodules)


def work_tree_state(repository: Repository) -> State:
    """Return the files of the work tree: tracked, or untracked and not ignored.

    Raises:
        GitError: HEAD or the index can't be read.
    """
    changed = changes_since_head(repository)
    head = commit_state(repository, "HEAD").entries if repository.has_head() else {}
    unknown = Entry("", "")
    return State(
        WORK_TREE,
        {path: head.get(path, unknown) if path not in changed else unknown for path in repository.files()},
    )


def no_state() -> State:
    """Return the state before the first commit."""
    return State(NOTHING, {})


def changes(before: State, after: State) -> tuple[FileChange, ...]:
    """Return the files that differ, by path. A file with the same content at a new path was moved."""
    old, new = before.entries, after.entries
    found = {
        path: FileChange(path, path if path in old else None, old.get(path), new.get(path))
        for path in {*old, *new}
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


def _entries(records: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    for record in records:
        entry, _, path = record.partition("\t")
        mode, _, rest = entry.partition(" ")
        if mode.startswith(_FILES):
            yield path, Entry(mode, rest.rpartition(" ")[2])


def _submodules(records: Iterable[str]) -> Iterator[tuple[str, str]]:
    for record in records:
        entry, _, path = record.partition("\t")
        if entry.startswith(_SUBMODULE):
            yield path, entry.rpartition(" ")[2]


def _staged(records: Iterable[str]) -> Iterator[tuple[str, Entry, str]]:
    for record in records:
        entry, _, path = record.partition("\t")
        mode, blob, stage = entry.split(" ")
        if mode.startswith(_FILES) or mode == _SUBMODULE:
            yield path, Entry(mode, blob), stage
