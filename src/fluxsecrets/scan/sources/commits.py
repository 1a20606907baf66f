"""What commits brought in: a range, what is not pushed yet, or the whole history.

Every blob is read once, in the oldest of the commits that has it. What a later commit removes is found all
the same: it is pushed with the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fluxsecrets.errors import GitError, UsageError
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import require_uncut
from fluxsecrets.scan.blob import Blob

from . import SourceFile, pieces

_REGULAR = "100"

UNPUSHED = ("HEAD", "--not", "--remotes")
HISTORY = ("--all",)
_HEX = frozenset("0123456789abcdef")


class Change(NamedTuple):
    """A file as a commit has it."""

    commit: str
    path: str
    blob: str


def range_arguments(text: str) -> tuple[str, ...]:
    """What `--range` means to `git rev-list`.

    Raises:
        UsageError: it is not a range.
    """
    if not text or text.startswith("-") or any(sign.isspace() or not sign.isprintable() for sign in text):
        raise UsageError(f"{text!a} is not a range of commits", hint="try origin/main..HEAD")
    return (text,) if ".." in text else (f"{text}..HEAD",)


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


def changes(repository: Repository, arguments: Sequence[str], *, partial: bool = False) -> tuple[Change, ...]:
    """What the commits add or change, the oldest commit first, each blob once for a path.

    Args:
        repository: with the commits.
        arguments: of `git rev-list`.
        partial: take the commits that a shallow clone has for all there are.

    Raises:
        GitError: a revision is unknown, or history is damaged or cut off.
    """
    if not arguments:
        return ()
    commits = repository.run("rev-list", "--reverse", "--topo-order", *arguments, "--").decode().split()
    if not commits:
        return ()
    if not partial:
        require_uncut(repository, commits)
    listing = repository.run(
        "diff-tree", "--stdin", "-z", "-r", "-c", "--root", "--no-renames", "--diff-filter=AMT",
        "--ignore-submodules=all", "--no-ext-diff", "--no-textconv",
        stdin="".join(f"{commit}\n" for commit in commits).encode(),
    )  # fmt: skip
    return tuple(_parse(listing))


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


def _parse(listing: bytes) -> Iterator[Change]:
    seen: set[tuple[str, str]] = set()
    commit = ""
    entry: list[str] | None = None
    for field in os.fsdecode(listing).split("\0"):
        if entry is not None:
            parents = len(entry[0]) - len(entry[0].lstrip(":"))
            mode, blob = entry[parents], entry[2 * parents + 1]
            if mode.startswith(_REGULAR) and (blob, field) not in seen:
                seen.add((blob, field))
                yield Change(commit, field, blob)
            entry = None
        elif field.startswith(":"):
            entry = field.split(" ")
        elif field:
            commit = field.strip()


def read_changes(repository: Repository, found: Sequence[Change], limit: int) -> Iterator[SourceFile]:
    """The content of changes.

    Raises:
        GitError: an object is damaged.
    """
    contents = repository.read_objects((change.blob for change in found), limit=limit)
    for change, (name, kind, data) in zip(found, contents, strict=True):
        if kind != "blob":
            error = GitError(
                f"this file's content in {change.commit[:10]} is missing from the repository: {name[:12]}",
                hint="run `git fsck`; in a partial or shallow clone `git fetch --unshallow` or `--refetch`",
                path=change.path,
            )
            yield SourceFile(change.path, commit=change.commit, error=error)
        elif data is None:
            yield SourceFile(
                change.path, pieces(change.path, _chunks(repository, change.blob)), change.commit
            )
        else:
            yield SourceFile(change.path, (Blob(change.path, data),), change.commit)


def _chunks(repository: Repository, blob: str) -> Iterator[bytes]:
    with repository.stream("cat-file", "blob", blob) as source:
        while chunk := source.read(2**20):
            yield chunk
