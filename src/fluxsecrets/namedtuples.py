"""`NamedTuple` of `typing`, without that module.

`typing` takes as long to import as the compiled half of cryptography, and compiles the annotation of every
field. `collections.namedtuple` compiles a function for each class, which takes longer than all else here. So
the class is made here: the methods are shared, and `__new__` is code that is there already, with the names of
the fields. Type checkers see that of `typing`. It is for modules that every start imports; a generic one
needs that of `typing`.
"""

from __future__ import annotations

import collections
import sys
from types import FunctionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, NamedTuple

__all__ = ["NamedTuple"]

_METHODS = frozenset({"_asdict", "_field_defaults", "_fields", "_make", "_replace"})
_RESERVED = _METHODS | {"__getnewargs__", "__init__", "__new__", "__slots__"}

_new = tuple.__new__
_field: Any = vars(collections)["_tuplegetter"]  # what `collections.namedtuple` makes fields of

_CODES = [
    each.__code__
    for each in (
        lambda c: _new(c, ()),
        lambda c, f: _new(c, (f,)),
        lambda c, f, g: _new(c, (f, g)),
        lambda c, f, g, h: _new(c, (f, g, h)),
        lambda c, f, g, h, i: _new(c, (f, g, h, i)),
        lambda c, f, g, h, i, j: _new(c, (f, g, h, i, j)),
        lambda c, f, g, h, i, j, k: _new(c, (f, g, h, i, j, k)),
        lambda c, f, g, h, i, j, k, l: _new(c, (f, g, h, i, j, k, l)),  # noqa: E741
        lambda c, f, g, h, i, j, k, l, m: _new(c, (f, g, h, i, j, k, l, m)),  # noqa: E741
        lambda c, f, g, h, i, j, k, l, m, n: _new(c, (f, g, h, i, j, k, l, m, n)),  # noqa: E741
    )
]
"""What makes a tuple of so many fields."""


class _Maker(type):
    """Turns the body of a class into a named tuple."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if bases != (_BASE,):
            raise TypeError("a named tuple has no other base")
        fields = (*body.get("__annotations__", ()),)
        defaults = {field: body[field] for field in fields if field in body}
        if (*defaults,) != fields[len(fields) - len(defaults) :]:
            raise TypeError("a field without a default follows one with a default")
        if "_" in [field[0] for field in fields]:
            raise ValueError("a field's name starts with an underscore")
        if not _RESERVED.isdisjoint(body):
            raise AttributeError(f"a named tuple can't have its own {min(_RESERVED & body.keys())}")
        words = f"{name}({', '.join(fields)}{',' if len(fields) == 1 else ''})"
        content = {
            "__doc__": words,
            "__slots__": (),
            "__annotations__": {},
            **_SHARED,
            "_fields": fields,
            "__match_args__": fields,
            "_field_defaults": defaults,
            "__new__": _constructor(name, fields, (*defaults.values(),), words),
            **body,
        }
        content.update(zip(fields, _places(len(fields)), strict=True))
        return type(name, (tuple,), content)


def _places(count: int) -> list[Any]:
    """Return what stands for so many fields in a class; all classes share them."""
    _PLACES.extend(_field(index, f"Alias for field number {index}") for index in range(len(_PLACES), count))
    return _PLACES[:count]


_PLACES: list[Any] = []


def _constructor(name: str, fields: tuple[str, ...], defaults: tuple[object, ...], words: str) -> object:
    if len(fields) < len(_CODES):
        code = _CODES[len(fields)].replace(co_name="__new__", co_varnames=("_cls", *fields))
        made = FunctionType(code, globals(), "__new__", defaults)
    else:
        make: Any = collections.namedtuple  # of names that are known now only
        made = make(name, fields, defaults=defaults).__new__
    made.__qualname__ = f"{name}.__new__"
    made.__doc__ = f"Create new instance of {words}"
    return made


def _make(cls: Any, iterable: Iterable[object]) -> Any:
    """Make a new object from a sequence or iterable."""
    result = _new(cls, iterable)
    if len(result) != len(cls._fields):
        raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(result)}")
    return result


def _replace(self: Any, /, **changes: object) -> Any:
    """Return a new object replacing specified fields with new values."""
    result = self._make(map(changes.pop, self._fields, self))
    if changes:
        raise _unexpected(f"Got unexpected field names: {list(changes)!r}")
    return result


_unexpected = ValueError if sys.version_info < (3, 13) else TypeError


def _repr(self: Any) -> str:
    """Return a nicely formatted representation string."""
    shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=False))
    return f"{self.__class__.__name__}({shown})"


def _asdict(self: Any) -> dict[str, Any]:
    """Return a new dict which maps field names to their values."""
    return dict(zip(self._fields, self, strict=False))


def _getnewargs(self: Any) -> tuple[Any, ...]:
    """Return self as a plain tuple.  Used by copy and pickle."""
    return tuple(self)


_SHARED: Mapping[str, object] = {
    "_make": classmethod(_make),
    "_replace": _replace,
    "__repr__": _repr,
    "_asdict": _asdict,
    "__getnewargs__": _getnewargs,
    **({"__replace__": _replace} if sys.version_info >= (3, 13) else {}),
}

_BASE = type.__new__(_Maker, "_Base", (), {})


class _Name:
    """Stands for the base in the head of a class."""

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (_BASE,)


if not TYPE_CHECKING:
    NamedTuple = _Name()
