"""SHA-512, HMAC and the comparison of digests, by the interpreter itself: see `files.hashing`."""

from __future__ import annotations

from fluxsecrets.files.hashing import sha256, sha512

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hmac import compare_digest as is_equal
else:
    try:
        from _operator import _compare_digest as is_equal
    except ImportError:
        from hmac import compare_digest as is_equal

__all__ = ["hmac_sha256", "is_equal", "sha512"]

_BLOCK_SIZE = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104)."""
    block = (sha256(key).digest() if len(key) > _BLOCK_SIZE else key).ljust(_BLOCK_SIZE, b"\0")
    inner = sha256(block.translate(_INNER))
    inner.update(message)
    return sha256(block.translate(_OUTER) + inner.digest()).digest()
