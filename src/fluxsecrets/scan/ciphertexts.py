"""Ciphertexts by a hash of each, as the files of a history are compared."""

from __future__ import annotations

import re
from zlib import adler32, crc32

from fluxsecrets.marks import SIGN_BYTES, find_ciphertexts

_MAC = re.compile(rb"mac[\"']?[ \t]*[:=][ \t]*[\"']?\Z")
_COMMENT = b",type:comment]"


def digest(text: str) -> int:
    """A hash that is the same in every process, unlike Python's."""
    return digest_of(text.encode("utf-8", "surrogatepass"))


def digest_of(data: bytes) -> int:
    """As `digest`, of bytes."""
    return adler32(data) << 32 | crc32(data)


def shown(data: bytes) -> frozenset[int]:
    """The hashes of the ciphertexts that show in a file's bytes, without the MAC and comments.

    In most encrypted files these are all that the file has, but only reading it tells.
    """
    if SIGN_BYTES not in data:
        return frozenset()
    found = []
    end = 0
    for each in find_ciphertexts(data):
        start = data.index(each, end)
        end = start + len(each)
        if not each.endswith(_COMMENT) and _MAC.search(data, max(start - 20, 0), start) is None:
            found.append(digest_of(each))
    return frozenset(found)
