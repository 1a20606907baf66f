"""An age file in memory: its header, whose stanzas hold the file key, and the payload behind it.

X25519 goes through pyrage, which is faster; this is for the kinds of recipient that pyrage has not.
Taken from age 1.3: internal/format/format.go, age.go, primitives.go.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

from fluxsecrets.errors import IntegrityError

from .agestream import decrypt_payload, encrypt_payload, hkdf

FILE_KEY_SIZE = 16
"""Bytes."""

MAX_STANZA = 64 * 1024
"""Bytes of a stanza's first line, and of its body."""

MAX_STANZAS = 64
"""A data key is wrapped for one recipient; others may stand beside it as padding."""

_INTRO = b"age-encryption.org/v1\n"
_COLUMNS = 64
_NONCE_SIZE = 16


@dataclass(frozen=True, slots=True)
class Stanza:
    """A header's part for one recipient.

    Attributes:
        type: such as `X25519`.
        args: printable ASCII without blanks, none of them empty.
        body: usually the wrapped file key.
    """

    type: str
    args: tuple[str, ...] = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class AgeFile:
    """An age file taken apart; nothing in it was authenticated yet.

    Attributes:
        stanzas: one or more.
        signed: the bytes that the header's MAC covers.
        mac: the header's MAC.
        payload: the nonce and the encrypted chunks.
    """

    stanzas: tuple[Stanza, ...]
    signed: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    payload: bytes = field(repr=False)


Wrap = Callable[[bytes], Sequence[Stanza]]
"""Encrypts a file key for one recipient."""

Unwrap = Callable[[Sequence[Stanza]], bytes | None]
"""Finds the file key, or None where no stanza is meant; IntegrityError for its own kind, malformed."""


def seal(secret: bytes, wrap: Wrap) -> bytes:
    """Encrypt bytes to a binary age file, with a new file key."""
    file_key = os.urandom(FILE_KEY_SIZE)
    signed = _INTRO + b"".join(write_stanza(stanza) for stanza in wrap(file_key)) + b"---"
    mac = encode_base64(_header_mac(file_key, signed)).encode("ascii")
    nonce = os.urandom(_NONCE_SIZE)
    payload = encrypt_payload(hkdf(file_key, nonce, b"payload"), secret)
    return b"".join((signed, b" ", mac, b"\n", nonce, payload))


def unseal(file: AgeFile, file_key: bytes) -> bytes:
    """Decrypt with the file key, after the header's MAC was checked.

    Raises:
        IntegrityError: something was changed, or the file key is not this file's.
    """
    if len(file_key) != FILE_KEY_SIZE:
        raise damaged("the key in it has a wrong length")
    if not hmac.compare_digest(_header_mac(file_key, file.signed), file.mac):
        raise damaged("its header was changed")
    if len(file.payload) < _NONCE_SIZE:
        raise damaged("it is cut off")
    key = hkdf(file_key, file.payload[:_NONCE_SIZE], b"payload")
    secret = decrypt_payload(key, file.payload[_NONCE_SIZE:])
    if secret is None:
        raise damaged("its content was changed or cut off")
    return secret


def parse_age_file(data: bytes) -> AgeFile:
    """Take a binary age file apart, as strictly as age does.

    Raises:
        IntegrityError: not an age file of version 1, or malformed.
    """
    if not data.startswith(_INTRO):
        raise damaged("it is not age data of version 1")
    stream = io.BytesIO(data)
    stream.seek(len(_INTRO))
    stanzas: list[Stanza] = []
    try:
        while not data.startswith(b"---", stream.tell()):
            stanzas.append(read_stanza(stream))
            if len(stanzas) > MAX_STANZAS:
                raise ValueError("too many stanzas")  # noqa: TRY301
        signed = data[: stream.tell() + 3]
        closing = stream.readline(_COLUMNS * 2)
        if not closing.startswith(b"--- ") or not closing.endswith(b"\n"):
            raise ValueError("no closing line")  # noqa: TRY301
        mac = decode_base64(closing[4:-1])
    except ValueError:
        raise damaged("its header is malformed or cut off") from None
    if len(mac) != 32 or not stanzas:
        raise damaged("its header is malformed or cut off")
    return AgeFile(tuple(stanzas), signed, mac, data[stream.tell() :])


def write_stanza(stanza: Stanza) -> bytes:
    """Write a stanza: its line, then its body in lines of 64 columns, of which the last is shorter."""
    text = encode_base64(stanza.body)
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text) + 1, _COLUMNS)]
    return "\n".join([" ".join(("->", stanza.type, *stanza.args)), *lines, ""]).encode("ascii")


def read_stanza(stream: IO[bytes]) -> Stanza:
    """Read one stanza and no byte more.

    Raises:
        ValueError: malformed, too large, or the end of the stream; the message holds nothing of it.
    """
    line = stream.readline(MAX_STANZA)
    if not line.startswith(b"-> ") or not line.endswith(b"\n"):
        raise ValueError("no stanza")
    words = line[3:-1].split(b" ")
    if not all(word and all(33 <= byte <= 126 for byte in word) for word in words):
        raise ValueError("malformed stanza")
    body: list[bytes] = []
    while True:
        line = stream.readline(_COLUMNS + 2)
        if not line.endswith(b"\n") or len(line) > _COLUMNS + 1:
            raise ValueError("malformed body")
        body.append(decode_base64(line[:-1]))
        if len(line) <= _COLUMNS:
            break
        if len(body) > MAX_STANZA // 48:
            raise ValueError("body too large")
    kind, *args = (word.decode("ascii") for word in words)
    return Stanza(kind, tuple(args), b"".join(body))


def encode_base64(data: bytes) -> str:
    """Standard base64 without padding."""
    return base64.b64encode(data).decode("ascii").rstrip("=")


def decode_base64(text: bytes) -> bytes:
    """Decode base64 without padding, in its canonical form only.

    Raises:
        ValueError: anything else.
    """
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if encode_base64(data).encode("ascii") != text:
        raise ValueError("not canonical base64")
    return data


def decode_argument(stanza: Stanza, place: int, size: int | None = None) -> bytes:
    """Decode an argument of a stanza, of the given size in bytes.

    Raises:
        IntegrityError: it is missing, not base64, or has another size.
    """
    try:
        data = decode_base64(stanza.args[place].encode("ascii"))
    except (ValueError, IndexError):
        raise malformed(stanza) from None
    if size is not None and len(data) != size:
        raise malformed(stanza)
    return data


def malformed(stanza: Stanza) -> IntegrityError:
    """The error for a stanza of a known type that is not as its type has to be."""
    return damaged(f"its {stanza.type} part is malformed")


def damaged(reason: str) -> IntegrityError:
    """The error for an age file that was changed or cut off."""
    return IntegrityError(
        f"the wrapped data key is damaged: {reason}",
        hint="restore the file from its last good version: the wrapped key cannot be mended",
    )


def _header_mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, b"", b"header"), signed, "sha256")
