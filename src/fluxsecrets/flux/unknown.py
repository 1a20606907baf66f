"""Values that cannot be known here, such as those that no identity at hand decrypts."""

from __future__ import annotations

from typing import Final


class Unknown(str):
    """A text in the place of a value that is not known; its own characters mean nothing."""

    __slots__ = ()


UNKNOWN: Final = Unknown("<unknown>")
"""The one of them. It is a text, so that what reads an object's data needs no case for it."""


def is_unknown(value: object) -> bool:
    """Whether a value is not known."""
    return isinstance(value, Unknown)
