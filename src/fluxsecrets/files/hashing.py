"""Hashes of the interpreter itself: commits and commands on one file wait for them.

`hashlib` loads the system's OpenSSL, beside the one that cryptography brings. That takes longer than what
decrypting a small file computes. An interpreter that was built without them uses `hashlib`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256, sha512
    from typing import Any
else:
    try:
        try:
            from _sha2 import sha256, sha512
        except ImportError:  # before Python 3.12
            from _sha256 import sha256
            from _sha512 import sha512
    except ImportError:
        from hashlib import sha256, sha512

__all__ = ["fast_hash", "sha1", "sha256", "sha512"]


def sha1(data: bytes) -> Any:
    """What git names contents by; nothing relies on it for security."""
    try:
        from _sha1 import sha1 as made  # type: ignore[import-not-found] # the type checker does not know it
    except ImportError:
        from hashlib import sha1 as made
    return made(data, usedforsecurity=False)


def fast_hash(size: int) -> Any:
    """A hash of so many bytes, to be fed with `update`."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b(digest_size=size)
