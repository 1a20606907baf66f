"""Markdown for comments and summaries of forges: text from a repository is shown, and does nothing there.

A forge makes links, images, mentions (`@team`), references (`#12`), HTML, emoji and formulas of plain
characters, and each has its own rules. So nothing is escaped piece by piece: plain words and numbers are
written as they are, and everything else is a code span, in which GitHub, GitLab and Forgejo do none of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from .text import printable

LIMIT = 65_536
"""The characters of a comment on GitHub. A report is smaller in UTF-8, however its characters are counted."""

_LONGEST = 240
_LONGEST_SENTENCE = 800
# A table is split at bars before code spans are read. A bar that is escaped is none; the backslash of
# another text before it would undo that.
_BARS = re.compile(r"(\\+)?\|")
# Letters with hyphens and apostrophes between them, or a number: none of them means anything to a forge.
_PLAIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|[0-9]+(?:–[0-9]+)?|[–→]?")
_PIECES = re.compile(r"`(?P<command>[^`]+)`|(?P<blank>\s+)|(?P<word>[^`\s]+|`)")
_QUOTES = ("'", '"')
_OPENING, _CLOSING = "(\"'", ")\"',;:?"


def code(text: str, longest: int = _LONGEST) -> str:
    """Return a text as a code span in one line. A longer one is cut in its middle."""
    shown = _cut(printable(text).replace("`", "\\x60"), longest)
    return f"`{shown}`" if shown else ""


def prose(text: str) -> str:
    """Return a sentence: plain words as they are, everything else, such as paths and commands, as code spans.

    What is between backticks is one code span.
    """
    pieces: list[list[str]] = []  # the kind (a group of _PIECES, or "plain") and the text
    for match in _PIECES.finditer(_cut(text, _LONGEST_SENTENCE)):
        for kind, piece in [(match.lastgroup or "", match[0])] if match["word"] is None else _parts(match[0]):
            _append(pieces, kind, piece.strip("`") if kind == "command" else piece)
    return "".join(code(piece) if kind in ("command", "word") else piece for kind, piece in pieces).strip()


def inline_html(text: str) -> str:
    """Return a text as code for a line of HTML, such as that of `<summary>`, where Markdown is not read."""
    from html import escape  # start-up time: every command with findings imports this module

    return f"<code>{escape(_cut(printable(text), _LONGEST))}</code>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Return the lines of a table; its cells are Markdown without line breaks."""
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(map(_cell, row))} |"


def fitting(lines: Sequence[str], room: int) -> Sequence[str]:
    """Return the first lines, as many as fit into a number of bytes."""
    for count, line in enumerate(lines):
        room -= size([line])
        if room < 0:
            return lines[:count]
    return lines


def size(lines: Iterable[str]) -> int:
    """Return the bytes of lines with their line breaks."""
    return sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)


def _cell(text: str) -> str:
    return _BARS.sub(lambda match: f"{match[1]}\\x7c" if match[1] else "\\|", text)


def _parts(word: str) -> Iterator[tuple[str, str]]:
    """A word without the brackets and punctuation around it, and these."""
    core = word.lstrip(_OPENING)
    before = word[: len(word) - len(core)]
    while core and core[-1] in _CLOSING and (core[-1] != ")" or core.count("(") < core.count(")")):
        core = core[:-1]
    after = word[len(before) + len(core) :]
    # A number before a bracket would start a list.
    plain = _PLAIN.fullmatch(core) and not (core.isdigit() and not before and after.startswith(")"))
    if not plain and before[-1:] in _QUOTES and after[:1] == before[-1:]:
        before, after = before[:-1], after[1:]  # a code span needs no quotes
    yield "plain", before
    yield "plain" if plain else "word", core
    yield "plain", after


def _append(pieces: list[list[str]], kind: str, piece: str) -> None:
    """Add a piece. Words with a blank between them become one code span, and so do those without."""
    if not piece:
        return
    if kind == "blank":
        pieces.append([kind, " "])
    elif kind == "word" and [each[0] for each in pieces[-2:]] == ["word", "blank"]:
        pieces.pop()
        pieces[-1][1] += f" {piece}"
    elif pieces and kind in ("command", "word") and pieces[-1][0] in ("command", "word"):
        pieces[-1][1] += piece  # two spans side by side would be read as another one
    else:
        pieces.append([kind, piece])


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}…{text[-(longest - longest // 2 - 1) :]}"
