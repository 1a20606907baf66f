"""Keyed hashes of values: they tell whether two values are equal, and nothing else."""

from __future__ import annotations

import hmac
import os
from typing import Final

KEY_SIZE: Final = 32


class Hasher:
    """Makes hashes that only the holder of its key can make.

    A hash is bound to the place of the value. Equal values of two Secrets don't have equal hashes, so that a
    list of hashes doesn't tell which passwords are used twice.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes | None = None) -> None:
        """Take a key of 32 bytes; a new one if none is given."""
        self._key = os.urandom(KEY_SIZE) if key is None else key
        if len(self._key) != KEY_SIZE:
            raise ValueError("the key of a hash has another length")

    @property
    def key(self) -> bytes:
        """The key, for a dump that takes it along encrypted."""
        return self._key

    def digest(self, namespace: str, name: str, key: str, value: bytes) -> str:
        """Return the hash of a value under a key of a Secret, in hexadecimal."""
        made = hmac.new(self._key, digestmod="sha256")
        names = (each.encode("utf-8", "surrogatepass") for each in (namespace, name, key))
        for part in (*names, value):
            made.update(len(part).to_bytes(8, "big"))
            made.update(part)
        return made.hexdigest()

    def __repr__(self) -> str:
        """Without the key."""
        return "Hasher()"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: the key stays in this process."""
        raise TypeError("a Hasher is not handed on")
