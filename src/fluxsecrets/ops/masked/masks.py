"""The placeholders of a run."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.values import ciphertext_placeholder, placeholder, placeholder_bytes
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.sops.values import Value


@dataclass(frozen=True, slots=True)
class Masks:
    """Makes placeholders with one key. The `name` is the last key of a value's path, or a file's name."""

    _key: PlaceholderKey = field(repr=False)

    def value(self, value: Value, name: str, *, base64: bool = False) -> Value:
        """Return the placeholder of a value.

        Args:
            value: the value.
            name: see above.
            base64: it is under `data:` of a Secret: what it decodes to is masked. What is not base64 is
                masked as it is, and stays wrong.
        """
        decoded = decode_base64(value) if base64 and isinstance(value, str) else None
        if decoded is not None:
            return b64encode(self.content(decoded, name)).decode("ascii")
        return placeholder(value, self._key, name=name)

    def content(self, data: bytes, name: str) -> bytes:
        """Return the placeholder of bytes, such as a whole file."""
        return placeholder_bytes(data, self._key, name=name)

    @staticmethod
    def closed(text: str, name: str, *, base64: bool = False) -> Value:
        """Return the placeholder of a value that nobody here can read, made from what stands for it."""
        return ciphertext_placeholder(text, name=name, base64=base64)
