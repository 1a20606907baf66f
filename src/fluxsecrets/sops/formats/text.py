"""Bytes <-> text, for the formats that are text."""

from __future__ import annotations

from fluxsecrets.errors import FormatError, LimitError

from . import Limits

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
