"""The message authentication code over a file's values.

Taken from sops 3.13.2: `Encrypt` and `Decrypt` in sops.go. It covers the values in their order, not
names of unencrypted keys, borders between neighbouring plain values, nulls, empty strings, types, or
the metadata; docs/threat-model.md lists what follows from that.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from fluxsecrets.errors import IntegrityError

from .cipher import Cipher
from .values import Timestamp, Value, canonical_bytes

_ONLY_ENCRYPTED_START = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
_FRACTION = re.compile(r"\.[0-9]+")


class MacHash:
    """Takes values in document order and gives their digest."""

    __slots__ = ("_hash",)

    def __init__(self, *, only_encrypted: bool) -> None:
        """Start; a MAC over encrypted values only starts from bytes of its own."""
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED_START if only_encrypted else b"")

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
            hint="take the file from git again, or from whoever encrypted it",
        )
    try:
        expected, _ = cipher.decrypt_bytes(mac, mac_additional_data(lastmodified))
    except IntegrityError:
        raise IntegrityError(
            "the MAC itself was changed, or lastmodified was",
            hint="take the file from git again, or from whoever encrypted it",
        ) from None
    if not hmac.compare_digest(expected, digest.encode()):
        raise IntegrityError(
            "the MAC does not match: a value was changed, added, removed or reordered "
            "after the file was encrypted",
            hint="compare with git (git log -p FILE); to change a plain value of an encrypted file, "
            "decrypt it, change it, and encrypt it again",
        )


def mac_additional_data(lastmodified: str) -> bytes:
    """What binds a MAC to a file's `lastmodified`: sops parses the field and formats it again first."""
    return _FRACTION.sub("", Timestamp.parse(lastmodified).text).encode()
