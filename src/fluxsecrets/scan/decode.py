"""Base64, hexadecimal digits and percent signs in any text, decoded where they encode text.

Base64 may also hold gzip, zlib or a zip archive. All that a file holds is decoded into one buffer, and places
in it lead back to the file. Bytes that are no text are left out: digests, certificates and ciphertext are
most of what looks like base64.
"""

from __future__ import annotations

import re
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Iterator

from fluxsecrets.namedtuples import NamedTuple

from .match import Rank

MOST = 4 * 2**20
"""Bytes that are decoded of one file; the rest is not looked into."""

_QUAD = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PACKED = r"(?:H4sI|UEsDB|\beJ[w-z]|\beN[o-r])[A-Za-z0-9+/_-]{20}"
TRIGGER = rf"(?:{_QUAD}){{5}}|{_PACKED}"
"""What encodes ASCII, or starts gzip, zip or zlib.

The top bit of each byte of ASCII is 0, so half of the signs are out of place.

Digests and ciphertext have one such group of four in eight, and five in a row hardly ever. Text of 24 signs
has six, unless it is not ASCII; then its longest ASCII part has five if that has 17 bytes, and no token is
shorter.
"""

# A run, and the lines that continue it with the same indentation or none, as `base64` wraps.
_NEXT = rb"(?:\r?\n[ \t]*|(?:\\+r)?\\+n)"
_RUN = (
    rb"[A-Za-z0-9+/_-]{24,}(?:" + _NEXT + rb"[A-Za-z0-9+/_-]{4,})*"
    rb"(?:" + _NEXT + rb"[A-Za-z0-9+/_-]{2,3}(?==))?={0,2}"
)
_SEPARATOR = b"\n\0\n"
_BREAKS = rb"\s+|\\+[rn]"
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_BYTE = r"(?:\\x)?(?:0[9AaDd]|[2-7][0-9A-Fa-f])"
HEX_TRIGGER = rf"(?:{_BYTE}){{30}}"
"""Thirty characters of ASCII in hexadecimal digits: every third byte at random is another one."""

_HEX_RUN = rf"(?:{_BYTE}){{30,}}(?:\r?\n[ \t]*(?:{_BYTE})+)*".encode()
_SIGN = r"%(?:0[9AaDd]|[2-7][0-9A-Fa-f])[0-9A-Za-z._~+/=:-]*"
PERCENT_TRIGGER = rf"(?:{_SIGN}){{6}}"
# A run starts where it can: tried from each of its signs, a long one would take quadratic time.
_PERCENT_RUN = (
    rb"(?:[?&][\w.~-]*=|(?<![0-9A-Za-z._~+/=:-]))"
    rb"([0-9A-Za-z._~+/=:-]*(?:%[0-9A-Fa-f]{2}[0-9A-Za-z._~+/=:-]*){6,})"
)
_TEXT = bytes(range(32, 127)) + b"\t\r\n\x1b"


class Decoded(NamedTuple):
    """What is encoded in a file.

    Attributes:
        data: all pieces, with something between that no pattern runs over.
        starts: where each piece starts in the data.
        spans: where each piece stands encoded in the file's data.
        how: what it is encoded in.
    """

    data: bytes
    starts: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    how: str = "base64"

    def __repr__(self) -> str:
        """Without the data, which may be secrets."""
        return f"Decoded({len(self.starts)} pieces)"

    @property
    def rank(self) -> Rank:
        """How what is found in it counts: what is also readable without decoding is reported as that."""
        return Rank.TOKEN if self.how == "base64" else Rank.ENCODED

    @property
    def pieces(self) -> Iterator[tuple[bytes, tuple[int, int]]]:
        """Each piece, and where it stands encoded in the file's data."""
        ends = (*(start - len(_SEPARATOR) for start in self.starts[1:]), len(self.data))
        for start, end, span in zip(self.starts, ends, self.spans, strict=True):
            yield self.data[start:end], span

    def span(self, position: int) -> tuple[int, int]:
        """Where a position in the data stands encoded in the file."""
        return self.spans[bisect_right(self.starts, position) - 1]


def decode_again(decoded: Decoded) -> Decoded | None:
    """What is base64 in what base64 stood for; its places are those of the outer one."""
    inner = decode(decoded.data)
    if inner is None:
        return None
    return Decoded(inner.data, inner.starts, tuple(decoded.span(start) for start, _ in inner.spans))


def _joined(found: list[tuple[int, int, bytes]], how: str) -> Decoded | None:
    starts, size = [], 0
    for _, _, text in found:
        starts.append(size)
        size += len(text) + len(_SEPARATOR)
    data = _SEPARATOR.join(text for _, _, text in found)
    return (
        Decoded(data, tuple(starts), tuple((start, end) for start, end, _ in found), how) if found else None
    )


def decode_hex(data: bytes) -> Decoded | None:
    """Decode text in hexadecimal digits, also with a backslash before each byte."""
    found = []
    for match in re.finditer(_HEX_RUN, data[: 2 * MOST]):
        digits = re.sub(rb"\\x|\s", b"", match[0])
        found.append((*match.span(), bytes.fromhex(digits.decode("ascii"))))
    return _joined(found, "hexadecimal digits")


def decode_percent(data: bytes) -> Decoded | None:
    """Decode text with percent signs, as in URLs and forms."""
    found = []
    for match in re.finditer(_PERCENT_RUN, data[:MOST]):
        text = re.sub(rb"%([0-9A-Fa-f]{2})", lambda sign: bytes((int(sign[1], 16),)), match[1])
        found.append((*match.span(1), text))
    return _joined(found, "a URL's encoding")


def decode(data: bytes) -> Decoded | None:
    """Decode the base64 of a file; None if none of it encodes text."""
    found: list[tuple[int, int, bytes]] = []
    size = 0
    is_likely = re.compile(TRIGGER.encode()).search
    for match in re.finditer(_RUN, data):
        if is_likely(match[0]) is None:
            continue
        for piece in _texts(match):
            found.append(piece)
            size += len(piece[2])
        if size > MOST:
            break
    return _joined(found, "base64")


def _texts(match: re.Match[bytes]) -> list[tuple[int, int, bytes]]:
    run = match[0]
    if b"\n" not in run and b"\\" not in run:
        text = text_behind(run)
        return [] if text is None else [(*match.span(), text)]
    text = text_behind(re.sub(_BREAKS, b"", run))
    if text is not None:
        return [(*match.span(), text)]
    # Lines that only look as if they belonged together: each by itself.
    found, at = [], match.start()
    for line in re.finditer(rb"[A-Za-z0-9+/_-]{24,}={0,2}", re.sub(rb"\\+[rn]", _blanks, run)):
        text = text_behind(line[0])
        if text is not None:
            found.append((at + line.start(), at + line.end(), text))
    return found


def _blanks(match: re.Match[bytes]) -> bytes:
    return b" " * len(match[0])


def text_behind(packed: bytes) -> bytes | None:
    """What base64 stands for, where that is text or a zip archive; else None."""
    bare = packed.rstrip(b"=")
    if len(bare) % 4 == 1:
        return None
    if b"-" in bare or b"_" in bare:
        bare = bare.translate(_URL_SAFE)
    try:
        text = b64decode(bare + b"=" * (-len(bare) % 4))
    except ValueError:
        return None
    if text.startswith((b"\x1f\x8b", b"x\x9c", b"x\xda")):
        return _unzipped(text)
    if text.startswith(b"PK\x03\x04"):
        return text
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
        return zlib.decompressobj(47).decompress(data, MOST)
    except zlib.error:
        return None
