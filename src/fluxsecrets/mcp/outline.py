"""The outline of a command's JSON output as a schema: its fields, and what kind each is.

The whole schemas are in docs/schema. They would fill an agent's context before its first call.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from .parameters import Schema

_KINDS: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}


def outline(made_of: type) -> Schema:
    """Return the schema of the fields of a type of `report.wire`."""
    fields = {name: _kind(hint) for name, hint in get_type_hints(made_of).items()}
    return {"type": "object", "properties": fields}


def _kind(hint: Any) -> Schema:
    names = [*dict.fromkeys(_names(hint))]
    return {"type": names[0] if len(names) == 1 else names}


def _names(hint: Any) -> list[str]:
    if get_origin(hint) in (Union, UnionType):
        return [name for part in get_args(hint) for name in _names(part)]
    if get_origin(hint) is Literal:
        return [_KINDS[type(word)] for word in get_args(hint)]
    if hint is NoneType:
        return ["null"]
    return ["object" if is_typeddict(hint) else _KINDS[get_origin(hint) or hint]]
