"""`NamedTuple` of `typing`, without that module.

`typing` takes as long to import as the compiled half of cryptography, and compiles the annotation of every
field. Here, `collections.namedtuple` makes the class, as it does there. Type checkers see that of `typing`.
It is for modules that every start imports; a generic one needs that of `typing`.
"""

from __future__ import annotations

import collections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

__all__ = ["NamedTuple"]

_METHODS = frozenset({"_asdict", "_field_defaults", "_fields", "_make", "_replace"})
_RESERVED = _METHODS | {"__getnewargs__", "__init__", "__new__", "__slots__"}


class _Maker(type):
    """Turns the body of a class into a named tuple."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if bases != (_BASE,):
            raise TypeError("a named tuple has no other base")
        fields = body.get("__annotations__", {})
        optional = [field for field in fields if field in body]
        if optional != list(fields)[len(fields) - len(optional) :]:
            raise TypeError("a field without a default follows one with a default")
        make: Any = collections.namedtuple  # of names that are known now only
        made = make(name, fields, defaults=[body[field] for field in optional], module=body["__module__"])
        made.__annotations__ = fields
        for key, value in body.items():
            if key in _RESERVED:
                raise AttributeError(f"a named tuple can't have its own {key}")
            if key not in fields and key not in {"__annotations__", "__module__"}:
                setattr(made, key, value)
        return made


_BASE = type.__new__(_Maker, "_Base", (), {})


class _Name:
    """Stands for the base in the head of a class."""

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (_BASE,)


if not TYPE_CHECKING:
    NamedTuple = _Name()
