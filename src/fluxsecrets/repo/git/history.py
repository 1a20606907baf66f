"""What every commit made of files: which commits there are, what each changed, and the contents.

Everything comes from git's plumbing (`rev-list`, `diff-tree`, `cat-file`), whose output no configuration
changes. What `git log` prints depends on dozens of settings, and one of them can make a commit vanish.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress

from fluxsecrets.errors import GitError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

from .process import BLOB_LIMIT, MEND_OBJECTS
from .repository import Repository, read_records, split_records

TYPE_CHECKING = False
if TYPE_CHECKING:  # most questions are about contents, not about days
    from datetime import date
    from typing import IO

    from .repository import ObjectReader

COMMITS_OF_HEAD = ("rev-list", "--topo-order", "--reverse", "--all", "HEAD^{commit}", "--")
"""Lists what all references and HEAD lead to, the oldest first; fails while HEAD has no commit."""

CHANGES = (
    "diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-abbrev", "--no-renames",
    "--ignore-submodules=all", "--",
)  # fmt: skip
"""Lists what commits changed, whose ids it reads."""

_SIDE_BY_SIDE = 4_000
"""Commits from which a second git is worth its start."""

_TURN = 1_000
"""Commits whose changes one git lists at a time. A pipe holds them, as a rule, so that it need not wait."""

_PIPE_SIZE = 2**20
_SETPIPE_SZ = 1031  # fcntl(2) of Linux; Python has a name for it on some builds only

_MOST_ARGUMENTS = 200
"""Paths that git gets as arguments. Windows allows 32 KB of them, so more are compared here."""


def _no_day() -> date:
    from datetime import date

    return date.min


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    Attributes:
        id: all its hex digits.
        time: seconds since 1970, when it was committed.
        day: on which it was authored, where the author was.
    """

    id: str
    time: int
    author: str
    day: date = field(default_factory=_no_day)


class Change(NamedTuple):
    """As `FileVersion`, with the commit's id only."""

    commit: str
    path: str
    blob: str | None
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a commit made of a file.

    Attributes:
        path: the file, with `/`.
        blob: id of its content; None where it was removed.
        before: ids of what it was in the parents, where it was a file there.
    """

    commit: Commit
    path: str
    blob: str | None
    before: tuple[str, ...] = ()


def require_uncut(repository: Repository, commits: Iterable[str]) -> None:
    """Refuse commits of a clone whose history is cut off among them.

    What happened before would look as if it never had.

    Raises:
        GitError: the parents of one of them are missing, since the clone is shallow.
    """
    cut = repository.cut_off_at()
    if cut and not cut.isdisjoint(commits):
        raise GitError(
            "this clone has only the last commits, so what happened before is unknown",
            hint="run `git fetch --unshallow`, or clone without --depth (in CI: `fetch-depth: 0`); "
            "to look at what is there all the same: --partial-history",
            path=str(repository.root),
        )


def file_versions(
    repository: Repository, paths: Sequence[str] = (), *, partial: bool = False
) -> tuple[FileVersion, ...]:
    """Every version of files in the history of all branches, tags and HEAD, the oldest first.

    Of a merge the files count that differ from all sides. Renames are a removal and a new file.

    Args:
        repository: whose history.
        paths: only these; empty means all.
        partial: take a shallow clone's history for all there is.

    Raises:
        GitError: the history cannot be read, or is cut off.
        LimitError: it is too long to be held.
    """
    return tuple(with_commits(repository, _list_changes(repository, paths, partial=partial)))


def list_changes(repository: Repository, *, partial: bool = False) -> tuple[Change, ...]:
    """As `file_versions` of all files, without reading the commits; `with_commits` adds those of some."""
    return _list_changes(repository, (), partial=partial)


def list_changes_of_head(repository: Repository, *, partial: bool = False) -> tuple[Change, ...]:
    """As `list_changes`, with nothing while HEAD has no commit; git is asked for both at once.

    Raises:
        GitError: HEAD is broken, or the history cannot be read, or is cut off.
    """
    try:
        commits = repository.run(*COMMITS_OF_HEAD)
    except GitError:
        return list_changes(repository, partial=partial) if repository.has_head() else ()
    return changes_in(repository, commits.decode("ascii").split(), (), partial=partial)


def _list_changes(repository: Repository, paths: Sequence[str], *, partial: bool) -> tuple[Change, ...]:
    commits = repository.run("rev-list", "--topo-order", "--reverse", "--all", "--")
    return changes_in(repository, commits.decode("ascii").split(), paths, partial=partial)


def changes_in(
    repository: Repository, commits: Sequence[str], paths: Sequence[str], *, partial: bool
) -> tuple[Change, ...]:
    """What commits that are a whole history changed, in their order.

    Args:
        repository: with the commits.
        commits: their ids.
        paths: only these; empty means all.
        partial: take a shallow clone's history for all there is.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    if not commits:
        return ()
    if not partial:
        require_uncut(repository, commits)
    return tuple(stream_changes(repository, commits, paths))


def stream_changes(
    repository: Repository, commits: Iterable[str], paths: Sequence[str] = ()
) -> Iterator[Change]:
    """What commits changed, in their order, as git says it: neither side holds all of it.

    Args:
        repository: with the commits.
        commits: their ids.
        paths: only these; empty means all.

    Raises:
        GitError: a commit or a tree can't be read, which is known when those before were given.
    """
    if not paths and isinstance(commits, Sequence) and len(commits) >= _SIDE_BY_SIDE:
        yield from _by_turns(repository, commits)
        return
    few = len(paths) <= _MOST_ARGUMENTS
    wanted = frozenset(paths)
    lines = (f"{commit}\n".encode() for commit in commits)
    with repository.stream(*CHANGES, *(paths if few else ()), feed=lines) as stream:
        for change in parse_changes(stream):
            if few or _is_below(change.path, wanted):
                yield change


def _by_turns(repository: Repository, commits: Sequence[str]) -> Iterator[Change]:
    """As `stream_changes`, by two gits: each lists the next commits while the other one's are taken."""
    turns = [commits[start : start + _TURN] for start in range(0, len(commits), _TURN)]
    with ExitStack() as stack:
        sides = [stack.enter_context(closing(_side(repository, turns[side::2]))) for side in (0, 1)]
        held = [next(side) for side in sides]
        for number, turn in enumerate(turns):
            side, own = number % 2, frozenset(turn)
            change = held[side] or next(sides[side], None)
            while change is not None and change.commit in own:
                yield change
                change = next(sides[side], None)
            held[side] = change


def _side(repository: Repository, turns: Sequence[Sequence[str]]) -> Generator[Change | None]:
    """The changes of some turns, after a None that comes when git has begun.

    Raises:
        GitError: a commit can't be read; all changes that are left out are of this one and later ones.
    """
    lines = (f"{commit}\n".encode() for turn in turns for commit in turn)
    with repository.stream(*CHANGES, feed=lines) as stream:
        _widen(stream)
        yield None
        yield from parse_changes(stream)


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold the changes of a turn; a user may have so much only."""
    if sys.platform != "linux":
        return
    import fcntl  # not on every system

    with suppress(OSError):
        fcntl.fcntl(pipe.fileno(), _SETPIPE_SZ, _PIPE_SIZE)


def _is_below(path: str, wanted: frozenset[str]) -> bool:
    """Whether a path, or a folder that it is in, is one of those."""
    parts = path.split("/")
    return any("/".join(parts[:count]) in wanted for count in range(len(parts), 0, -1))


def with_commits(repository: Repository, changes: Sequence[Change]) -> Iterator[FileVersion]:
    """Return the same changes with their commits.

    Raises:
        GitError: a commit can't be read.
    """
    known = _commits(repository, dict.fromkeys(change.commit for change in changes))
    for change in changes:
        yield FileVersion(known[change.commit], change.path, change.blob, change.before)


def merge_base(repository: Repository, one: str, other: str) -> str | None:
    """The commit at which two histories part, or None if this clone knows none that they have in common."""
    return next(iter(_merge_bases(repository, one, other)), None)


def state_before(repository: Repository, target: str, change: str) -> str | None:
    """The commit to compare a change with, by the ids of both: where it parts from its target.

    That is the target itself if the two have several merge bases. Compared with one of these, nothing is seen
    of a change that takes back what another one has.

    Returns:
        None if this clone knows no common commit.
    """
    found = _merge_bases(repository, target, change)
    return target if len(found) > 1 else next(iter(found), None)


def _merge_bases(repository: Repository, one: str, other: str) -> list[str]:
    try:
        return repository.run("merge-base", "--all", one, other).decode("ascii", "replace").split()
    except GitError:
        return []


class TreeEntry(NamedTuple):
    """What a tree has: a file, a symbolic link, or a submodule.

    Attributes:
        mode: `100644` or the like for a file, `120000` for a link, `160000` for a submodule.
        id: of the content, or of a submodule's commit.
    """

    path: str
    mode: str
    id: str


def tree_entries(repository: Repository, name: str) -> Iterator[TreeEntry]:
    """All that a tree or commit has, in its folders, too.

    Raises:
        GitError: it can't be read.
    """
    for record in split_records(repository.run("ls-tree", "-r", "-z", "--full-tree", f"{name}^{{}}")):
        entry, _, path = record.partition("\t")
        mode, _, id_ = entry.split(" ")
        yield TreeEntry(path, mode, id_)


def tree_files(repository: Repository, name: str) -> Iterator[tuple[str, str]]:
    """The regular files of a tree or commit: path and id of the content.

    Raises:
        GitError: it can't be read.
    """
    return ((each.path, each.id) for each in tree_entries(repository, name) if each.mode.startswith("100"))


def parse_changes(stream: IO[bytes]) -> Iterator[Change]:
    """Parse what `CHANGES` writes: a commit's id, then each file's modes and ids, and its name."""
    records = read_records(stream)
    commit = ""
    paths: dict[bytes, str] = {}  # the same few names over and over: each is held once
    for record in records:
        if not record.startswith(b":"):
            commit = record.decode("ascii") if record else commit
            continue
        name = next(records, b"")
        path = paths.get(name) or paths.setdefault(name, os.fsdecode(name))
        before: tuple[str, ...]
        if not record.startswith(b"::"):  # of one parent, as most
            mode_before, mode, blob_before, blob, _ = record.decode("ascii").split(" ")
            before = (blob_before,) if mode_before.startswith(":100") else ()
        else:
            fields = record.decode("ascii").lstrip(":").split(" ")
            sides = len(record) - len(record.lstrip(b":"))
            mode, blob = fields[sides], fields[2 * sides + 1]
            pairs = zip(fields[:sides], fields[sides + 1 :], strict=False)
            before = tuple(each for mode_before, each in pairs if _is_file(mode_before))
        if _is_file(mode):
            yield Change(commit, path, blob, before)
        elif not blob.strip("0"):
            yield Change(commit, path, None, before)


def _is_file(mode: str) -> bool:
    return mode.startswith("100")


def read_commits(repository: Repository, ids: Iterable[str]) -> dict[str, Commit]:
    """Who wrote commits, and when; what can't be read, or is not a commit, is left out."""
    contents = repository.read_objects(dict.fromkeys(ids), kinds=("commit",))
    return {
        name: _commit(name, data) for name, kind, data in contents if kind == "commit" and data is not None
    }


def _commits(repository: Repository, ids: Iterable[str]) -> dict[str, Commit]:
    found = {}
    for name, kind, data in repository.read_objects(ids, kinds=("commit",)):
        if kind != "commit" or data is None:
            raise GitError(
                f"the commit {name[:12]} cannot be read", hint=MEND_OBJECTS, path=str(repository.root)
            )
        found[name] = _commit(name, data)
    return found


def _commit(name: str, data: bytes) -> Commit:
    """Parse a commit; a broken line in it costs a name or a time, never the commit."""
    lines = data.partition(b"\n\n")[0].split(b"\n")
    fields = dict(line.split(b" ", 1) for line in lines if b" " in line and not line.startswith(b" "))
    author, _, authored = fields.get(b"author", b"").rpartition(b"> ")
    committed = fields.get(b"committer", b"").rpartition(b"> ")[2]
    who = author.rpartition(b" <")[0]
    time, _ = _time(committed)
    return Commit(name, time, _text(who, fields.get(b"encoding", b"utf-8")), _day(*_time(authored)))


def _text(name: bytes, encoding: bytes) -> str:
    try:
        return name.decode(encoding.decode("ascii", "replace"), "replace")
    except (LookupError, ValueError):
        return name.decode("utf-8", "replace")


def _time(text: bytes) -> tuple[int, int]:
    """Seconds since 1970, and the minutes that a place is ahead of UTC."""
    seconds, _, zone = text.partition(b" ")
    ahead = int(zone[1:3] or 0) * 60 + int(zone[3:5] or 0) if zone[1:].isdigit() else 0
    return (int(seconds) if seconds.isdigit() else 0), (-ahead if zone.startswith(b"-") else ahead)


def _day(seconds: int, ahead: int) -> date:
    from datetime import UTC, datetime, timedelta, timezone

    try:
        return datetime.fromtimestamp(seconds, timezone(timedelta(minutes=ahead))).date()
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).date()


def read_blobs(
    repository: Repository,
    blobs: Iterable[str],
    *,
    limit: int = BLOB_LIMIT,
    read: ObjectReader | None = None,
) -> Iterator[tuple[str, bytes]]:
    """The contents of blobs, each once; what is larger than the limit is left out.

    Args:
        repository: with the blobs.
        blobs: their ids.
        limit: bytes.
        read: reads them; by default a git that is started for it.

    Raises:
        GitError: one is missing or damaged.
    """
    for name, kind, data in (read or repository.read_objects)(dict.fromkeys(blobs), limit=limit):
        if kind != "blob":
            raise GitError(
                f"a file's content is missing from the history: {name[:12]}",
                hint=MEND_OBJECTS,
                path=str(repository.root),
            )
        if data is not None:
            yield name, data
