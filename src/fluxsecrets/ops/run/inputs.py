"""One content that a command reads: which file it is, and in which format.

Most are an encrypted file that no link leads to and that shows its format itself, so that neither git nor
the repository has to be asked; that is most of what reading one file would take.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, LimitError
from fluxsecrets.files.reading import read_file
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import evident_format

from .session import Session

STDIN_SHOWN = "standard input"
_STDIN_NAME = "standard-input"


@dataclass(slots=True)
class Input:
    """One content.

    Attributes:
        path: absolute; stands for the content in creation rules, and need not exist.
        shown: as the user knows it.
        format: name of its format.
        data: the content.
    """

    path: Path
    shown: str
    format: str
    data: bytes = field(repr=False)

    def handed_over(self) -> list[bytes]:
        """The content in a list, for an operation that frees it once it was read; it is gone here."""
        data, self.data = [self.data], b""
        return data


def refuse_folder(session: Session, text: str) -> None:
    """Refuse a folder where one file is wanted.

    Raises:
        FileAccessError: it is one.
    """
    if (session.cwd / text).is_dir():
        raise FileAccessError("it is a folder, and this takes one file", path=text, hint="name a file in it")


def read_input(session: Session, text: str, filename: str | None, input_type: str | None) -> Input:
    """Read a named file, or standard input for `-`.

    Raises:
        LimitError: it is too large.
        FileAccessError: it cannot be read, or is a folder.
    """
    if text == "-":
        limit = session.limits.size
        data = sys.stdin.buffer.read(limit + 1) if sys.stdin is not None else b""
        if len(data) > limit:
            raise LimitError(
                f"is too large: the limit is {limit // 2**20} MiB", path=STDIN_SHOWN, hint="split it"
            )
        path = session.cwd / (filename or _STDIN_NAME)
        format_name = input_type or format_of_content(session, path, data)
        return Input(path, filename or STDIN_SHOWN, format_name, data)
    refuse_folder(session, text)
    found = named_file(session, text)
    try:
        data = read_file(found, limit=session.limits.size).data
        format_name = input_type or format_of_content(session, found, data)
    except FluxsecretsError as error:
        error.path = text
        raise
    path = session.cwd / filename if filename is not None else found
    return Input(path, text, format_name, data)


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


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
