"""The placeholder of a value of any type: the values of a document, and those of texts that have types."""

from __future__ import annotations

from fluxsecrets.sops.values import Timestamp, Value

from .binary import binary
from .model import Maker
from .numbers import flip, fraction, integer
from .times import timestamp


def typed(value: Value, maker: Maker, name: str) -> Value:
    """Return a value of the same type. A text is a part of the maker's value."""
    found: Value = None
    match value:
        case str():
            found = maker.part(value, name)
        case bytes():
            found = binary(value, maker.key)
        case bool():
            found = flip(value, maker.key, name=name)
        case int():
            found = integer(value, maker.key, name=name)
        case float():
            found = fraction(value, maker.key, name=name)
        case Timestamp():
            found = timestamp(maker.draw("time", value.text))
    return found
