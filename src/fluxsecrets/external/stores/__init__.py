"""Secret stores for reading and pushing values: one file per store, one protocol.

Addresses and credentials come from the user's environment. A manifest only decides the place within a store,
never where a credential is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """The content of a store under a key.

    Attributes:
        values: by property; not in the repr. None if the content is not a map.
        text: the whole content, for references without a property.
        version: identifies this state; `write` compares it.
    """

    values: Mapping[str, object] | None = field(repr=False)
    text: str = field(repr=False)
    version: str | int | None = None


class StoreClient(Protocol):
    """Reads and writes keys of one store."""

    @property
    def shown(self) -> str:
        """The store's kind and address, for messages."""

    def read(self, key: str, version: str | None = None) -> Stored | None:
        """Return the content under a key, or None.

        Raises:
            StoreError: the store can't be reached, or refuses.
        """

    def write(self, key: str, values: Mapping[str, object], expected: Stored | None) -> None:
        """Replace the content under a key.

        `values` includes old properties that stay. The content must still be as in `expected`.

        Raises:
            StoreError: someone else wrote first, or the store can't be reached or refuses. The error
                contains no value.
        """
