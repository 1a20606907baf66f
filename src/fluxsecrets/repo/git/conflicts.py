"""Where the three versions of a file in conflict are: the index, an operation in progress, or past commits.

A merge, rebase, cherry-pick, revert or stash that stops leaves stages 1, 2 and 3 in the index (`git help
ls-files`, "--unmerged"). `git add` removes them, even from a file that still has markers. Then the commits of
the operation name the versions (MERGE_HEAD, CHERRY_PICK_HEAD, REVERT_HEAD and REBASE_HEAD in `git help
rev-parse`), and once the markers are committed, the parents of the merge that brought them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.errors import FluxsecretsError, GitError

from .history import merge_base
from .process import BLOB_LIMIT
from .repository import Repository, split_records

_MOST_PARENTS = 2
_SUBJECT = 72


class Operation(StrEnum):
    """What stopped at a conflict."""

    MERGE = "merge"
    REBASE = "rebase"
    CHERRY_PICK = "cherry-pick"
    REVERT = "revert"
    STASH = "stash"
    UNKNOWN = "unknown"
    COMMITTED = "committed"
    """Nothing is in progress: the markers were committed."""


_MERGES = (Operation.MERGE, Operation.COMMITTED)


@dataclass(frozen=True, slots=True)
class Origin:
    """A commit that a version comes from.

    Attributes:
        id: all its hex digits.
        subject: the first line of its message, shortened.
        names: branches and tags at it.
    """

    id: str
    subject: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The three versions of one file.

    Attributes:
        path: relative to the root with `/`.
        mode: git's, such as `100644`.
        base, ours, theirs: ids of blobs; None for a side that does not have the file.
        our_origin, their_origin: the commits of the sides; None if unknown. In a rebase, ours is the branch
            that commits are put on, and theirs is the commit that is put there.
    """

    operation: Operation
    path: str
    mode: str
    base: str | None
    ours: str | None
    theirs: str | None
    our_origin: Origin | None
    their_origin: Origin | None


def in_index(repository: Repository, path: str) -> Conflicted | None:
    """Return the versions of a file for which the index has several stages, or None.

    Args:
        repository: with the file.
        path: relative to the root with `/`.

    Raises:
        GitError: the index or an object can't be read.
    """
    stages = _stages(repository, path)
    return _of_index(repository, path, stages) if stages else None


def in_commits(repository: Repository, path: str, is_broken: Callable[[bytes], bool]) -> Conflicted | None:
    """Return the versions of a file that the index does not have any more.

    They are those of the operation in progress, or else of the merge commit that broke the file.

    Args:
        repository: with the file.
        path: relative to the root with `/`.
        is_broken: whether a content has conflict markers or a wrong MAC; asked for committed versions.

    Returns:
        None if neither an operation in progress nor the history of HEAD has a conflict.

    Raises:
        GitError: an object can't be read.
    """
    return _of_operation(repository, path) or _of_history(repository, path, is_broken)


@dataclass(frozen=True, slots=True)
class Bases:
    """The file at the common ancestors of two sides, as ids of blobs.

    Attributes:
        blobs: one per common ancestor that has the file.
        base: what the first two of them come from, or None.
    """

    blobs: tuple[str, ...]
    base: str | None


def merge_bases(repository: Repository, conflicted: Conflicted) -> Bases:
    """Return the common ancestors of the two sides of a merge.

    If there are several, git merges them first, and the base in the index may have conflict markers of its
    own.

    Raises:
        GitError: an object can't be read.
    """
    ours, theirs = conflicted.our_origin, conflicted.their_origin
    if ours is None or theirs is None or conflicted.operation not in _MERGES:
        return Bases((), None)
    commits = repository.run("merge-base", "--all", ours.id, theirs.id).decode("ascii").split()
    found = [(commit, _blob(repository, f"{commit}:{conflicted.path}")[1]) for commit in commits]
    having = [(commit, blob) for commit, blob in found if blob is not None]
    common = merge_base(repository, *(commit for commit, _ in having[:2])) if len(having) > 1 else None
    base = None if common is None else _blob(repository, f"{common}:{conflicted.path}")[1]
    return Bases(tuple(blob for _, blob in having), base)


def _stages(repository: Repository, path: str) -> dict[str, tuple[str, str]]:
    """Mode and blob by stage."""
    found = {}
    for record in split_records(repository.run("ls-files", "-z", "--unmerged", "--", path)):
        entry, _, name = record.partition("\t")
        mode, blob, stage = entry.split(" ")
        if name == path:
            found[stage] = (mode, blob)
    return found


def _of_index(repository: Repository, path: str, stages: dict[str, tuple[str, str]]) -> Conflicted:
    blobs = {stage: blob for stage, (_, blob) in stages.items()}
    modes = [mode for _, (mode, _) in sorted(stages.items(), reverse=True)]
    ours, theirs = blobs.get("2"), blobs.get("3")
    operation, candidates = Operation.UNKNOWN, [("refs/stash", Operation.STASH)]
    current = _current(repository)
    if current is not None:
        candidates = [(source.theirs, source.operation) for source in current]
    their_origin = None
    for name, kind in candidates:
        if theirs is None or _blob(repository, f"{name}:{path}")[1] == theirs:
            their_origin, operation = _origin(repository, name), kind
            if their_origin is not None:
                break
    if their_origin is None and current is not None:  # the file has another name there
        operation = current[0].operation
        their_origin = _origin(repository, current[0].theirs) if len(current) == 1 else None
    return Conflicted(
        operation if their_origin is not None else Operation.UNKNOWN,
        path,
        modes[0],
        blobs.get("1"),
        ours,
        theirs,
        _origin(repository, "HEAD"),
        their_origin,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """The names of the commits of an operation in progress."""

    operation: Operation
    base: str
    ours: str
    theirs: str


def _current(repository: Repository) -> list[_Source] | None:
    """The operation in progress; several sources for an octopus merge."""
    rebasing = any((repository.git_dir / name).is_dir() for name in ("rebase-merge", "rebase-apply"))
    if rebasing and _exists(repository, "REBASE_HEAD"):
        return [_Source(Operation.REBASE, "REBASE_HEAD^", "HEAD", "REBASE_HEAD")]
    heads = _merge_heads(repository)
    if heads:
        return [
            _Source(Operation.MERGE, base, "HEAD", head)
            for head in heads
            if (base := merge_base(repository, "HEAD", head)) is not None
        ] or None
    if _exists(repository, "CHERRY_PICK_HEAD"):
        return [_Source(Operation.CHERRY_PICK, "CHERRY_PICK_HEAD^", "HEAD", "CHERRY_PICK_HEAD")]
    if _exists(repository, "REVERT_HEAD"):
        return [_Source(Operation.REVERT, "REVERT_HEAD", "HEAD", "REVERT_HEAD^")]
    return None


def _merge_heads(repository: Repository) -> list[str]:
    """The commits that are being merged; git writes one per line."""
    try:
        text = (repository.git_dir / "MERGE_HEAD").read_text(encoding="ascii")
    except (OSError, ValueError):
        return []
    return [line for line in text.split() if line.isalnum()]


def _of_operation(repository: Repository, path: str) -> Conflicted | None:
    sources = _current(repository) or []
    for source in sources if len(sources) == 1 else ():
        return _from_commits(repository, path, source, source.operation)
    return None


def _of_history(repository: Repository, path: str, is_broken: Callable[[bytes], bool]) -> Conflicted | None:
    """The parents of the merge that brought what is broken in the file at HEAD."""
    if "\n" in path or not repository.has_head():  # no line protocol can name it
        return None
    commits = repository.run("rev-list", "--first-parent", "HEAD", "--", path).decode("ascii").split()
    brought = None
    with repository.asked() as ask:
        for commit in commits:
            _, data = ask(f"{commit}:{path}", BLOB_LIMIT, ("blob",))
            if data is None or not is_broken(data):
                break
            brought = commit
    if brought is None:
        return None
    parents = repository.run("rev-list", "--no-walk", "--parents", brought).decode("ascii").split()[1:]
    if len(parents) != _MOST_PARENTS:
        return None
    source = _Source(Operation.COMMITTED, merge_base(repository, *parents) or "", *parents)
    return _from_commits(repository, path, source, Operation.COMMITTED)


def _from_commits(
    repository: Repository, path: str, source: _Source, operation: Operation
) -> Conflicted | None:
    mode, ours = _blob(repository, f"{source.ours}:{path}")
    other_mode, theirs = _blob(repository, f"{source.theirs}:{path}")
    base = _blob(repository, f"{source.base}:{path}")[1] if source.base else None
    if ours is None and theirs is None:
        return None
    return Conflicted(
        operation,
        path,
        mode or other_mode or "100644",
        base,
        ours,
        theirs,
        _origin(repository, source.ours),
        _origin(repository, source.theirs),
    )


def _exists(repository: Repository, name: str) -> bool:
    return _id(repository, name) is not None


def _id(repository: Repository, name: str) -> str | None:
    with suppress(GitError):
        found = repository.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return found.decode("ascii", "replace").strip() or None
    return None


def _blob(repository: Repository, name: str) -> tuple[str | None, str | None]:
    """Mode and id of a file such as `HEAD:path`; None twice if it isn't a regular file there."""
    commit, _, path = name.partition(":")
    tree = _id(repository, commit)
    if tree is None:
        return None, None
    for record in split_records(repository.run("ls-tree", "-z", "--full-tree", tree, "--", path)):
        entry, _, found = record.partition("\t")
        mode, kind, blob = entry.split(" ")
        if found == path and kind == "blob" and mode.startswith("100"):
            return mode, blob
    return None, None


def _origin(repository: Repository, name: str) -> Origin | None:
    commit = _id(repository, name)
    if commit is None:
        return None
    subject = ""
    with suppress(FluxsecretsError):
        for _, kind, data in repository.read_objects((commit,), kinds=("commit",)):
            if kind == "commit" and data is not None:
                subject = data.partition(b"\n\n")[2].partition(b"\n")[0].decode("utf-8", "replace")
    if len(subject) > _SUBJECT:
        subject = subject[: _SUBJECT - 1] + "…"
    return Origin(commit, subject, _names(repository, commit))


def _names(repository: Repository, commit: str) -> tuple[str, ...]:
    """Branches at a commit, without the remote's HEAD."""
    listing = repository.run("for-each-ref", f"--points-at={commit}", "refs/heads", "refs/remotes")
    names = []
    for line in listing.decode("utf-8", "replace").splitlines():
        name = line.partition("\t")[2]
        short = name.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        if not short.endswith("/HEAD"):
            names.append(short)
    return tuple(names)
