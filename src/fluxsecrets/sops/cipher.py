"""Values <-> ciphertext: AES-256-GCM with a 32-byte nonce, bound to the value's path.

Taken from sops 3.13.2: aes/cipher.go.
"""

from __future__ import annotations

import os
from binascii import a2b_base64, b2a_base64  # what `base64` calls; every value needs them three times

from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks import read_ciphertext, write_ciphertext

from .document import Path
from .values import Value, canonical_bytes, type_name, value_from_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DATA_KEY_SIZE = 32
"""Bytes of a data key."""

_NONCE_SIZE = 32
_TAG_SIZE = 16
_LARGE = 2**20  # bytes of a value


def additional_data(path: Path) -> bytes:
    """What binds a ciphertext to its place: the map keys of the path joined by colons, and one behind.

    List positions are not in it (sops.go: `walkSlice` passes the path on as it is). A comment at the
    root has no key, and the colon alone.
    """
    return (":".join([step for step in path if isinstance(step, str)]) + ":").encode()


class DataKey:
    """The 32 bytes that encrypt a file's values; never shown and never serialised."""

    __slots__ = ("_aead", "_key")

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes.

        Raises:
            IntegrityError: another length.
        """
        if len(key) != DATA_KEY_SIZE:
            raise IntegrityError(f"the data key has {len(key)} bytes instead of {DATA_KEY_SIZE}")
        self._key = key
        self._aead: AESGCM | None = None

    @classmethod
    def generate(cls) -> DataKey:
        """A new random key."""
        return cls(os.urandom(DATA_KEY_SIZE))

    def reveal(self) -> bytes:
        """The bytes themselves, for key providers and the cipher alone."""
        return self._key

    def aead(self) -> AESGCM:
        """What seals with it, for the cipher alone; its key schedule is prepared once."""
        if self._aead is None:
            # Showing ciphertexts needs no key, and git starts a process for each file that it shows.
            from . import primitives

            self._aead = primitives.AESGCM(self._key)
        return self._aead

    def __repr__(self) -> str:
        """Say nothing of the key."""
        return "DataKey(hidden)"

    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise TypeError("a data key is never serialised")


def _invalid_tag() -> type[Exception]:
    from .primitives import invalid_tag

    return invalid_tag()


class Cipher:
    """Encrypts and decrypts single values with one data key."""

    __slots__ = ("_aead", "_key")

    def __init__(self, key: DataKey) -> None:
        """Take the key of all values of a file."""
        self._aead = key.aead()
        self._key = key

    def encrypt(self, value: Value, aad: bytes, kind: str | None = None) -> str:
        """Encrypt one value that is neither null nor empty.

        Args:
            value: the value; a comment is a string with `kind` `comment`.
            aad: what the ciphertext is bound to, see `additional_data`.
            kind: the `type:` to write; by default the value's own.

        Returns:
            The ciphertext in SOPS's form.
        """
        nonce = os.urandom(_NONCE_SIZE)
        sealed = self._aead.encrypt(nonce, canonical_bytes(value), aad)
        # Views, and freed at once: a value may be large.
        tag, data = sealed[-_TAG_SIZE:], b2a_base64(memoryview(sealed)[:-_TAG_SIZE], newline=False)
        del sealed
        name = kind or type_name(value)
        text = write_ciphertext(data, b2a_base64(nonce, newline=False), b2a_base64(tag, newline=False), name)
        del data
        return text.decode()

    def decrypt_bytes(self, text: str, aad: bytes) -> tuple[bytes, str]:
        """Decrypt to the canonical bytes and the name of the type.

        Raises:
            IntegrityError: not a ciphertext, or the value was changed or moved.
        """
        match = read_ciphertext(text)
        if match is None:
            raise IntegrityError("not a SOPS ciphertext")
        data, iv, end, kind = match.groups()
        sealed, nonce, tag = a2b_base64(data), a2b_base64(iv), a2b_base64(end)
        del data
        try:
            if len(sealed) > _LARGE:
                return self._decrypt_large(sealed, nonce, tag, aad), kind
            return self._aead.decrypt(nonce, sealed + tag, aad), kind
        except _invalid_tag():
            raise IntegrityError("the value was changed, moved or encrypted with another key") from None

    def _decrypt_large(self, sealed: bytes, nonce: bytes, tag: bytes, aad: bytes) -> bytes:
        """The same as `AESGCM.decrypt`, without a copy of it all, which that needs for the tag."""
        from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
        from cryptography.hazmat.primitives.ciphers import algorithms, modes

        decryptor = BlockCipher(algorithms.AES(self._key.reveal()), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(aad)
        data = decryptor.update(sealed)
        decryptor.finalize()  # raises where the tag does not fit, before anybody has seen the data
        return data

    def decrypt(self, text: str, aad: bytes) -> Value:
        """Decrypt to a typed value; see `decrypt_bytes` for what is raised."""
        data, kind = self.decrypt_bytes(text, aad)
        return value_from_bytes(kind, data)
