"""What of commits could not be read: how much, and the command that brings it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fluxsecrets.errors import GitError

_SHOWN = 5
_HINT = (
    "in a partial clone run `git fetch --refetch --no-filter`, in a shallow one `git fetch --unshallow`; "
    "else `git fsck` says what is damaged: fetch it again, or clone anew"
)


def shallow(root: Path, cut: int, commits: int) -> GitError:
    """History is cut off at some of the commits that were asked for."""
    return GitError(
        f"this clone is shallow: history is cut off at {_counted(cut, 'commit')} of the {commits} in the "
        "asked range, and what was before was not scanned",
        hint="run `git fetch --unshallow` (in CI: `fetch-depth: 0`); to accept what is there: "
        "--partial-history",
        path=str(root),
    )


def commits(root: Path, unread: int, commits: int) -> GitError:
    """Commits can't be read, nor what was before them."""
    return GitError(
        f"{_counted(unread, 'commit')} can't be read, so neither {'it' if unread == 1 else 'they'} nor what "
        f"was before was scanned; {_counted(commits, 'commit')} could be read",
        hint=_HINT,
        path=str(root),
    )


def changes(root: Path, lost: int, commits: int) -> GitError:
    """What commits changed can't be read."""
    return GitError(
        f"what changed in {lost} of {_counted(commits, 'commit')} can't be read, so it was not scanned",
        hint=_HINT,
        path=str(root),
    )


def contents(root: Path, places: Sequence[tuple[str, str]], total: int) -> GitError:
    """Contents of files can't be read; `places` are path and commit of each."""
    shown = [f"{path!a} in {commit[:10]}" for path, commit in places[:_SHOWN]]
    more = [f"and {len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
    return GitError(
        f"{len(places)} of {_counted(total, 'version')} of files can't be read, so they were not scanned",
        hint=_HINT,
        path=str(root),
        details=(*shown, *more),
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
