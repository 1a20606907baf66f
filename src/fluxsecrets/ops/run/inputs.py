"""From a named path to a file: where it really is, its repository, its format, and its content.

Most commands read one encrypted file that is not behind a link and that shows its format itself. Then neither
git nor the repository is asked, which would take longer than all the rest.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, LimitError
from fluxsecrets.files.reading import read_file
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import evident_format

from .places import Places
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:  # most files do without the repository
    from fluxsecrets.repo.git import Repository
    from fluxsecrets.repo.plaincopies import PlainCopy

STDIN_SHOWN = "standard input"
_STDIN_NAME = "standard-input"


NAMED = "named on the command line"


class Target(NamedTuple):
    """One file that a command is about.

    Attributes:
        path: absolute, links resolved.
        format: name of its format.
        encrypted: whether it carries a `sops` block; False where it was not looked at.
        encrypted_at_head: whether it does at HEAD; None where that was not looked at.
        plain_copy: where git has its plain text; None too where that was not looked at.
        repository: its git repository, or None.
        repository_path: its path in that repository with `/`, or None.
        reason: why it counts as a secret, or that it was named.
        problem: why it can't be handled.
    """

    path: Path
    shown: str
    format: str
    encrypted: bool = False
    repository: Repository | None = None
    repository_path: str | None = None
    reason: str = NAMED
    problem: FluxsecretsError | None = None
    encrypted_at_head: bool | None = None
    plain_copy: PlainCopy | None = None

    @property
    def named(self) -> bool:
        """The user named this very file, so that it is not passed over, whatever it is."""
        return self.reason == NAMED


@dataclass(slots=True)
class Input:
    """One content.

    Attributes:
        target: the file that it is, or stands for in creation rules; that one need not exist.
    """

    target: Target
    data: bytes = field(repr=False)

    def take(self) -> bytes:
        """The content, which is gone here: a large one is freed as soon as it was parsed."""
        data, self.data = self.data, b""
        return data


def refuse_folder(session: Session, text: str) -> None:
    """Refuse a folder where one file is wanted.

    Raises:
        FileAccessError: it is one.
    """
    if (session.cwd / text).is_dir():
        raise FileAccessError(
            "it is a folder, but this command takes one file", path=text, hint="name a file in it"
        )


def read_input(session: Session, text: str, filename: str | None, input_type: str | None) -> Input:
    """Read a named file, or standard input for `-`.

    Raises:
        LimitError: it is too large.
        FileAccessError: it cannot be read, or is a folder.
    """
    if text == "-":
        data = read_stdin(session)
        path = session.cwd / (filename or _STDIN_NAME)
        format_name = input_type or format_of_content(session, path, data)
        return Input(Target(path, filename or STDIN_SHOWN, format_name), data)
    refuse_folder(session, text)
    found = named_file(session, text)
    try:
        data = read_file(found, limit=session.limits.size).data
        format_name = input_type or format_of_content(session, found, data)
    except FluxsecretsError as error:
        error.path = text
        raise
    path = session.cwd / filename if filename is not None else found
    return Input(Target(path, text, format_name), data)


def read_stdin(session: Session) -> bytes:
    """Read all of standard input.

    Raises:
        LimitError: it is too large.
    """
    limit = session.limits.size
    data = sys.stdin.buffer.read(limit + 1) if sys.stdin is not None else b""
    if len(data) > limit:
        raise LimitError(
            f"is too large: the limit is {limit // 2**20} MiB", path=STDIN_SHOWN, hint="split it"
        )
    return data


def named_file(session: Session, text: str) -> Path:
    """The real path of one file that the user named.

    Raises:
        FileAccessError: it does not exist, or lies behind a link that leaves the repository.
    """
    try:
        path = real_path(session, text)
        must_exist(path)
    except FluxsecretsError as error:
        error.path = text
        raise
    return path


def format_of_content(session: Session, path: Path, data: bytes) -> str:
    """The format of a content that stands, or could stand, at a path.

    Raises:
        ConfigError: the content does not show it, and generators read the file in different formats.
    """
    evident = evident_format(path.name, data)
    if evident is not None:
        return evident
    return format_of_name(session, str(path))


def format_of_name(session: Session, name: str) -> str:
    """The format of a file that need not exist: what a generator takes it for, else what its suffix says."""
    return Places(session, (name,)).format_of(session.cwd / name)


def must_exist(path: Path) -> None:
    """Refuse a path without a file.

    Raises:
        FileAccessError: it does not exist.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileAccessError("there is no such file", hint=_advice(path)) from None
    except OSError:
        return  # reading it says what is wrong


def _advice(missing: Path) -> str:
    """What the user may have meant by a path that does not exist: a near name, or the same one further up."""
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


def real_path(session: Session, text: str) -> Path:
    """The real file or folder behind a path as the user gave it.

    Raises:
        FileAccessError: it lies behind a link that leaves the repository.
    """
    return Places(session, (text,)).real(text)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
