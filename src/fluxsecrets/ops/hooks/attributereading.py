"""The file with our attributes: where it is, and its text. Each commit imports this, but not what writes it.

In a work tree that is the `.gitattributes` at its top, which the team shares. A bare repository has
`info/attributes`.
"""

from __future__ import annotations

import os
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import is_bare_repository

NAME = ".gitattributes"
_LIMIT = 4 * 2**20


def attribute_file(repository: Repository) -> Path:
    """Return the path of the file with our attributes."""
    if is_bare_repository(repository):
        return repository.common_dir / "info" / "attributes"
    return repository.root / NAME


def attribute_content(path: Path) -> FileContent | None:
    """Return a file with attributes; None if it does not exist.

    Raises:
        FileAccessError: it is a link, or can't be read.
    """
    if not os.path.lexists(path):
        return None
    if path.is_symlink():
        raise FileAccessError(
            "this is a link, which git does not read attributes from",
            hint="replace it with a file, and try again",
            path=str(path),
        )
    return read_file(path, limit=_LIMIT)


def text_of(content: FileContent) -> str:
    """Return its text; bytes that are not UTF-8 become surrogate escapes."""
    return content.data.decode("utf-8", "surrogateescape")
