"""The files of hooks: their content, whose they are, and quoting for the shell."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fluxsecrets.files.reading import FileContent, read_file

from .block import BLOCK
from .order import CALLS

_LIMIT = 2**20
MADE_BY = "made by `fluxsecrets hook install`"
"""The mark of a hook in git's own folder."""


def is_made(path: Path) -> bool:
    """Whether a file is a hook that `hook install` made."""
    return MADE_BY.encode() in (read_hook(path) or b"")


def is_ours(content: bytes | None) -> bool:
    """Whether a hook runs fluxsecrets."""
    if content is None:
        return False
    text = content.decode("utf-8", "replace")
    return MADE_BY in text or BLOCK.search(text) is not None or CALLS.search(text) is not None


def read_hook(path: Path) -> bytes | None:
    """Return the content of a hook, or None if it does not exist."""
    found = content_of(path)
    return found.data if found is not None else None


def content_of(path: Path) -> FileContent | None:
    """Return a hook's content and identity; None if it does not exist, or is a link to nothing.

    Raises:
        FileAccessError: the file cannot be read.
    """
    if not os.path.lexists(path):
        return None
    if path.is_symlink() and not path.exists():
        return None
    return read_file(path, limit=_LIMIT, follow_links=True)


def make_executable(path: Path) -> None:
    """Make a hook executable: git ignores one that is not."""
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR and os.name != "nt":
        path.chmod(stat.S_IMODE(mode) | 0o111)


def quoted(path: object) -> str:
    """For a POSIX shell."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def unquoted(text: str) -> str:
    """The text of a word that `quoted` made."""
    return text[1:-1].replace("'\\''", "'")
