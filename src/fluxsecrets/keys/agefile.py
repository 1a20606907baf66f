"""An age file in memory: its armour, its header, whose stanzas hold the file key, and its payload.

All kinds of recipient share it. Taken from age 1.3: armor/armor.go, internal/format/format.go,
internal/stream/stream.go, age.go.
"""

from __future__ import annotations

import binascii  # what `base64` calls, which imports more
import io
import os
from collections.abc import Callable, Sequence

from fluxsecrets.errors import IntegrityError
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.digests import hmac_sha256, is_equal
from fluxsecrets.sops.primitives import ChaCha20Poly1305, invalid_tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

MAX_ARMOUR = 64 * 1024
"""Characters; a data key wrapped for one recipient needs about 500, post-quantum ones about 2,500."""

_BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----"
_END = "-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_INTRO = b"age-encryption.org/v1\n"


def armour(data: bytes) -> str:
    """Write binary age data as text: 64 columns, and a newline at the end."""
    text = _base64(data).decode("ascii")
    lines = [text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def dearmour(text: str, *, limit: int = MAX_ARMOUR) -> bytes:
    """Read armoured age data, as strictly as age does.

    White space around the armour and CRLF are accepted, other deviations are not (age: armor/armor.go).

    Raises:
        IntegrityError: no armour, damaged, or longer than `limit` characters.
    """
    if len(text) > limit:
        raise damaged(f"it is longer than {limit // 1024} KiB, which no data key is")
    lines = text.strip().replace("\r\n", "\n").split("\n")
    if lines[0] != _BEGIN:
        raise damaged("it does not begin with age's armour")
    if lines[-1] != _END:
        raise damaged("its last line is missing")
    body = lines[1:-1]
    if any(len(line) != _COLUMNS for line in body[:-1]) or not all(
        0 < len(line) <= _COLUMNS for line in body
    ):
        raise damaged(f"its lines are not {_COLUMNS} columns wide")
    joined = "".join(body)
    try:
        data = binascii.a2b_base64(joined, strict_mode=True)
    except (binascii.Error, ValueError):
        data = b""
    # Comparing with the canonical form also catches set bits behind the end of the data.
    if not data or _base64(data) != joined.encode("utf-8", "replace"):
        raise damaged("it is not valid base64")
    return data


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def stanza_types(data: bytes) -> tuple[str, ...]:
    """Name the kinds of recipient that binary age data was encrypted for, such as `X25519` or `scrypt`.

    Reads only as much as is needed to refuse what must not reach a decryption routine; that routine
    still checks the header in full.

    Raises:
        IntegrityError: not age data of version 1, or its header is cut off.
    """
    header, end, rest = data.partition(b"\n--- ")
    lines = header.split(b"\n")
    if lines[0] + b"\n" != _INTRO:
        raise damaged("it is not age data of version 1")
    if not end or b"\n" not in rest:
        raise damaged("its header is cut off")
    return tuple(
        line[3:].partition(b" ")[0].decode("ascii", "replace") for line in lines if line.startswith(b"-> ")
    )


CHUNK_SIZE = 64 * 1024
"""Plain bytes in every chunk but the last."""

_TAG_SIZE = 16
_SEALED_SIZE = CHUNK_SIZE + _TAG_SIZE


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 to 32 bytes, which is one block of it; no salt is the same as an empty one."""
    extracted = hmac_sha256(salt, secret)
    return hmac_sha256(extracted, info + b"\x01")


def encrypt_payload(key: bytes, data: bytes) -> bytes:
    """Encrypt to chunks.

    Args:
        key: 32 bytes that serve for this payload only: nonces count from zero.
        data: any bytes; none give one empty chunk.
    """
    cipher = ChaCha20Poly1305(key)
    starts = range(0, len(data) or 1, CHUNK_SIZE)
    last = len(starts) - 1
    return b"".join(
        cipher.encrypt(_nonce(number, last=number == last), data[start : start + CHUNK_SIZE], None)
        for number, start in enumerate(starts)
    )


def decrypt_payload(key: bytes, sealed: bytes) -> bytes | None:
    """Decrypt chunks, all of them or none; None where anything was changed, added or cut off."""
    cipher = ChaCha20Poly1305(key)
    starts = range(0, len(sealed) or 1, _SEALED_SIZE)
    last = len(starts) - 1
    if last and len(sealed) - starts[last] <= _TAG_SIZE:
        return None  # an empty last chunk is for empty payloads only
    try:
        chunks = [
            cipher.decrypt(_nonce(number, last=number == last), sealed[start : start + _SEALED_SIZE], None)
            for number, start in enumerate(starts)
        ]
    except invalid_tag():
        return None
    return b"".join(chunks)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


FILE_KEY_SIZE = 16
"""Bytes."""

MAX_STANZA = 64 * 1024
"""Bytes of a stanza's first line, and of its body."""

MAX_STANZAS = 64
"""A data key is wrapped for one recipient; others may stand beside it as padding."""

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
"""Finds the file key, or None where no stanza is for it; IntegrityError for a malformed one of its kind."""


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
    if not is_equal(_header_mac(file_key, file.signed), file.mac):
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
    return _base64(data).decode("ascii").rstrip("=")


def decode_base64(text: bytes) -> bytes:
    """Decode base64 without padding, in its canonical form only.

    Raises:
        ValueError: anything else.
    """
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
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


_P = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        *(0, 1, _P - 1, _P, _P + 1),
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)
"""X25519 points of low order: the secret shared with such a public key is known to anyone."""


def is_weak_point(point: int) -> bool:
    """Whether a public key, read as a little-endian number, is of low order; its top bit does not count."""
    return point & (2**255 - 1) in _LOW_ORDER


def malformed(stanza: Stanza) -> IntegrityError:
    """The error for a stanza of a known type that is not as its type has to be."""
    return damaged(f"its {stanza.type} part is malformed")


def damaged(reason: str) -> IntegrityError:
    """The error for an age file that was changed or cut off."""
    return IntegrityError(
        f"the wrapped data key is damaged: {reason}",
        hint="restore the file from its last good version: the wrapped key cannot be repaired",
    )


def _header_mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac_sha256(hkdf(file_key, b"", b"header"), signed)
