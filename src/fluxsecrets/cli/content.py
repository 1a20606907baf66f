"""One content in and out: a file or standard input, standard output or a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.cli.output import Output
from fluxsecrets.errors import FileAccessError, FluxsecretsError, LimitError, UsageError
from fluxsecrets.files import read_file, write_atomic
from fluxsecrets.ops.run.inputs import format_of_content, named_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.shell import command_for

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


def only_path(paths: Sequence[str], hint: str) -> str:
    """The one path that was named.

    Args:
        paths: as given.
        hint: what to do with none, or several.

    Raises:
        UsageError: none, or several.
    """
    if len(paths) != 1:
        raise UsageError(
            "name exactly one file for this" if paths else "name a file, or - for standard input",
            hint=hint,
        )
    return paths[0]


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


def say_plain(out: Output, paths: Sequence[str], environment: str | None = None) -> None:
    """Say that plain text was put on disk.

    Args:
        out: where it is said.
        paths: files or folders that hold it.
        environment: the environment that holds it, or None.
    """
    command = command_for("encrypt", paths, environment)
    out.note(f"plain text is on disk now: run `{command}` before you commit")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def write_plain(session: Session, out: Output, data: bytes, output: Path | None) -> None:
    """Write plain text to a file for the user alone, and say so; or to standard output.

    Raises:
        FileAccessError: see `write_output`.
    """
    write_output(session, out, data, output, mode=0o600)
    if output is not None and str(output) != "-" and (session.cwd / output).is_file():
        say_plain(out, [str(output)])


def write_output(session: Session, out: Output, data: bytes, output: Path | None, *, mode: int) -> None:
    """Write a result to a file, or to standard output for None or `-`.

    Args:
        session: the run.
        out: where results go.
        data: the result.
        output: the file, replaced atomically where it exists; pipes and devices are written to.
        mode: permission bits of a new file.

    Raises:
        FileAccessError: it cannot be written.
    """
    if output is None or str(output) == "-":
        out.data(data)
        return
    path = session.cwd / output
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
        else:
            write_atomic(path.resolve(), data, mode=None if path.exists() else mode)
    except OSError as error:
        raise FileAccessError(
            f"cannot be written: {error.strerror or type(error).__name__}", path=str(output)
        ) from None
    except FluxsecretsError as error:
        error.path = str(output)
        raise
