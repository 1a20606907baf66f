"""Bytes <-> text, for the formats that are text."""

from __future__ import annotations

from io import BytesIO

from fluxsecrets.errors import FormatError, LimitError

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
