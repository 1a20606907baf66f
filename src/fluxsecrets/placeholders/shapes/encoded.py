"""Hexadecimal digits, and base64: keys of ciphers and tokens, whose length is a matter of form.

Base64 of a text is taken apart: what is in it has a shape of its own. Of bytes, the length stays up to 64
bytes, as ciphers want keys of a fixed length; a longer one has one of few lengths.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from fluxsecrets.placeholders.model import Maker, Shape

_HEX = re.compile(r"(?P<before>0x)?(?:[0-9a-f]{16,1024}|[0-9A-F]{16,1024})", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}", re.ASCII)
_URL_SAFE = re.compile(r"[A-Za-z0-9_-]{8,}={0,2}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z]{2,10}[_-]")
_SHORTEST = 16
_LONGEST_HEX = 128
_KEY_SIZE = 64
_SIZES = (256, 1024, 4096)


def _hex(text: str, maker: Maker) -> str | None:
    match = _HEX.fullmatch(text)
    if match is None or text.isdigit() or not any(sign.isdigit() for sign in text):
        return None
    before = match["before"] or ""
    size = min(len(text) - len(before), _LONGEST_HEX)
    found = maker.draw("hex", text).bytes(size).hex()[:size]
    return before + (found.upper() if text != text.lower() else found)


def _base64(text: str, maker: Maker) -> str | None:
    flat = "".join(text.split()) if "\n" in text else text
    data = _decoded(flat)
    if data is None:
        return None
    decoded = _readable(data)
    if decoded is not None:
        found = maker.part(decoded).encode()
    elif len(flat) >= _SHORTEST and _is_mixed(flat) and _TOKEN.match(flat) is None:
        found = maker.draw("base64", data).bytes(_size(len(data)))
    else:  # a word, or a token with a prefix such as `ghp_`, that happens to be base64
        return None
    encode = urlsafe_b64encode if "-" in flat or "_" in flat else b64encode
    written = encode(found).decode()
    if len(flat) % 4:
        return written.rstrip("=")
    return written


def _decoded(text: str) -> bytes | None:
    """Return the bytes behind base64, with or without padding; None for anything else."""
    if len(text.rstrip("=")) % 4 == 1 or ("=" in text and len(text) % 4):
        return None
    padded = text + "=" * (-len(text) % 4)
    try:
        if _BASE64.fullmatch(text):
            return b64decode(padded, validate=True)
        return urlsafe_b64decode(padded) if _URL_SAFE.fullmatch(text) else None
    except (Error, ValueError):
        return None


def _readable(data: bytes) -> str | None:
    """Return text of at least a few signs; bytes of keys are one by accident only rarely."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    return text if len(text) >= 6 and all(sign >= " " or sign in "\r\n\t" for sign in text) else None


def _is_mixed(text: str) -> bool:
    """Whether digits and letters of both cases are in a text, as in what a machine made."""
    tests = (str.isdigit, str.islower, str.isupper)
    return all(any(map(test, text)) for test in tests)


def _size(size: int) -> int:
    return size if size <= _KEY_SIZE else next((each for each in _SIZES if size <= each), _SIZES[-1])


HEX = Shape("hex", _hex)
BASE64 = Shape("base64", _base64)
