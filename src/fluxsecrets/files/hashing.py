"""A hash whose import costs next to nothing: commits, and each file that git shows, wait for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def fast_hash(size: int) -> Any:
    """A hash of so many bytes, to be fed with `update`."""
    try:
        from _blake2 import blake2b  # without the rest of hashlib, which loads OpenSSL
    except ImportError:
        from hashlib import blake2b
    return blake2b(digest_size=size)
