"""Bech32 as age uses it: no limit on the length, either case but not both (age: internal/bech32)."""

from __future__ import annotations

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {char: value for value, char in enumerate(_CHARSET)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6

MAX_LENGTH = 16 * 1024
"""Characters; a post-quantum recipient has 1,959."""


def encode(prefix: str, data: bytes) -> str:
    """Encode bytes behind a lower-case prefix, in lower case."""
    bits = len(data) * 8
    padded = int.from_bytes(data, "big") << (-bits % 5)
    count = -(-bits // 5)
    values = [padded >> 5 * (count - 1 - place) & 31 for place in range(count)]
    check = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM]) ^ 1
    values += [check >> 5 * (_CHECKSUM - 1 - place) & 31 for place in range(_CHECKSUM)]
    return f"{prefix}1{''.join(_CHARSET[value] for value in values)}"


def decode(text: str) -> tuple[str, bytes]:
    """Decode to the prefix in lower case, and the bytes.

    Raises:
        ValueError: not Bech32, or a wrong checksum; the message holds nothing of the text.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError("too long")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise ValueError("upper and lower case are mixed")
    prefix, separator, body = lower.rpartition("1")
    if not prefix or not separator or len(body) < _CHECKSUM or not all("!" <= char <= "~" for char in prefix):
        raise ValueError("not Bech32")
    if any(char not in _VALUES for char in body):
        raise ValueError("it has a character that is not allowed")
    values = [_VALUES[char] for char in body]
    if _polymod([*_expand(prefix), *values]) != 1:
        raise ValueError("its checksum does not match")
    number = 0
    data = values[:-_CHECKSUM]
    for value in data:
        number = number << 5 | value
    spare = len(data) * 5 % 8
    if spare >= 5 or number & ((1 << spare) - 1):
        raise ValueError("its padding is wrong")
    return prefix, (number >> spare).to_bytes(len(data) * 5 // 8, "big")


def decode_identity(text: str, prefix: str, size: int) -> bytes | None:
    """Return the `size` bytes of an age identity, which is in upper case; None if it is malformed.

    `prefix` is the identity's own, in lower case.
    """
    try:
        found, secret = decode(text)
    except ValueError:
        return None
    return secret if text == text.upper() and found == prefix and len(secret) == size else None


def _expand(prefix: str) -> list[int]:
    return [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            if top >> place & 1:
                check ^= generator
    return check
