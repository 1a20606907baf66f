"""Change one file: `writer` does it for many."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.reading import FileContent
from fluxsecrets.files.writing import write_atomic

from .statefolder import waiting_places


def refuse_read_only(content: FileContent) -> None:
    """Refuse to replace a read-only file.

    The system needs write permission for its folder only. But somebody took the file's away on purpose, so
    that it holds here as in an editor.

    Raises:
        FileAccessError: the file is read-only.
    """
    if not content.mode & 0o222:
        raise FileAccessError(
            "the file is read-only, so it stays as it is",
            hint="make it writable first: `chmod u+w FILE`",
        )


def replace_file(content: FileContent, new: bytes) -> str | None:
    """Replace one file that was read, at once.

    Returns:
        What of its access could not be kept, in one sentence for the user, or None.

    Raises:
        FileAccessError: it is read-only, was changed meanwhile, or cannot be written; it is as it was.
    """
    refuse_read_only(content)
    return write_atomic(content.path, new, expected=content)


def refuse_interrupted(paths: Iterable[Path]) -> None:
    """Stop where an operation is under way, or was interrupted, in the work tree of one of some files.

    Args:
        paths: absolute; the files need not exist.

    Raises:
        UsageError: there is one; it says who runs it, or how to end it.
        FileAccessError: there is a journal that this user's fluxsecrets did not write.
    """
    refuse_interrupted_in({os.path.dirname(path) for path in paths})  # noqa: PTH120 - as in `make_ready`


def refuse_interrupted_in(folders: Iterable[str]) -> set[str]:
    """The same for all files in some folders; raises as `refuse_interrupted`.

    Args:
        folders: absolute, each once; they need not exist.

    Returns:
        The state folders of those in git, see `state_above`.
    """
    met: set[str] = set()
    for place in waiting_places(folders, met):
        from .journal import refuse_pending  # reads and authenticates it, which hardly any run needs

        refuse_pending(place)
    return met
