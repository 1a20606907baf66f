"""What commits brought in: a range, what is not pushed yet, or the whole history.

Every blob is read once, in the oldest of the commits that has it. What a later commit removes is found all
the same: it is pushed with the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import FluxsecretsError, GitError, UsageError
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Change, stream_changes
from fluxsecrets.repo.git.survey import Period, readable_changes, readable_commits
from fluxsecrets.scan.blob import Blob

from . import SourceFile, blob_chunks, pieces, unread

if TYPE_CHECKING:  # a push of a few commits does without
    from fluxsecrets.scan.changes import KnownChanges

UNPUSHED = ("HEAD", "--not", "--remotes")
HISTORY = ("--all",)
_HEX = frozenset("0123456789abcdef")


class Place:
    """A path at which commits have a content.

    Attributes:
        path: with `/`.
        first, last: indexes in `Plan.commits` of the first and the last commit that wrote it there.
        ended: index of the last commit that changed or removed it there, or -1.
        before: what commits replaced by it: the index of each, and the blob that a parent has there.
    """

    __slots__ = ("before", "ended", "first", "last", "path")

    def __init__(self, path: str, first: int) -> None:
        """Start with the commit that wrote it."""
        self.path = path
        self.first = self.last = first
        self.ended = -1
        self.before: tuple[tuple[int, str], ...] = ()


class Unit(NamedTuple):
    """A content, which is read once, and all of its places; the first one is the oldest.

    Attributes:
        blob: id of the content.
    """

    blob: str
    places: tuple[Place, ...]


class Plan(NamedTuple):
    """What is to be read.

    Attributes:
        commits: their ids, the oldest first; then what was pushed without a commit.
        removed: files that commits removed: the index of the commit, the path, and what its parents have.
        problems: what could not be read, and what to do about it.
    """

    commits: tuple[str, ...]
    units: tuple[Unit, ...]
    removed: tuple[tuple[int, str, tuple[str, ...]], ...] = ()
    problems: tuple[FluxsecretsError, ...] = ()

    def blobs(self, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """The contents of files that commits wrote first, each by commit and path."""
        return {
            (self.commits[place.first], place.path): unit.blob
            for unit in self.units
            for place in unit.places
            if (self.commits[place.first], place.path) in wanted
        }

    def versions(self, path: str) -> tuple[tuple[str, str], ...]:
        """The contents that commits wrote to a path: commit and blob, the oldest first."""
        found = [
            (place.first, unit.blob) for unit in self.units for place in unit.places if place.path == path
        ]
        return tuple((self.commits[at], blob) for at, blob in sorted(found))


def range_arguments(text: str) -> tuple[str, ...]:
    """What `--range` means to `git rev-list`.

    Raises:
        UsageError: it is not a range.
    """
    if not text or text.startswith("-") or any(sign.isspace() or not sign.isprintable() for sign in text):
        raise UsageError(f"{text!a} is not a range of commits", hint="try origin/main..HEAD")
    return (text,) if ".." in text else (f"{text}..HEAD",)


def branch_arguments(repository: Repository, names: Sequence[str]) -> tuple[str, ...]:
    """What `--branch` means to `git rev-list`: all commits of these branches.

    Args:
        repository: with the branches.
        names: local branches, or those of a remote such as `origin/main`; its remote may be left out, if only
            one has it.

    Raises:
        UsageError: a branch doesn't exist, or several remotes have it.
    """
    lines = repository.run("for-each-ref", "refs/heads/", "refs/remotes/").splitlines()
    refs = [os.fsdecode(line.partition(b"\t")[2]) for line in lines]
    return tuple(dict.fromkeys(_branch(name, refs) for name in names))


def _branch(name: str, refs: Sequence[str]) -> str:
    for full in (f"refs/heads/{name}", f"refs/remotes/{name}"):
        if full in refs:
            return full
    of_remotes = [ref for ref in refs if ref.startswith("refs/remotes/") and ref.split("/", 3)[3:] == [name]]
    if len(of_remotes) == 1:
        return of_remotes[0]
    if of_remotes:
        several = " or ".join(ref.removeprefix("refs/remotes/") for ref in of_remotes[:3])
        raise UsageError(f"several remotes have a branch {name!a}", hint=f"name one of them: {several}")
    raise UsageError(
        f"there is no branch {name!a}",
        hint="`git branch --all` lists them; `git fetch` brings those of a remote",
    )


def pushed_arguments(lines: str, remote: str) -> tuple[str, ...]:
    """What git tells a pre-push hook, as arguments of `git rev-list`: what the remote has not got.

    Args:
        lines: standard input of the hook: local ref, local id, remote ref, remote id.
        remote: the remote's name, or "" where it has none.

    Returns:
        None at all where nothing but deletions is pushed.

    Raises:
        UsageError: the lines are not what git writes.
    """
    wanted, known = [], []
    for line in lines.splitlines():
        words = line.split(" ")
        if len(words) != 4 or not _HEX.issuperset(words[1] + words[3]) or not words[1]:
            raise UsageError(
                "git's list of what is pushed could not be read", hint="update git, or report it"
            )
        if words[1].strip("0"):
            wanted.append(words[1])
            if words[3].strip("0"):
                known.append(words[3])
    if not wanted:
        return ()
    return (*wanted, "--not", *known, _remotes(remote))


def framework_arguments(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the pre-commit framework tells a pre-push hook, as arguments of `git rev-list`.

    It keeps git's list to itself, and names the first branch only: where it starts from, or, where all of
    that branch is new, no more than the branch.
    """
    known, wanted = (_revision(environ.get(f"PRE_COMMIT_{name}_REF", "")) for name in ("FROM", "TO"))
    wanted = wanted or _revision(environ.get("PRE_COMMIT_LOCAL_BRANCH", "")) or "HEAD"
    return (wanted, "--not", *([known] if known else ()), _remotes(environ.get("PRE_COMMIT_REMOTE_NAME", "")))


def _revision(text: str) -> str:
    return text if text and text.isprintable() and not text.startswith("-") else ""


def _remotes(name: str) -> str:
    """What a remote has, as known here; without a name, what all remotes have."""
    is_name = name and not name.startswith("-") and "/" not in name and ":" not in name
    return f"--remotes={name}" if is_name else "--remotes"


def plan(
    repository: Repository,
    arguments: Sequence[str],
    chosen: Callable[[str], bool],
    loose: Iterable[Change] = (),
    *,
    partial: bool = False,
    period: Period = Period(),  # noqa: B008 - immutable
    known: Callable[[Sequence[str]], KnownChanges | None] = lambda commits: None,
) -> Plan:
    """What is to be read: every file that the commits add or change, each content once.

    Args:
        repository: with the commits.
        arguments: of `git rev-list`; none for no commit.
        chosen: which paths count.
        loose: contents that belong to no commit.
        partial: take the commits that a shallow clone has for all there are.
        period: only commits that were made in it.
        known: returns what earlier runs know of some commits, or None; what is new is added to it.

    Raises:
        GitError: a revision is unknown.
    """
    commits: list[str] = []
    problems: list[FluxsecretsError] = []
    kept = None
    if arguments:
        commits, missing = readable_commits(repository, arguments, period)
        problems += _cut_off(repository, commits, missing, partial=partial)
        # At the border of a shallow clone, all files of a commit look new: that does not follow from its id.
        kept = None if missing or repository.cut_off_at() else known(commits)
    lost: list[str] = []
    found = _Places(chosen)
    if kept is None or not _add_known(repository, commits, kept, found):
        found = _Places(chosen)
        _add_all(repository, commits, lost, found)
    if lost:
        problems.append(unread.changes(repository.root, len(lost), len(commits)))
    for change in loose:
        commits.append(change.commit)
        found.add(change, len(commits) - 1)
    return Plan(tuple(commits), found.units(), tuple(found.removed), tuple(problems))


def _add_all(repository: Repository, commits: Sequence[str], lost: list[str], found: _Places) -> None:
    """Add what commits changed that git can read; `lost` gets the other commits."""
    at = 0
    for change in readable_changes(repository, commits, lost) if commits else ():
        while commits[at] != change.commit:
            at += 1
        found.add(change, at)


def _add_known(repository: Repository, commits: Sequence[str], known: KnownChanges, found: _Places) -> bool:
    """Add what commits changed, asking git for what is not known; whether it could tell."""
    fresh: dict[str, list[Change]] = {commit: [] for commit in commits if commit not in known}
    try:
        for change in stream_changes(repository, [*fresh]) if fresh else ():
            fresh[change.commit].append(change)
    except GitError:
        return False
    for at, path, blob, before in known.each(commits, fresh):
        found.add_changed(path, blob, before, at)
    for commit, changes in fresh.items():
        known.add(commit, changes)
    known.save(commits)
    return True


def _cut_off(
    repository: Repository, commits: Sequence[str], missing: int, *, partial: bool
) -> Iterator[FluxsecretsError]:
    """Why commits are not all that was asked for."""
    if missing:
        yield unread.commits(repository.root, missing, len(commits))
    cut = repository.cut_off_at().intersection(commits)
    if cut and not partial:
        yield unread.shallow(repository.root, len(cut), len(commits))


class _Places:
    """The places of each blob, while commits are read from the oldest to the last one."""

    def __init__(self, chosen: Callable[[str], bool]) -> None:
        self._chosen = chosen
        self._places: dict[str, list[Place]] = {}
        self.removed: list[tuple[int, str, tuple[str, ...]]] = []

    def add(self, change: Change, at: int) -> None:
        self.add_changed(change.path, change.blob, change.before, at)

    def add_changed(self, path: str, blob: str | None, before: tuple[str, ...], at: int) -> None:
        if not self._chosen(path):
            return
        for old in before:
            for place in self._places.get(old, ()):
                if place.path == path:
                    place.ended = at
        if blob is None:
            self.removed.append((at, path, before))
            return
        places = self._places.setdefault(blob, [])
        for known in places:
            if known.path == path:
                break
        else:
            known = Place(path, at)
            places.append(known)
        known.last = at
        if before:
            known.before += tuple([(at, old) for old in before])

    def units(self) -> tuple[Unit, ...]:
        return tuple(Unit(blob, tuple(places)) for blob, places in self._places.items())


def without_unknown(repository: Repository, arguments: Sequence[str]) -> tuple[str, ...]:
    """The arguments without what the remote has and we never fetched: git could not exclude it."""
    if "--not" not in arguments:
        return tuple(arguments)
    at = list(arguments).index("--not")
    excluded = [text for text in arguments[at + 1 :] if _is_id(text)]
    present = {name for name, kind, _ in repository.read_objects(excluded, limit=0) if kind != "missing"}
    rest = [text for text in arguments[at + 1 :] if not _is_id(text) or text in present]
    return (*arguments[: at + 1], *rest)


def _is_id(text: str) -> bool:
    return len(text) in (40, 64) and _HEX.issuperset(text)


def read_unit(repository: Repository, unit: Unit, content: tuple[str, bytes | None], path: str) -> SourceFile:
    """The content of a unit as the file at one of its paths.

    Args:
        repository: for a content that is too large to be held.
        unit: what was read.
        content: its type and bytes as `Repository.read_objects` gives them.
        path: one of its places.
    """
    kind, data = content
    if kind != "blob":
        error = GitError(
            f"this file's content is missing from the repository: {unit.blob[:12]}",
            hint="run `git fsck`; in a partial or shallow clone `git fetch --unshallow` or `--refetch`",
            path=path,
        )
        return SourceFile(path, error=error)
    if data is None:
        return SourceFile(path, pieces(path, blob_chunks(repository, unit.blob)))
    return SourceFile(path, (Blob(path, data),))
