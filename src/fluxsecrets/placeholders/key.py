"""The key of placeholders, and the bytes that are drawn with it.

Everything in a placeholder that is not structure is drawn from a keyed hash of the value. Without the key, a
placeholder can't be compared with a guess.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import blake2b, shake_256

_PERSON = b"fluxsecrets mask"


@dataclass(frozen=True, slots=True)
class PlaceholderKey:
    """A key. With the same key, equal values have equal placeholders."""

    _secret: bytes = field(repr=False)

    @classmethod
    def per_run(cls) -> PlaceholderKey:
        """Make a random key: placeholders of two runs can't be compared."""
        return cls(os.urandom(32))

    @classmethod
    def derived(cls, secret: bytes) -> PlaceholderKey:
        """Derive a key from a secret of at least 128 bits of entropy, such as an identity."""
        return cls(blake2b(secret, digest_size=32, person=_PERSON).digest())

    def draw(self, *parts: bytes | str) -> Draw:
        """Return the bytes that belong to some parts: what they are for, then what they come from."""
        state = blake2b(digest_size=32, key=self._secret, person=_PERSON)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            state.update(len(data).to_bytes(8, "big") + data)
        return Draw(state.digest())


PUBLIC = PlaceholderKey.derived(b"")
"""The key for what everybody may read: ciphertexts. Anyone can test guesses against it."""


@dataclass(frozen=True, slots=True)
class Draw:
    """An endless row of bytes, always the same for the same seed."""

    _seed: bytes = field(repr=False)

    def bytes(self, count: int) -> bytes:
        """Return the first bytes."""
        return shake_256(self._seed).digest(count)

    def below(self, limit: int) -> int:
        """Return a number from 0 to below a limit, each as likely as another within 2**-64."""
        return int.from_bytes(self.bytes((limit.bit_length() + 71) // 8), "big") % limit

    def signs(self, alphabet: str, count: int) -> str:
        """Return a text of some signs of an alphabet."""
        size = len(alphabet)
        return "".join(alphabet[int.from_bytes(four, "big") % size] for four in _fours(self.bytes(4 * count)))

    def apart(self, purpose: str) -> Draw:
        """Return another row for another purpose."""
        return Draw(blake2b(self._seed, digest_size=32, person=purpose.encode()[:16]).digest())


def _fours(data: bytes) -> list[bytes]:
    return [data[at : at + 4] for at in range(0, len(data), 4)]
