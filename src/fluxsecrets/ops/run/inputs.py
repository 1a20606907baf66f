"""One content that a command reads: which file it is, and in which format.

Most are an encrypted file that no link leads to and that shows its format itself, so that neither git nor
the repository has to be asked; that is most of what reading one file would take.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import evident_format

from .session import Session


def named_file(session: Session, text: str) -> Path:
    """The real path of one file that the user named.

    Raises:
        FileAccessError: it does not exist, or lies behind a link that leaves the repository.
    """
    try:
        path = _real_path(session, text)
        must_exist(path)
    except FluxsecretsError as error:
        error.path = text
        raise
    return path


def format_of_content(session: Session, path: Path, data: bytes) -> str:
    """The format of a content that stands, or could stand, at a path.

    Raises:
        ConfigError: it is not plain to see, and generators read the file in different formats.
    """
    evident = evident_format(path.name, data)
    if evident is not None:
        return evident
    from .targets import format_of_name

    return format_of_name(session, str(path))


def has_no_link(path: Path) -> bool:
    """Whether an absolute path has no link on its way, so that what it names is where it seems to be."""
    try:
        return os.path.realpath(path) == str(path)
    except (OSError, ValueError):  # ValueError: a null character
        return False


def must_exist(path: Path) -> None:
    """Refuse a path without a file.

    Raises:
        FileAccessError: there is none.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileAccessError("there is no such file", hint=_advice(path)) from None
    except OSError:
        return  # reading it says what is wrong


def _advice(missing: Path) -> str:
    """What may have been meant by a path that leads nowhere: a near name, or the same one further up."""
    import difflib

    with suppress(OSError):
        near = difflib.get_close_matches(missing.name, sorted(os.listdir(missing.parent)), 1, 0.75)  # noqa: PTH208
        if near:
            return f"did you mean {file_word(near[0])}, in the same folder?"
    for folder in missing.parent.parents:
        if (folder / missing.name).is_file():
            return f"did you mean {file_word(os.path.relpath(folder / missing.name, missing.parent))}?"
        if os.path.lexists(folder / ".git"):
            break
    return "check the spelling of the path"


def _real_path(session: Session, text: str) -> Path:
    given = Path(os.path.normpath(session.cwd / text))
    if has_no_link(given):
        return given
    from .targets import real_path

    return real_path(session, text)
