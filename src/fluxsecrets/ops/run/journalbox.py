"""The contents of a journal, encrypted: a journal in a `.git` folder holds no plain text.

The key is derived from the user's journal key and a salt. The user who began a conversion can complete it
or take it back without an identity, and a copy of the repository reveals nothing. Contents are compared by
keyed hashes, because a short secret can be guessed from a plain hash.
"""

from __future__ import annotations

import hmac
import os

from fluxsecrets.records import dataclass, field
from fluxsecrets.sops import primitives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SALT_LENGTH = 32
"""Bytes of a journal's salt."""

_CONTENTS, _DIGESTS = b"fluxsecrets journal contents\n", b"fluxsecrets journal digests\n"
_NONCE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Box:
    """Encrypts the contents of one journal, and compares them; made by `make` and `of`."""

    salt: bytes
    _contents: AESGCM = field(repr=False, compare=False)
    _digests: bytes = field(repr=False)

    @classmethod
    def make(cls, key: bytes) -> Box:
        """The box of a new journal.

        Args:
            key: the user's journal key.
        """
        return cls.of(key, os.urandom(SALT_LENGTH))

    @classmethod
    def of(cls, key: bytes, salt: bytes) -> Box:
        """The box of a journal with this salt.

        Raises:
            ValueError: the salt has another length.
        """
        if len(salt) != SALT_LENGTH:
            raise ValueError("not a salt")
        contents, digests = (hmac.digest(key, use + salt, "sha256") for use in (_CONTENTS, _DIGESTS))
        return cls(salt, primitives.AESGCM(contents), digests)

    def seal(self, number: int, data: bytes) -> bytes:
        """Encrypt a content.

        Args:
            number: of the content in its journal; each is used once.
            data: the content, or its part.
        """
        return self._contents.encrypt(number.to_bytes(_NONCE_LENGTH), data, None)

    def open(self, number: int, data: bytes) -> bytes:
        """Decrypt a content; the arguments are those of `seal`.

        Raises:
            ValueError: the content was damaged, or is another one.
        """
        try:
            return self._contents.decrypt(number.to_bytes(_NONCE_LENGTH), data, None)
        except primitives.invalid_tag():
            raise ValueError("damaged") from None

    def digest(self, data: bytes) -> str:
        """A keyed hash of a content, hexadecimal."""
        return hmac.digest(self._digests, data, "sha256").hex()
