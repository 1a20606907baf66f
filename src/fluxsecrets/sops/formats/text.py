"""Bytes <-> text, edits of text, and whole lines around a piece of it."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.sops.document import Entry

from . import Limits

_PIECE = 2**20
_BOM = b"\xef\xbb\xbf"


def decode_text(data: bytes, limits: Limits, name: str) -> tuple[str, bool]:
    """Decode UTF-8, and say whether a byte order mark stood in front.

    Args:
        data: the whole file.
        limits: its size is checked.
        name: of the format, for messages.

    Raises:
        LimitError: too large.
        FormatError: not UTF-8 text; the message shows no content.
    """
    if len(data) > limits.size:
        raise LimitError(
            f"the file has {len(data) / 2**20:.0f} MiB, more than the limit of {limits.size / 2**20:.0f} MiB"
        )
    bom = data.startswith(_BOM)
    try:
        return data[len(_BOM) if bom else 0 :].decode("utf-8"), bom
    except UnicodeDecodeError as error:
        position = error.start + (len(_BOM) if bom else 0)
    # Outside of the handler: the decoder's error holds the whole file.
    raise FormatError(
        f"not {name}: byte {position} is not valid UTF-8",
        line=data.count(b"\n", 0, position) + 1,
        hint="save the file as UTF-8, or give its real format with --input-type binary",
    )


def encode_text(text: str, *, bom: bool) -> bytes:
    """The reverse of `decode_text`."""
    return (_BOM if bom else b"") + text.encode("utf-8")


def apply_edits(source: str, edits: list[tuple[int, int, str]]) -> str:
    """Replace spans of a text.

    Args:
        source: the text.
        edits: (start, end, new text) in characters of `source`; they do not overlap.
    """
    pieces: list[str] = []
    position = 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        pieces.append(source[position:start])
        pieces.append(new)
        position = end
    pieces.append(source[position:])
    return "".join(pieces)


def encode_edited(source: str, edits: list[tuple[int, int, str]], *, bom: bool = False) -> bytes:
    """The bytes of a text with spans of it replaced, as `apply_edits` and `encode_text` make them.

    Piece by piece, so that no large value is there as text and as bytes, and again joined with the others.

    Args:
        source: the text.
        edits: as for `apply_edits`; used up.
        bom: put a byte order mark in front.
    """
    edits.sort(key=lambda edit: edit[:2])
    edits.reverse()
    result = BytesIO()
    write = result.write
    if bom:
        write(_BOM)
    position = 0
    while edits:
        start, end, new = edits.pop()
        if start > position:
            write(source[position:start].encode())
        for place in range(0, len(new), _PIECE):
            write(new[place : place + _PIECE].encode())
        position = end
    write(source[position:].encode())
    return result.getvalue()


def with_comments_above(
    source: str, start: int, end: int, signs: str, *, top: bool = False
) -> tuple[int, int]:
    """The span of whole lines that hold a piece of text, with the comment lines right above it.

    Comments that start the file are left out by default: they are more likely about the file than about
    its first entry.

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


def only_entry(entries: Iterable[Entry], key: str | int, what: str, hint: str) -> Entry | None:
    """The entry of a key, or None.

    Args:
        entries: of a map in which the text may repeat a key.
        key: its key.
        what: names the entry in messages, such as `key`.
        hint: what to do where there are several.

    Raises:
        FormatError: there are several.
    """
    found = [entry for entry in entries if entry.key == key]
    if len(found) > 1:
        raise FormatError(
            f"the {what} {key!a} is in the file twice, so the choice is not clear",
            line=found[1].line,
            hint=hint,
        )
    return found[0] if found else None


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
