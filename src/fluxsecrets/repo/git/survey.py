"""What can be read of a history that is cut off, partial or damaged; the rest is counted, never passed over.

As long as nothing is missing, this costs nothing: git is asked as always. Only when it fails is the rest read
piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fluxsecrets.errors import GitError
from fluxsecrets.namedtuples import NamedTuple

from .history import Change, stream_changes, tree_files
from .process import BLOB_LIMIT, NotFetchedError
from .repository import Repository

_BATCH = 512
"""Commits whose changes are asked for at once, when git failed before."""

_FAILURES = 100
"""How often git may fail before the rest is given up: each time costs a process."""

_WHOLE_TREES = 20
"""Commits without a readable parent of which all files are taken for changed."""

DAMAGED = "damaged"


class Period(NamedTuple):
    """When commits were made that count: seconds since 1970, both included; None has no limit."""

    since: int | None = None
    until: int | None = None

    def has(self, time: int) -> bool:
        """Whether a time is in it."""
        return (self.since is None or time >= self.since) and (self.until is None or time <= self.until)


def readable_commits(
    repository: Repository,
    arguments: Sequence[str],
    period: Period = Period(),  # noqa: B008 - immutable
) -> tuple[list[str], int]:
    """The commits of a range, the oldest first, and how many of them can't be read.

    What is before a commit that can't be read is unknown, and not counted.

    Args:
        repository: with the commits.
        arguments: of `git rev-list`.
        period: only commits that were made in it. git's own limits end a walk at the first older commit, and
            miss those behind a wrong clock.

    Raises:
        GitError: a revision is unknown.
    """
    try:
        times = ("--timestamp",) if period != Period() else ()
        listing = repository.run("rev-list", "--reverse", "--topo-order", *times, *arguments, "--")
        words = listing.decode("ascii").split()
        if not times:
            return words, 0
        pairs = zip(words[1::2], words[::2], strict=True)
        return [name for name, time in pairs if period.has(int(time))], 0
    except GitError as error:
        tips, excluded = _revisions(repository, arguments)
        walk = _Walk(repository)
        if any(walk.read(name) is None for name in (*tips, *excluded)):
            raise error from None  # what was asked for by name is not there
        before = set(walk.from_tips(excluded))
        unseen = set(walk.unread)
        commits = [name for name in walk.from_tips(tips) if name not in before]
        if not walk.unread:
            raise
        return commits, len(walk.unread - unseen) or len(walk.unread)


def _revisions(repository: Repository, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The ids of the tips of a range, and of what is left out."""
    listing = repository.run("rev-parse", *arguments, "--")
    found = [line for line in listing.decode("utf-8", "replace").split("\n") if line and line != "--"]
    if "--all" in arguments and repository.has_head():
        found += repository.run("rev-parse", "HEAD").decode("ascii").split()
    tips = [line for line in found if not line.startswith("^")]
    return list(dict.fromkeys(tips)), [line[1:] for line in found if line.startswith("^")]


class _Walk:
    """A walk through commits, one by one: slow, and stopped by nothing."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._parents: dict[str, tuple[str, ...] | None] = {}
        self._commits: set[str] = set()
        self._left = _FAILURES
        self.unread: set[str] = set()

    def from_tips(self, tips: Iterable[str]) -> list[str]:
        """The commits that lead to tips, each behind its parents."""
        found: dict[str, None] = {}
        pending = [(tip, False) for tip in reversed([*tips])]
        while pending:
            name, done = pending.pop()
            if name in found:
                continue
            parents = self.read(name)
            if parents is None:
                self.unread.add(name)
            elif done:
                found[name] = None
            else:
                pending.append((name, True))
                pending += [(parent, False) for parent in parents if parent not in found]
        return [name for name in found if name in self._commits]

    def read(self, name: str) -> tuple[str, ...] | None:
        """The parents of a commit, or None if it can't be read."""
        if name not in self._parents:
            self._fill(name)
        return self._parents[name]

    def _fill(self, name: str) -> None:
        """Read a commit, and as many of those before it as one process reads."""
        wanted = [name]
        try:
            with self._repository.asked() as ask:
                while wanted:
                    each = wanted.pop()
                    if each in self._parents:
                        continue
                    self._parents[each] = None  # unless it is read
                    kind, data = ask(each, BLOB_LIMIT, ("commit", "tag")) if self._left else ("", None)
                    if kind in ("tree", "blob"):
                        self._parents[each] = ()
                    elif data is not None:
                        links = self._parents[each] = tuple(_linked(data, b"parent", b"object"))
                        wanted += links
                        if kind == "commit":
                            self._commits.add(each)
        except GitError:
            self._left -= 1


def _linked(data: bytes, *fields: bytes) -> Iterator[str]:
    """The ids in some header fields of a commit or tag."""
    for line in data.partition(b"\n\n")[0].split(b"\n"):
        field, _, name = line.partition(b" ")
        if field in fields:
            yield name.decode("ascii", "replace")


def readable_changes(repository: Repository, commits: Sequence[str], lost: list[str]) -> Iterator[Change]:
    """What commits changed, in their order.

    Args:
        repository: with the commits.
        commits: their ids.
        lost: gets the ids of those whose changes can't be read.
    """
    at = 0
    try:
        for change in stream_changes(repository, commits):
            while commits[at] != change.commit:
                at += 1
            yield change
    except GitError:  # at a later commit than the last one that it wrote something of
        rest = commits[at + 1 :] if at else commits
        yield from _piecewise(repository, rest, lost)


def _piecewise(repository: Repository, commits: Sequence[str], lost: list[str]) -> Iterator[Change]:
    """The changes of commits some of which can't be read: those with all that they need in batches."""
    present = local_objects(repository)
    trees = _trees(repository, commits)
    budget = [_FAILURES]
    whole = 0
    batch: list[str] = []
    for commit in commits:
        tree, parents = trees.get(commit, ("", ()))
        if tree in present and all(trees.get(each, ("", ()))[0] in present for each in parents):
            batch.append(commit)
            if len(batch) == _BATCH:
                yield from _changes_of(repository, batch, lost, budget)
                batch = []
            continue
        yield from _changes_of(repository, batch, lost, budget)
        batch = []
        files = None
        if tree in present and whole < _WHOLE_TREES:
            whole += 1
            files = _all_files(repository, commit)
        if files is None:
            lost.append(commit)
        yield from files or ()
    yield from _changes_of(repository, batch, lost, budget)


def _changes_of(
    repository: Repository, commits: Sequence[str], lost: list[str], budget: list[int]
) -> Iterator[Change]:
    """The changes of a batch; where git fails, those of its halves."""
    if not commits:
        return
    if budget[0] > 0:
        try:
            found = [*stream_changes(repository, commits)]
        except GitError:
            budget[0] -= 1
        else:
            yield from found
            return
    if len(commits) == 1 or budget[0] <= 0:
        files = _all_files(repository, commits[0]) if len(commits) == 1 else None
        lost += commits if files is None else ()
        yield from files or ()
        return
    half = len(commits) // 2
    yield from _changes_of(repository, commits[:half], lost, budget)
    yield from _changes_of(repository, commits[half:], lost, budget)


def _all_files(repository: Repository, commit: str) -> list[Change] | None:
    """All files of a commit whose parent can't be read, or None if its own can't be read either."""
    try:
        return [Change(commit, path, blob) for path, blob in tree_files(repository, commit)]
    except GitError:
        return None


def _trees(repository: Repository, commits: Sequence[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The tree and the parents of commits, and the trees of the parents."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    wanted = list(commits)
    for _ in range(2):
        for name, _, data in readable_objects(repository, wanted, kinds=("commit",)):
            if data is not None:
                tree = next(_linked(data, b"tree"), "")
                found[name] = (tree, tuple(_linked(data, b"parent")))
        wanted = [each for name in commits for each in found.get(name, ("", ()))[1] if each not in found]
    return found


def readable_objects(
    repository: Repository, names: Iterable[str], *, limit: int = BLOB_LIMIT, kinds: Sequence[str] = ("blob",)
) -> Iterator[tuple[str, str, bytes | None]]:
    """As `Repository.read_objects`; what git can't read is `missing` or `damaged`, and the rest goes on.

    Args:
        repository: with the objects.
        names: their ids.
        limit: bytes; the content of what is larger is not given.
        kinds: the types whose content is given.
    """
    rest = list(names)
    done = 0
    left = _FAILURES
    while done < len(rest):
        try:
            for answer in repository.read_objects(rest[done:], limit=limit, kinds=kinds):
                yield answer
                done += 1
        except NotFetchedError:
            # git ends at the first one. What a partial clone lacks is most of it: ask for what it has.
            present = local_objects(repository)
            there = [name for name in rest[done:] if name in present]
            answers = readable_objects(repository, there, limit=limit, kinds=kinds)
            yield from _in_order(rest[done:], present, answers)
            return
        except GitError:
            left -= 1
            yield rest[done], DAMAGED, None
            done += 1
        if not left:
            yield from ((name, DAMAGED, None) for name in rest[done:])
            return


def _in_order(
    names: Sequence[str], present: frozenset[str], answers: Iterator[tuple[str, str, bytes | None]]
) -> Iterator[tuple[str, str, bytes | None]]:
    for name in names:
        yield next(answers) if name in present else (name, "missing", None)


def local_objects(repository: Repository) -> frozenset[str]:
    """The ids of all objects that the repository has."""
    with repository.stream("cat-file", "--batch-all-objects", "--unordered", "--batch-check") as stream:
        return frozenset(line.split(b" ", 1)[0].decode("ascii") for line in stream)
