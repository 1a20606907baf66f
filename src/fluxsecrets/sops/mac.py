"""The MAC of a file: a digest of its values in order, encrypted with the data key."""

from __future__ import annotations

import re
from functools import lru_cache

from fluxsecrets.errors import IntegrityError

from .cipher import Cipher
from .digests import is_equal, sha512
from .values import Timestamp, Value, canonical_bytes

_ONLY_ENCRYPTED_START = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")


class MacHash:
    """Takes values in document order and gives their digest."""

    __slots__ = ("_hash",)

    def __init__(self, *, only_encrypted: bool) -> None:
        """Start; a MAC over encrypted values only starts from bytes of its own."""
        self._hash = sha512(_ONLY_ENCRYPTED_START if only_encrypted else b"")

    def add(self, value: Value) -> None:
        """Take the next value; null adds nothing."""
        self._hash.update(canonical_bytes(value))

    def add_bytes(self, data: bytes) -> None:
        """Take the next value as its canonical bytes."""
        self._hash.update(data)

    def digest(self) -> str:
        """The digest so far in upper-case hexadecimal, as SOPS writes it."""
        return self._hash.hexdigest().upper()


def seal_mac(digest: str, lastmodified: str, cipher: Cipher) -> str:
    """Encrypt a digest for the `mac` field, bound to `lastmodified`."""
    return cipher.encrypt(digest, mac_additional_data(lastmodified))


def check_mac(digest: str, mac: str | None, lastmodified: str, cipher: Cipher) -> None:
    """Compare a digest with a file's `mac` field.

    Raises:
        IntegrityError: there is no MAC, it does not belong to this `lastmodified`, or differs.
    """
    if not mac:
        raise IntegrityError(
            "the file has no MAC, so nobody can tell whether it was changed",
            hint="restore the file from git, or ask the person who encrypted it",
        )
    try:
        expected, _ = cipher.decrypt_bytes(mac, mac_additional_data(lastmodified))
    except IntegrityError:
        raise IntegrityError(
            "the MAC itself was changed, or lastmodified was",
            hint="restore the file from git, or ask the person who encrypted it",
        ) from None
    if not is_equal(expected, digest.encode()):
        raise IntegrityError(
            "the MAC does not match: a value was changed, added, removed or reordered "
            "after the file was encrypted",
            hint="compare it with git (git log -p FILE); to change a plain value of an encrypted file, "
            "decrypt it, change it, and encrypt it again; after a merge, `fluxsecrets resolve FILE`",
        )


# The files of a repository were often encrypted at one time, and a run knows one "now".
@lru_cache(maxsize=16)
def mac_additional_data(lastmodified: str) -> bytes:
    """What binds a MAC to a file's `lastmodified`: sops parses the field and formats it again first."""
    text = Timestamp.parse(lastmodified).text
    return (re.sub(r"\.[0-9]+", "", text) if "." in text else text).encode()
