"""Temporary names that tell what a killed run left: our own new content, or what came out of the tree.

When files change places, the temporary name passes from the new content to what was in the tree. That is
what the run read and replaces on purpose, or what another program saved at that moment. A run that is killed
before it looks leaves the two alike. So the name holds hashes of the new content and of what was read: what
is neither was saved by another program. They tell nothing that the file beside them does not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.namedtuples import NamedTuple

from .hashing import sha256
from .reading import FileContent, fingerprint, read_file

_MARK = r"-([0-9a-f]{16})-([0-9a-f]{16})\.tmp\Z"
_NAME = r"(?s)\.(.+)\.fluxsecrets-[0-9a-f]{8}-[0-9]+-[0-9a-f]{8}-[0-9a-f]{16}-[0-9a-f]{16}\.tmp"
_LONGEST = 160  # bytes of a name that holds a path; `temporary_path` cuts longer ones


class SavedMeanwhile(NamedTuple):
    """What another program saved, and a killed run held.

    Attributes:
        shown: the file's absolute path, or its name alone.
        data: the content; it may be plain text.
    """

    shown: str
    data: bytes


Keep = Callable[[Path, SavedMeanwhile], Path | None]
"""Takes the folder in which such a content is, writes it down, and says where; None if the tree has it."""


def shown_name(path: str) -> str:
    """A path as a file name, from which `came_out` gets it back; the last part alone if it is long."""
    name = path.replace("=", "=e").replace("/", "=s")
    return name if len(os.fsencode(name)) <= _LONGEST else name.rpartition("=s")[2]


def marked(temp: Path, expected: FileContent, new: bytes | None = None) -> Path:
    """A temporary name that tells later what is under it.

    Args:
        temp: the temporary name.
        expected: what was read, and is replaced or removed.
        new: the content that has the name first; none for what comes out of the tree at once.
    """
    before = _short(expected.fingerprint())
    ours = before if new is None else _short(fingerprint(new))
    return Path(f"{str(temp).removesuffix('.tmp')}-{ours}-{before}.tmp")


def _short(digest: bytes) -> str:
    return digest[:8].hex()


def _fingerprints(data: bytes) -> Iterator[bytes]:
    """The hashes that a name may hold of this content: version 0.2 took SHA-256."""
    yield fingerprint(data)
    yield sha256(data).digest()


def is_marked(name: str) -> bool:
    """Whether a name is one of `marked`."""
    return re.search(_MARK, name) is not None


def came_out(path: Path) -> SavedMeanwhile | None:
    """What another program saved, if that is under a marked name.

    Args:
        path: what a killed run left under a name of `marked`.

    Returns:
        None if it is our own new content, or what the run replaced on purpose.

    Raises:
        FileAccessError: that can't be told.
    """
    mark, name = re.search(_MARK, path.name), re.fullmatch(_NAME, path.name)
    try:
        size = path.lstat().st_size
    except OSError as error:
        raise FileAccessError("cannot be looked at", path=str(path)) from error
    content = read_file(path, limit=size)
    if mark is None or any(_short(each) in mark.groups() for each in _fingerprints(content.data)):
        return None
    shown = name[1] if name is not None else path.name
    return SavedMeanwhile(shown.replace("=s", "/").replace("=e", "="), content.data)
