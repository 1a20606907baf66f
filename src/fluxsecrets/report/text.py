"""Results as text: aligned columns, escaped names, errors that say what to do next."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from fluxsecrets.marks import without_private_keys
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.shell import with_file

TYPE_CHECKING = False
if TYPE_CHECKING:  # a command pays for the operations that it uses, not for those that could be shown
    from fluxsecrets.findings import Finding

# What would move a terminal's cursor, hide text or is invisible, or turn the direction of text around.
_UNPRINTABLE = (
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)

_GAP = "   "
_INDENT = "    "
_BELOW = "  "
_SHORT = 24
"""Columns of a cell that is aligned with those of other rows even where lines are wrapped."""

_WORTH_BEGINNING = 12
"""Columns of a sentence that are worth having on the line before the rest of it."""

_MOST_HINTS = 4
_WORD = r"(?:`[^`]*`|\S)+"


class Cell(NamedTuple):
    """A piece of text with a colour name, or "" for none."""

    text: str
    style: str = ""


Row = Sequence[Cell]


def printable(text: str) -> str:
    """Text with control characters escaped, safe for a terminal, and without private keys."""
    text = without_private_keys(text)
    if text.isprintable():  # nearly all are; the expression is compiled for the others
        return text
    return re.sub(_UNPRINTABLE, lambda match: match[0].encode("unicode_escape").decode(), text)


def printable_lines(text: str) -> str:
    """Text of several lines, safe for a terminal: of the control characters, line breaks and tabs stay."""
    kept = text.replace("\r\n", "\n")
    return re.sub(
        _UNPRINTABLE,
        lambda match: match[0] if match[0] in "\n\t" else match[0].encode("unicode_escape").decode(),
        kept,
    )


def well_formed(text: str) -> str:
    """A path as Unicode: bytes of its name that are not UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def known_by(finding: Finding) -> str:
    """The fingerprint of a finding; where several repositories are scanned, it tells these apart, too."""
    repository = finding.location.repository
    if repository is None:
        return finding.fingerprint
    from fluxsecrets.findings.fingerprint import fingerprint

    return fingerprint(finding.rule, repository, finding.fingerprint)


def laid_out(
    rows: Sequence[Row], width: int | None, show: Callable[[Cell], str], *, outline: bool = False
) -> list[str]:
    """Rows as lines with columns aligned, three blanks between them.

    Where that is wider than the terminal, a path stands on a line of its own and the rest below it, so
    that nothing of a path is ever cut off.

    Args:
        rows: cells, already printable.
        width: columns of the terminal, or None for other output.
        show: a cell's text, coloured or not; what it adds must have no width.
        outline: the first cells are indented as in a tree; where they are on lines of their own, so is the
            rest, which is wrapped.
    """
    widths = _widths(rows)
    if width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return [_line(row, widths, show) for row in rows]
    if outline:
        return [line for row in rows for line in _outlined(row, width, show)]
    rest = _widths([row[1:] for row in rows])
    return [
        line for row in rows for line in (show(row[0]), *_below(row[1:], rest, width, show)) if line.strip()
    ]


def _below(row: Row, widths: Sequence[int], width: int, show: Callable[[Cell], str]) -> Iterable[str]:
    """The cells of a row below its path. A long one, such as five recipients, is wrapped at its words."""
    all_short = all(column <= _SHORT for column in widths[1:])
    if all_short or len(_BELOW) + sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return (_BELOW + _line(row, widths, show),)
    cells = [
        Cell(cell.text + " " * (column - text_width(cell.text)) * (column <= _SHORT), cell.style)
        for cell, column in zip(row, widths, strict=False)
        if column
    ]
    return flowing(cells, width, show, first=_BELOW, rest=_BELOW * 3)


def aligned(rows: Sequence[Row], width: int | None, show: Callable[[Cell], str]) -> list[list[str]]:
    """Rows whose last cell is a sentence, each as lines: where one is too wide, all sentences are below.

    Args:
        rows: cells, already printable; all have the same number.
        width: columns of the terminal, or None for other output.
        show: a cell's text, coloured or not; what it adds must have no width.
    """
    widths = _widths(rows)
    if width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return [[_line(row, widths, show)] for row in rows]
    return [[_line(row[:-1], widths, show), *wrapped(row[-1].text, width)] for row in rows]


def hint_lines(hints: Iterable[str], path: str, width: int | None) -> list[str]:
    """The first few hints for a file, each once.

    Args:
        hints: as findings have them, with FILE in place of the path.
        path: of the file, as the user would name it.
        width: columns of the terminal, or None for other output.
    """
    shown = list(dict.fromkeys(printable(with_file(hint, path)) for hint in hints))[:_MOST_HINTS]
    if width is None:
        return [f"  {hint}" for hint in shown]
    return [line for hint in shown for line in wrapped(hint, width, "  ")]


def wrapped(text: str, width: int, indent: str = _INDENT) -> Iterator[str]:
    """The words of a printable text in indented lines that fit.

    A longer word has a line for itself. So has a longer command: in two lines it could not be pasted.
    """
    line = ""
    for word in re.findall(_WORD, text):
        if line and text_width(line) + 1 + text_width(word) > width - len(indent):
            yield indent + line
            line = ""
        line = f"{line} {word}" if line else word
    yield indent + line


def _widths(rows: Sequence[Row]) -> list[int]:
    columns = zip_longest(*rows, fillvalue=Cell(""))
    return [max(text_width(cell.text) for cell in column) for column in columns]


def _line(row: Row, widths: Sequence[int], show: Callable[[Cell], str]) -> str:
    cells = [(cell, width) for cell, width in zip(row, widths, strict=False) if width]
    while cells and not cells[-1][0].text:
        cells.pop()
    padded = [show(cell) + " " * (width - text_width(cell.text)) for cell, width in cells[:-1]]
    return _GAP.join([*padded, *(show(cell) for cell, _ in cells[-1:])])


def _outlined(row: Row, width: int, show: Callable[[Cell], str]) -> Iterator[str]:
    yield show(row[0])
    indent = " " * (len(row[0].text) - len(row[0].text.lstrip()) + 4)
    yield from flowing([cell for cell in row[1:] if cell.text], width, show, first=indent, rest=indent)


def flowing(
    cells: Sequence[Cell], width: int | None, show: Callable[[Cell], str], *, first: str = "", rest: str
) -> Iterator[str]:
    """Cells behind each other in lines that fit; a cell that is wider than a line is wrapped at its words.

    Args:
        cells: already printable; blanks at their ends align them with other rows.
        width: columns of the terminal, or None for other output, which gets one line.
        show: a cell's text, coloured or not; what it adds must have no width.
        first: what the first line begins with.
        rest: what the others begin with.
    """
    line, used, empty = first, len(first), True
    for cell in cells:
        text, gap = cell.text.rstrip(), "" if empty else _GAP
        if width is None or used + len(gap) + text_width(text) <= width:
            line, used, empty = f"{line}{gap}{show(cell)}", used + len(gap) + text_width(cell.text), False
            continue
        begun, left = _parted(text, width - used - len(gap), _WORTH_BEGINNING * (not empty))
        if empty and not begun:  # a word that is wider than the terminal
            begun, _, left = text.partition(" ")
        yield line + gap + show(Cell(begun, cell.style)) if begun else line.rstrip()
        *full, last = (part[len(rest) :] for part in wrapped(left, width, rest))
        for part in full:
            yield rest + show(Cell(part, cell.style))
        line, used, empty = rest + show(Cell(last, cell.style)), len(rest) + text_width(last), not last
    if not empty:
        yield line.rstrip()


def _parted(text: str, room: int, least: int) -> tuple[str, str]:
    """Return the words of a text that fit into some columns, and the other ones.

    None are taken if they are narrower than `least`: then the text is better read as a whole.
    """
    words = re.findall(_WORD, text)
    count = 0
    while count < len(words) and text_width(" ".join(words[: count + 1])) <= room:
        count += 1
    begun = " ".join(words[:count])
    return ("", text) if text_width(begun) < least else (begun, " ".join(words[count:]))


def text_width(text: str) -> int:
    """The columns that a text takes at a terminal: East Asian letters and most emoji take two."""
    if text.isascii():
        return len(text)
    return _width_of_letters(text)


# In a table of many files a cell such as the recipients is the same in each row.
@lru_cache(maxsize=256)
def _width_of_letters(text: str) -> int:
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> int:
    if letter == "…":  # of shortened keys, which are in most tables
        return 1
    import unicodedata  # most texts are ASCII

    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def counted(count: int, noun: str) -> str:
    """Such as `1 file` or `3 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def path_shower(root: Path) -> Callable[[str], str]:
    """Shows paths, which are relative to a root, as the user would name them from the working directory."""
    cwd, top = Path(os.path.realpath(Path.cwd())), Path(os.path.realpath(root))
    return lambda path: shown_path(path, top, cwd)


def shown_path(path: str, root: Path, cwd: Path) -> str:
    """A path, relative to a root, as the user would name it from the working directory."""
    if root == cwd or Path(path).is_absolute():
        return path
    return os.path.relpath(root / path, cwd).replace(os.sep, "/")
