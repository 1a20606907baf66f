"""Secret stores that values are read from and pushed to: one file each, one protocol.

Addresses and credentials are the user's own, from the environment. What a manifest says of a store decides
where in it something is, and never where a credential is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store holds under a key.

    Attributes:
        values: by property; not in the repr. None where it is no map of properties.
        text: all of it as a text, for those who want no property.
        version: tells one state from another; what `write` compares.
    """

    values: Mapping[str, object] | None = field(repr=False)
    text: str = field(repr=False)
    version: str | int | None = None


class StoreClient(Protocol):
    """Reads and writes keys of one store."""

    @property
    def shown(self) -> str:
        """Which store it is, for people: its kind and address."""

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """What is under a key, or None where nothing is.

        Raises:
            StoreError: it cannot be reached, or refuses.
        """

    def write(self, key: str, values: Mapping[str, object], expected: Stored | None) -> None:
        """Put values under a key, in place of what was there.

        Args:
            key: where.
            values: by property; what stays of the old ones is among them.
            expected: what was there when it was read; it must still be so.

        Raises:
            StoreError: somebody was faster, it cannot be reached, or refuses. No value is in the error.
        """
