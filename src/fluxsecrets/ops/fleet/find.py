"""The repositories of a list or a folder: work trees and bare ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.repo.git.discovery import is_bare

_DEEPEST = 4
_LONGEST_LIST = 4 * 2**20


def find_repositories(place: Path, cwd: Path) -> tuple[str, ...]:
    """Return the paths of repositories, as commands in `cwd` name them, sorted.

    Args:
        place: a file with one path per line, relative to `cwd`, or a folder with clones in it.
        cwd: absolute.

    Raises:
        UsageError: there is no repository.
        FileAccessError, LimitError: the list cannot be read.
    """
    where = cwd / place
    found = list(_below(where, 0)) if where.is_dir() else _listed(where)
    unique: dict[str, str] = {}
    for each in found:
        unique.setdefault(os.path.realpath(cwd / each), _shown(cwd / each, cwd))
    if not unique:
        raise UsageError(
            f"{str(place)!a} names no repository",
            hint="name a folder with clones, or a file with the path of one repository per line",
        )
    return tuple(sorted(unique.values()))


def _listed(place: Path) -> list[Path]:
    data = read_file(place, limit=_LONGEST_LIST, follow_links=True).data
    lines = (line.strip() for line in os.fsdecode(data).splitlines())
    return [Path(line).expanduser() for line in lines if line and not line.startswith("#")]


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """The repositories at and below a folder; those inside of others are part of these."""
    if os.path.lexists(folder / ".git") or is_bare(folder):
        yield folder
        return
    if depth == _DEEPEST:
        return
    try:
        inner = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        yield folder  # scanning it says why it cannot be read
        return
    for each in inner:
        yield from _below(each, depth + 1)


def _shown(place: Path, cwd: Path) -> str:
    relative = os.path.relpath(place, cwd)
    outside = relative == ".." or relative.startswith(f"..{os.sep}")
    return (os.path.normpath(place) if outside else relative).replace(os.sep, "/")
