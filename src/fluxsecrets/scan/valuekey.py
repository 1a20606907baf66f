"""Which findings are about the same value, without keeping or showing the value.

A value is known by a digest under a key that is made once per run and never leaves it. The digest of a short
password can't be guessed from anything that is written, since nothing that is written contains the key or
the digest.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode

from fluxsecrets.findings.model import ValueId

_KEY_BYTES = 16
_DIGEST_BYTES = 16
_SHORT = 8
_WORD = rb"[a-z]+(?:[-_. ][a-z]+)*|[0-9.]+"
_NAMES = r"[^\W\d][\w-]*"
_PEM_START = "-----BEGIN "
_PACKED_PEM = "LS0tLS1CRUdJTi"
"""What the base64 of a PEM block starts with."""

_PEM = r"-----BEGIN (?P<label>[^-\r\n]{1,60})-----(?P<body>.*?)(?:-----END [^-\r\n]{1,60}-----|\Z)"
_NOT_BODY = r"\\+[nr]|[^A-Za-z0-9+/=]"
_BLANK = r"(?:\\+[nrt]|[\s#>\"'|])*"
_ESCAPE = r"\\(?:u([0-9A-Fa-f]{4})|(.))"
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class ValueKey:
    """The key of a run. A copy of it in another process gives the same digests."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes | None = None) -> None:
        """Make a key, or take that of the run."""
        self._key = os.urandom(_KEY_BYTES) if key is None else key

    def __repr__(self) -> str:
        """Without the key."""
        return "ValueKey()"

    def __reduce__(self) -> tuple[object, ...]:
        """Copied into the worker processes of the run only."""
        return (ValueKey, (self._key,))

    def of(self, value: str | bytes, name: str = "", *, quoted: bool = False) -> ValueId | None:
        """Return what a value is known by in this run, or None for an empty value.

        Args:
            value: as text, or as the bytes that base64 encodes.
            name: what it is called. A plain word such as `admin` is the same secret under the same name only.
            quoted: the text is what stands between double quotes, so that it may have escapes.
        """
        plain = canonical(value, quoted=quoted)
        if not plain:
            return None
        if len(plain) < _SHORT or re.fullmatch(_WORD, plain):
            plain += b"\0" + _last(name)
        from hashlib import blake2b

        return ValueId(blake2b(plain, digest_size=_DIGEST_BYTES, key=self._key).digest())


def canonical(value: str | bytes, *, quoted: bool = False) -> bytes:
    """Return a value in the form that is the same wherever it is written.

    Quotes' escapes are resolved, and outer white space is dropped. Of PEM blocks, also in base64, the private
    ones count, with their labels and base64 alone.
    """
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value
    else:
        text = value
    text = text.strip()
    if text.startswith(_PACKED_PEM):
        text = _unpacked(text)
    if _PEM_START in text and (blocks := _pem(text)):
        return blocks
    if quoted and "\\" in text:
        text = re.sub(_ESCAPE, _resolved, text).strip()
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of escapes
    return text.encode("utf-8", "surrogatepass")


def unpacked(text: str) -> str | bytes:
    """Return what the base64 of a Secret's `data` stands for; anything else stays as it is."""
    packed = "".join(text.split())
    try:
        return b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except ValueError:
        return text


def _last(name: str) -> bytes:
    """The last word of a name such as `env[0].value (DB_PASSWORD)`."""
    words = re.findall(_NAMES, name)
    return words[-1].lower().encode("utf-8", "surrogatepass") if words else b""


def _unpacked(text: str) -> str:
    plain = unpacked(text)
    return text if isinstance(plain, str) else plain.decode("latin-1").strip()


def _pem(text: str) -> bytes:
    """The private blocks of a text that has nothing beside blocks, or b""."""
    if not re.fullmatch(_BLANK, re.sub(_PEM, "", text, flags=re.DOTALL)):
        return b""
    blocks = [
        f"{found['label']}:{re.sub(_NOT_BODY, '', found['body'])}"
        for found in re.finditer(_PEM, text, flags=re.DOTALL)
        if "PRIVATE" in found["label"]
    ]
    return "\n".join(blocks).encode("utf-8", "surrogatepass")


def _resolved(match: re.Match[str]) -> str:
    code, sign = match[1], match[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(sign, sign)
