"""The outside of a PGP message: its armour, and for which keys it is encrypted.

Everything here is public data; nothing is decrypted. Whatever no data key was ever wrapped in is turned
away before gpg sees it: a message with a passphrase would make gpg ask for one, and one that is not
encrypted at all would be read without any key.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import IntegrityError

MAX_ARMOUR = 64 * 1024
"""Characters; a data key wrapped for an RSA key of 4096 bits needs about 1,000."""

HIDDEN = "0" * 16
"""The key id that stands where gpg was told to hide whom a message is for."""

_BEGIN = "-----BEGIN PGP MESSAGE-----"
_END = "-----END PGP MESSAGE-----"
_HINT = "restore the file from its last good version: the wrapped key cannot be repaired"

# Kinds of packet, RFC 4880 and 9580, section "Packet Types".
_FOR_KEY, _FOR_PASSPHRASE, _MARKER, _PADDING = 1, 3, 10, 21
_ENCRYPTED = (9, 18, 20)
_BEFORE = (_FOR_KEY, _FOR_PASSPHRASE, _MARKER, _PADDING)


@dataclass(frozen=True, slots=True)
class PgpMessage:
    """The facts about an encrypted message that need no key.

    Attributes:
        key_ids: long key ids (16 upper-case hexadecimal digits), or `HIDDEN`; at least one.
    """

    key_ids: tuple[str, ...]


def read_message(text: str) -> PgpMessage:
    """Read the outside of an armoured message.

    Raises:
        IntegrityError: no armour, damaged, longer than `MAX_ARMOUR` characters, or not encrypted for keys.
    """
    key_ids = []
    for kind, body in _packets(_dearmour(text)):
        if kind in _ENCRYPTED:
            break
        if kind == _FOR_PASSPHRASE:
            raise IntegrityError(
                "the wrapped data key is protected by a passphrase, not by a key", hint=_HINT
            )
        if kind == _FOR_KEY:
            # Version 3 names a key id; what newer versions hold is left to gpg.
            key_ids.append(body[1:9].hex().upper() if body[:1] == b"\x03" and len(body) > 9 else HIDDEN)
        elif kind not in _BEFORE:
            raise _damaged("it is not an encrypted message")
    else:
        raise _damaged("it is cut off")
    if not key_ids:
        raise _damaged("it is not encrypted for any key")
    return PgpMessage(tuple(key_ids))


def _dearmour(text: str) -> bytes:
    if len(text) > MAX_ARMOUR:
        raise _damaged(f"it is longer than {MAX_ARMOUR // 1024} KiB, which no data key is")
    lines = [line.strip() for line in text.strip().split("\n")]
    if lines[0] != _BEGIN:
        raise _damaged("it does not begin with PGP's armour")
    if lines[-1] != _END:
        raise _damaged("its last line is missing")
    if "" not in lines:
        raise _damaged("the empty line after its first one is missing")
    body = [line for line in lines[lines.index("") + 1 : -1] if line]
    checksum = body.pop()[1:] if body and body[-1].startswith("=") else None
    data = _decode("".join(body))
    if checksum is not None and _decode(checksum) != _crc24(data).to_bytes(3, "big"):
        raise _damaged("its checksum does not match")
    return data


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _damaged("it is not valid base64") from None


def _crc24(data: bytes) -> int:
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and body of the packets up to the first with content, whose body is not looked at."""
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise _damaged("it is not made of PGP packets")
        new = bool(first & 0x40)
        kind = first & 0x3F if new else first >> 2 & 0x0F
        if kind not in _BEFORE:
            yield kind, b""
            return
        size, start = (_new_length if new else _old_length)(data, at)
        if start + size > len(data):
            raise _damaged("it is cut off")
        yield kind, data[start : start + size]
        at = start + size


def _old_length(data: bytes, at: int) -> tuple[int, int]:
    width = (1, 2, 4, 0)[data[at] & 3]
    if width == 0 or len(data) <= at + width:
        raise _damaged("it is cut off")
    start = at + 1 + width
    return int.from_bytes(data[at + 1 : start], "big"), start


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    octets = data[at + 1 : at + 6]
    if octets and octets[0] < 192:
        return octets[0], at + 2
    if len(octets) > 1 and octets[0] < 224:
        return (octets[0] - 192 << 8) + octets[1] + 192, at + 3
    if len(octets) == 5 and octets[0] == 255:
        return int.from_bytes(octets[1:], "big"), at + 6
    raise _damaged("it is cut off")


def _damaged(reason: str) -> IntegrityError:
    return IntegrityError(f"the wrapped data key is damaged: {reason}", hint=_HINT)
