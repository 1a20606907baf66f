"""Ciphertexts by a hash of each, as the files of a history are compared."""

from __future__ import annotations

import re
from zlib import adler32, crc32

from fluxsecrets.marks import SIGN_BYTES, find_ciphertexts
from fluxsecrets.namedtuples import NamedTuple

_MAC = re.compile(rb"mac[\"']?[ \t]*[:=][ \t]*[\"']?\Z")
_COMMENT = b",type:comment]"
_WRAPPED = re.compile(rb"-----BEGIN (?P<kind>[A-Z ]+)-----[^-]*-----END (?P=kind)-----")


class Shown(NamedTuple):
    """What shows of an encrypted file: the hashes of its ciphertexts, and of its wrapped data keys."""

    ciphertexts: frozenset[int]
    keys: frozenset[int]


def digest(text: str) -> int:
    """A hash that is the same in every process, unlike Python's."""
    return digest_of(text.encode("utf-8", "surrogatepass"))


def digest_of(data: bytes) -> int:
    """As `digest`, of bytes."""
    return adler32(data) << 32 | crc32(data)


def shown(data: bytes) -> Shown:
    """What shows in a file's bytes, without the MAC and comments.

    In most encrypted files this is all that the file has, but only reading it tells.
    """
    if SIGN_BYTES not in data:
        return Shown(frozenset(), frozenset())
    found = []
    end = 0
    for each in find_ciphertexts(data):
        start = data.index(each, end)
        end = start + len(each)
        if not each.endswith(_COMMENT) and _MAC.search(data, max(start - 20, 0), start) is None:
            found.append(digest_of(each))
    keys = (b"".join(match[0].replace(b"\\n", b" ").split()) for match in _WRAPPED.finditer(data))
    return Shown(frozenset(found), frozenset(map(digest_of, keys)))
