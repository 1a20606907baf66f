"""Tokens for plain text: a hash with a key that only this machine has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from fluxsecrets.scan.cachefile import cache_folder, read_cached, write_cached

from .tokens import token_text

_HEAD = b"fluxsecrets: key of tokens for plain text, 1\n"
_NAME = "textconv.key"
_SIZE = 32
_TOKEN_BYTES = 8


def plain_token(environ: Mapping[str, str]) -> Callable[[bytes], str]:
    """Return what makes tokens; it gives "" where no key can be kept.

    The key is made with the first token. A token without a key could be compared with those of guesses.
    """
    keys: list[bytes] = []

    def token(data: bytes) -> str:
        if not keys:
            keys.append(_key(environ))
        if not keys[0]:
            return ""
        from hashlib import blake2b  # most files hold no plain text

        return token_text(blake2b(data, digest_size=_TOKEN_BYTES, key=keys[0]).digest())

    return token


def _key(environ: Mapping[str, str]) -> bytes:
    folder = cache_folder(environ)
    if folder is None:
        return b""
    path = folder / _NAME
    known = read_cached(path, _HEAD)
    if known is None:
        write_cached(path, _HEAD, os.urandom(_SIZE), _NAME)
        known = read_cached(path, _HEAD)
    return known if known is not None and len(known) == _SIZE else b""
