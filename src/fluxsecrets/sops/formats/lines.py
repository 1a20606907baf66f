"""Whole lines around a piece of text, for formats in which an entry is a line or several."""

from __future__ import annotations


def with_comments_above(
    source: str, start: int, end: int, signs: str, *, top: bool = False
) -> tuple[int, int]:
    """The span of whole lines that hold a piece of text, with the comment lines right above it.

    Comments that start the file are left out unless told: they are rather about the file than about its
    first entry.

    Args:
        source: the text.
        start: of the piece, in characters.
        end: of the piece.
        signs: each of them starts a comment.
        top: take comments that start the file as well.

    Returns:
        The span with its last line's break. At the end of a file without a final line break it is the
        break in front of the span that belongs to it instead.
    """
    first = line_start(source, start)
    above = first
    while above > 0:
        previous = line_start(source, above - 1)
        if source[previous:above].strip()[:1] not in tuple(signs):
            break
        above = previous
    start = above if above > 0 or top else first
    end = line_end(source, end)
    if end < len(source):
        return start, end + 1
    if not source.endswith("\n", 0, end) and start:
        return start - (2 if source.endswith("\r\n", 0, start) else 1), end
    return start, end


def line_start(source: str, offset: int) -> int:
    """Where the line that holds `offset` starts."""
    return source.rfind("\n", 0, offset) + 1


def line_end(source: str, offset: int) -> int:
    """Where the line that holds `offset` ends, in front of its line feed."""
    end = source.find("\n", offset)
    return len(source) if end < 0 else end


def newline_of(source: str) -> str:
    """The line break that a text uses."""
    return "\r\n" if "\r\n" in source else "\n"
