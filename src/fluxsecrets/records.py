"""`dataclass`, `field` and `replace` as in the standard library, for modules that every start imports.

The standard library imports `inspect` for them, and compiles half a dozen functions for each class. It took
a fifth of the time in which one file is decrypted. Here, nothing is compiled. The classes behave the same:
`tests/test_records.py` compares them. The functions of `dataclasses` take them. Only what is used is carried:
`frozen`, `slots`, `eq`, `repr`; defaults and factories of fields, and whether they are shown, compared and
hashed. An object takes up to a microsecond longer to make, so there should not be one per value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, repeat
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["dataclass", "field", "replace"]

_FIELDS, _STANDARD = "__record_fields__", "__dataclass_fields__"
_TAKE, _INIT = "__record_values__", "__record_init__"


class _Missing:
    """Stands for no default."""


_MISSING = _Missing()


class _Field:
    """What is said of a field."""

    __slots__ = ("compare", "default", "factory", "hash", "repr")

    def __init__(
        self,
        default: object = _MISSING,
        factory: Any = _MISSING,
        shown: bool = True,
        compare: bool = True,
        hashed: bool | None = None,
    ) -> None:
        self.default, self.factory, self.repr, self.compare = default, factory, shown, compare
        self.hash = compare if hashed is None else hashed

    @property
    def optional(self) -> bool:
        return self.default is not _MISSING or self.factory is not _MISSING

    @property
    def said(self) -> dict[str, object]:
        """The arguments of `dataclasses.field` for the same field."""
        said: dict[str, object] = {"repr": self.repr, "compare": self.compare, "hash": self.hash}
        if self.factory is not _MISSING:
            return {**said, "default_factory": self.factory}
        return said if self.default is _MISSING else {**said, "default": self.default}


_PLAIN = _Field()
"""A field of which nothing is said. Most classes share it; fields are never changed."""


def _field(
    *,
    default: object = _MISSING,
    default_factory: object = _MISSING,
    repr: bool = True,  # noqa: A002 - as in the standard library
    compare: bool = True,
    hash: bool | None = None,  # noqa: A002
) -> _Field:
    return _Field(default, default_factory, repr, compare, hash)


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    repr: bool = True,  # noqa: A002 - as in the standard library
) -> type | Callable[[type], type]:
    def decorate(decorated: type) -> type:
        return _made(decorated, frozen=frozen, slots=slots, eq=eq, shown=repr)

    return decorate if cls is None else decorate(cls)


def _replace(record: Any, /, **changes: object) -> Any:
    fields: Mapping[str, _Field] | None = getattr(type(record), _FIELDS, None)
    if fields is None:
        import dataclasses  # a class of the standard library

        return dataclasses.replace(record, **changes)
    made: Any = type(record)
    values = dict(zip(fields, made.__record_values__(record), strict=True))
    values.update(changes)
    if made.__init__ is made.__record_init__ and len(values) == len(fields):
        return made(*values.values())  # they are in the order of the fields
    return made(**values)


def _made(cls: type, *, frozen: bool, slots: bool, eq: bool, shown: bool) -> type:
    """Return the class with its methods. With `slots` it is a new one."""
    inherited, own, said = _inherited(cls), _own(cls), vars(cls)
    fields = {**inherited, **own}
    values = _values((*fields,))

    def values_of(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
        return values if len(names) == len(fields) else _values(names)

    methods: dict[str, object] = {
        "__init__": _init(cls, fields, frozen=frozen),
        "__match_args__": (*fields,),
    }
    if shown:
        methods["__repr__"] = _repr
    if eq:
        methods["__eq__"] = _eq(values_of([name for name, each in fields.items() if each.compare]))
        # A class that says how it is compared, and not how it is hashed, has None there.
        if said.get("__hash__") is None and ("__hash__" not in said or "__eq__" in said):
            names = [name for name, each in fields.items() if each.hash]
            methods["__hash__"] = _hash(values_of(names)) if frozen else None
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse}
        if slots:
            methods |= {"__getstate__": _state, "__setstate__": _set_state}
    content = {name: each for name, each in methods.items() if name not in said or name == "__hash__"}
    content |= {_FIELDS: fields, _TAKE: values, _INIT: methods["__init__"]}
    content |= _FROZEN if frozen else _OPEN
    if not slots:
        return _with(cls, content, own)
    dropped = {*own, "__dict__", "__weakref__"}
    kept = {name: each for name, each in said.items() if name not in dropped}
    added = tuple([name for name in own if name not in inherited])
    return type(cls)(cls.__name__, cls.__bases__, {**kept, **content, "__slots__": added})


def _with(cls: type, content: Mapping[str, object], own: Mapping[str, _Field]) -> type:
    for name, each in content.items():
        setattr(cls, name, each)
    for name, said in own.items():
        if said.default is not _MISSING:
            setattr(cls, name, said.default)
        elif name in vars(cls):
            delattr(cls, name)  # a factory is no default
    return cls


def _inherited(cls: type) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        if _STANDARD in vars(base) and _FIELDS not in vars(base):
            raise TypeError(f"{base.__name__} is a dataclass of the standard library")
        fields.update(vars(base).get(_FIELDS, {}))
    return fields


def _own(cls: type) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    said = vars(cls)
    for name, kind in said.get("__annotations__", {}).items():
        if not isinstance(kind, str):
            raise TypeError(f"{cls.__name__} needs `from __future__ import annotations` in its module")
        if kind.startswith("ClassVar"):
            continue
        if name not in said:
            fields[name] = _PLAIN
            continue
        value = said[name]
        each = value if isinstance(value, _Field) else _Field(value)
        if type(each.default).__hash__ is None:
            raise ValueError(f"the default of {name} could be changed: use a factory")
        fields[name] = each
    return fields


def _init(cls: type, fields: Mapping[str, _Field], *, frozen: bool) -> Callable[..., None]:
    put: Callable[[object, str, object], None] = object.__setattr__ if frozen else setattr
    post = any(
        "__post_init__" in vars(base) for base in cls.__mro__
    )  # `hasattr` takes longer for a new class
    names, optional = (*fields,), [each.optional for each in fields.values()]
    if optional != sorted(optional):
        raise TypeError(f"{cls.__name__}: non-default argument follows default argument")

    missing = _defaults_from(fields)

    def __init__(self: Any, /, *values: Any, **named: Any) -> None:  # noqa: N807 - it is one
        if named:
            values = _all_values(cls, fields, values, named)
        elif len(values) != len(names):
            more = missing.get(len(values))
            values = (*values, *more) if more is not None else _all_values(cls, fields, values, named)
        # `put` returns None: `any` goes through all of them, without a step of the interpreter for each
        any(map(put, repeat(self), names, values))
        if post:
            self.__post_init__()

    return __init__


def _defaults_from(fields: Mapping[str, _Field]) -> Mapping[int, tuple[object, ...]]:
    """Return the defaults of the last fields, by the position of the first; as far as none has a factory."""
    found: dict[int, tuple[object, ...]] = {}
    last: tuple[object, ...] = ()
    for position, each in reversed([*enumerate(fields.values())]):
        if each.default is _MISSING:
            break
        last = (each.default, *last)
        found[position] = last
    return found


def _all_values(
    cls: type, fields: Mapping[str, _Field], values: Sequence[object], named: Mapping[str, object]
) -> tuple[object, ...]:
    found, taken = [*values], 0
    for name, each in islice(fields.items(), len(values), None):
        if name in named:
            taken += 1
            found.append(named[name])
        elif each.factory is not _MISSING:
            found.append(each.factory())
        elif each.default is not _MISSING:
            found.append(each.default)
        else:
            _raise_misfit(cls, fields, values, named)
    if taken != len(named) or len(found) != len(fields):
        _raise_misfit(cls, fields, values, named)
    return tuple(found)


def _raise_misfit(
    cls: type, fields: Mapping[str, _Field], values: Sequence[object], named: Mapping[str, object]
) -> NoReturn:
    """Let the standard library say what is wrong with arguments."""
    _model_of(cls.__qualname__, fields)(*values, **named)
    raise AssertionError("the arguments fit")


def _fields_of(record: object) -> Mapping[str, _Field]:
    fields: Mapping[str, _Field] = getattr(type(record), _FIELDS)
    return fields


def _values(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    """Return what takes the values of some fields, as fast as compiled code would."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _repr(self: object) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, each in _fields_of(self).items() if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(values: Callable[[object], tuple[object, ...]]) -> Callable[[object, object], bool]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807 - it is one
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return __eq__


def _hash(values: Callable[[object], tuple[object, ...]]) -> Callable[[object], int]:
    def __hash__(self: object) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _refuse(self: object, name: str, *_value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError  # only when something is wrong

    raise FrozenInstanceError(f"cannot change field {name!r}")


def _state(self: object) -> list[object]:
    return [getattr(self, name) for name in _fields_of(self)]


def _set_state(self: object, state: list[object]) -> None:
    for name, value in zip(_fields_of(self), state, strict=True):
        object.__setattr__(self, name, value)


class _FromModel:
    """What only tools ask for, taken from a dataclass of the standard library with the same fields."""

    def __init__(self, name: str, take: Callable[[Any], object]) -> None:
        self._name, self._take = name, take

    def __get__(self, _instance: object, owner: type) -> Any:
        made = self._take(_model_of(owner.__name__, getattr(owner, _FIELDS)))
        if _FIELDS in vars(owner):  # the next one takes no time: `replace` asks twice for each record
            setattr(owner, self._name, made)
        return made


def _model_of(name: str, fields: Mapping[str, _Field]) -> Any:
    from .recordmodels import model  # only for tools, and when something is wrong

    return model(name, {field_name: each.said for field_name, each in fields.items()})


def _signature_of(model: Any) -> object:
    from inspect import signature

    return signature(model)


class _Parameters:
    """What the standard library wants to know of a class that one of its own inherits from."""

    def __init__(self, frozen: bool) -> None:
        self.frozen = frozen


_OPEN: Mapping[str, object] = {
    _STANDARD: _FromModel(_STANDARD, attrgetter(_STANDARD)),
    "__dataclass_params__": _Parameters(frozen=False),
    "__signature__": _FromModel("__signature__", _signature_of),
}
_FROZEN: Mapping[str, object] = {**_OPEN, "__dataclass_params__": _Parameters(frozen=True)}
"""What all classes have alike."""


if TYPE_CHECKING:  # for the type checker they are those of the standard library
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
