"""What a stream can show: colours and columns, as the terminal and the user's environment say."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:  # messages need no layout
    from typing import TextIO

    from fluxsecrets.report.text import Cell

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34}
_BOLD, _RESET = "\x1b[1m", "\x1b[0m"
_DIRECT = ("utf-8", "utf8")
"""Encodings of streams that every line can be written to as it is."""


def width(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that a stream, by default standard output, is; None elsewhere."""
    if not (stream or sys.stdout).isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def colourful(stream: object) -> bool:
    """Whether a stream gets colours: at a terminal that has some, or where the user forces them.

    NO_COLOR wins over everything. FORCE_COLOR and CLICOLOR_FORCE then count for pipes, files and TERM=dumb,
    too, such as the log of a CI job; `0` is the same as unset.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and os.environ.get("TERM") != "dumb"


def style() -> Callable[[Cell], str]:
    """How cells are shown on standard output."""
    return _coloured if colourful(sys.stdout) else plain


def plain(cell: Cell) -> str:
    """Return a cell's text."""
    return cell.text


def marked(line: str, word: str, colour: str) -> str:
    """Return a message for standard error, the word that it starts with in colour."""
    if line.startswith(word) and colourful(sys.stderr):
        return styled(word, colour, bold=True) + line[len(word) :]
    return line


def styled(text: str, colour: str = "", *, bold: bool = False) -> str:
    """Return a text in a colour."""
    start = f"\x1b[{_COLOURS[colour]}m" if colour else ""
    return f"{start}{_BOLD if bold else ''}{text}{_RESET}"


def echo(line: str, *, err: bool = False) -> None:
    """Write a line as it is, and flush it: click would take colours out that the user forces.

    Consoles of Windows and streams that can't take every character are left to click, which takes a while to
    import.
    """
    stream: TextIO | None = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None)
    if stream is None or sys.platform == "win32" or (encoding or "").lower() not in _DIRECT:
        import click

        click.echo(line, err=err, color=True)
        return
    stream.write(f"{line}\n")
    stream.flush()


def _coloured(cell: Cell) -> str:
    if cell.style == "bold":
        return styled(cell.text, bold=True)
    return styled(cell.text, cell.style) if cell.style else cell.text
