"""The payload of an age file: chunks of 64 KiB, each authenticated, the last one marked as such.

Taken from age: internal/stream/stream.go.
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CHUNK_SIZE = 64 * 1024
"""Plain bytes in every chunk but the last."""

_TAG_SIZE = 16
_SEALED_SIZE = CHUNK_SIZE + _TAG_SIZE


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 to 32 bytes, which is one block of it; no salt is the same as an empty one."""
    extracted = hmac.digest(salt, secret, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


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
    except InvalidTag:
        return None
    return b"".join(chunks)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")
