"""Base64 in any text, decoded where it encodes text, so that the patterns see that as well.

All that a file holds is decoded into one buffer, and places in it lead back to the file. Bytes that are
no text are left out: digests, certificates and ciphertext are most of what looks like base64.
"""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from typing import NamedTuple

MOST = 4 * 2**20
"""Bytes that are decoded of one file; the rest is not looked into."""

_QUAD = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
TRIGGER = rf"(?:{_QUAD}){{5}}|H4sI[A-Za-z0-9+/_-]{{20}}"
"""What encodes ASCII, or starts gzip: the top bit of each byte is 0, so half of the signs are out of place.

Digests and ciphertext have one such group of four in eight, and five in a row hardly ever. Text of 24 signs
has six, unless it is not ASCII; then its longest ASCII part has five if that has 17 bytes, and no token is
shorter.
"""

# A run, and the lines that continue it with the same indentation or none, as `base64` wraps.
_RUN = (
    rb"[A-Za-z0-9+/_-]{24,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{2,3}(?==))?={0,2}"
)
_SEPARATOR = b"\n\0\n"
_BREAKS = rb"\s+"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_TEXT = bytes(range(32, 127)) + b"\t\r\n\x1b"


class Decoded(NamedTuple):
    """What a file's base64 stands for.

    Attributes:
        data: all pieces, with something between that no pattern runs over.
        starts: where each piece starts in the data.
        spans: where each piece's base64 stands in the file's data.
    """

    data: bytes
    starts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]

    def __repr__(self) -> str:
        """Without the data, which may be secrets."""
        return f"Decoded({len(self.starts)} pieces)"

    def span(self, position: int) -> tuple[int, int]:
        """Where the base64 of a position in the data stands in the file."""
        return self.spans[bisect_right(self.starts, position) - 1]


def decode_again(decoded: Decoded) -> Decoded | None:
    """What is base64 in what base64 stood for; its places are those of the outer one."""
    inner = decode(decoded.data)
    if inner is None:
        return None
    return Decoded(inner.data, inner.starts, tuple(decoded.span(start) for start, _ in inner.spans))


def decode(data: bytes) -> Decoded | None:
    """Decode the base64 of a file; None if none of it encodes text."""
    pieces: list[bytes] = []
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    size = 0
    is_likely = re.compile(TRIGGER.encode()).search
    for match in re.finditer(_RUN, data):
        if is_likely(match[0]) is None:
            continue
        for start, end, text in _texts(match):
            starts.append(size)
            spans.append((start, end))
            pieces.append(text)
            size += len(text) + len(_SEPARATOR)
        if size > MOST:
            break
    return Decoded(_SEPARATOR.join(pieces), tuple(starts), tuple(spans)) if pieces else None


def _texts(match: re.Match[bytes]) -> list[tuple[int, int, bytes]]:
    run = match[0]
    if b"\n" not in run:
        text = text_behind(run)
        return [] if text is None else [(*match.span(), text)]
    text = text_behind(re.sub(_BREAKS, b"", run))
    if text is not None:
        return [(*match.span(), text)]
    # Lines that only look as if they belonged together: each by itself.
    found, at = [], match.start()
    for line in run.split(b"\n"):
        stripped = line.strip()
        text = text_behind(stripped) if len(stripped) >= 24 else None
        if text is not None:
            start = at + line.index(stripped)
            found.append((start, start + len(stripped), text))
        at += len(line) + 1
    return found


def text_behind(packed: bytes) -> bytes | None:
    """What base64 stands for, where that is text; else None."""
    bare = packed.rstrip(b"=")
    if len(bare) % 4 == 1:
        return None
    if b"-" in bare or b"_" in bare:
        bare = bare.translate(_URL_SAFE)
    try:
        text = b64decode(bare + b"=" * (-len(bare) % 4))
    except ValueError:
        return None
    if text.startswith((b"\x1f\x8b",)):
        return _unzipped(text)
    # Most runs do not encode text; this tells without decoding them.
    return text if not text.translate(None, _TEXT) or _is_utf8(text) else _narrow(text)


def _is_utf8(text: bytes) -> bool:
    if b"\0" in text:
        return False
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _narrow(text: bytes) -> bytes | None:
    """UTF-16 without a mark, as PowerShell writes it, as single bytes."""
    if len(text) >= 16 and len(text) % 2 == 0 and not text[1::2].strip(b"\0"):
        return text[::2]
    return None


def _unzipped(data: bytes) -> bytes | None:
    import zlib

    try:
        return zlib.decompressobj(31).decompress(data, MOST)
    except zlib.error:
        return None
