"""Merge three plain files as git does without a merge driver, and what git is told about merges."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from .process import BLOB_LIMIT, run


class MergedText(NamedTuple):
    """The result of a textual merge.

    Attributes:
        data: the text with conflict markers; None if git can't merge the files, such as binary ones.
        clean: there is no conflict.
    """

    data: bytes | None
    clean: bool


_MARKER_SIZE = 7

_MOST_CONFLICTS = 127
"""`git merge-file` exits with the number of conflicts, and with more than this for an error."""


def merge_file(
    folder: Path, ours: Path, base: Path, theirs: Path, labels: tuple[str, str, str], size: int
) -> MergedText:
    """Merge three files line by line. Nothing is written; `merge.conflictStyle` counts.

    Args:
        folder: the working directory, in the repository.
        ours: a file.
        base: the common ancestor's.
        theirs: the other side's.
        labels: of ours, base and theirs in conflict markers.
        size: the number of characters in a marker.

    Raises:
        GitError: git is missing.
        LimitError: the result is too large.
    """
    names = (argument for label in labels for argument in ("-L", label))
    options = ("--stdout", "--quiet", f"--marker-size={size}", *names)
    files = (str(path) for path in (ours, base, theirs))
    result = run(("merge-file", *options, "--", *files), folder, {}, limit=3 * BLOB_LIMIT)
    if not 0 <= result.code <= _MOST_CONFLICTS:
        return MergedText(None, clean=False)
    return MergedText(result.output, result.code == 0)


def shows_base(folder: Path) -> bool:
    """Return whether conflicts show the base's lines: `merge.conflictStyle` is diff3 or zdiff3."""
    result = run(("config", "--null", "--get", "merge.conflictStyle"), folder, {})
    return result.output.rstrip(b"\0") in (b"diff3", b"zdiff3")


def marker_size(folder: Path, path: str) -> int:
    """Return how many characters a conflict marker in a file has: the attribute `conflict-marker-size`."""
    names = os.fsencode(path) + b"\0"
    result = run(("check-attr", "--stdin", "-z", "conflict-marker-size"), folder, {}, stdin=names)
    found = result.output.split(b"\0")
    value = found[2] if len(found) > 2 else b""
    return int(value) if value.isdigit() and int(value) else _MARKER_SIZE
