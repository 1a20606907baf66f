"""A map or list in JSON: names of fields stay if they are names, and each value is masked as its own text."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from fluxsecrets.placeholders.logins import FIELDS, login
from fluxsecrets.placeholders.model import DEEPEST, Maker, Shape
from fluxsecrets.placeholders.names import field
from fluxsecrets.placeholders.typed import typed

_DEEPEST = 60
_INDENT = re.compile(r"\n( +)\S")


class _Pairs(NamedTuple):
    """A map as it is written: a name may be in it twice."""

    items: tuple[tuple[str, Any], ...]


class _Number(NamedTuple):
    text: str


class _Writer(NamedTuple):
    maker: Maker
    indent: int | None
    item: str
    colon: str

    def write(self, value: Any, name: str, depth: int) -> str:
        if depth > _DEEPEST:
            return '""'
        if isinstance(value, list):
            return self._around("[", "]", [self.write(each, name, depth + 1) for each in value], depth)
        if isinstance(value, _Pairs):
            inner = [
                f"{json.dumps(field(key, self.maker))}{self.colon}{self.write(each, key, depth + 1)}"
                for key, each in value.items
            ]
            return self._around("{", "}", inner, depth)
        return self._scalar(value, name)

    def _scalar(self, value: _Number | str | bool | None, name: str) -> str:
        if isinstance(value, _Number):
            return _number(value.text, self.maker, name)
        found = login(value, self.maker) if name in FIELDS and isinstance(value, str) else None
        return json.dumps(typed(value, self.maker, name) if found is None else found)

    def _around(self, opening: str, closing: str, inner: list[str], depth: int) -> str:
        if not inner or self.indent is None:
            return f"{opening}{self.item.join(inner)}{closing}"
        step = "\n" + " " * self.indent * (depth + 1)
        return f"{opening}{step}{f',{step}'.join(inner)}\n{' ' * self.indent * depth}{closing}"


def _number(text: str, maker: Maker, name: str) -> str:
    """Return a number that is one in JSON."""
    # What is nested too deeply gets a mark elsewhere, which is not a number.
    if maker.depth < DEEPEST and re.fullmatch(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", text):
        return maker.part(text, name)
    draw = maker.draw("number", text)
    return f"{draw.below(10)}.{1 + draw.apart('fraction').below(9998):04}"


def _make(text: str, maker: Maker) -> str | None:
    if text[0] not in "{[" or text[-1] not in "}]":
        return None
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _Pairs(tuple(pairs)),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        return None
    match = _INDENT.search(text)
    indent = len(match[1]) if match else None
    item, colon = ", " if ", " in text else ",", ": " if '": ' in text else ":"
    return _Writer(maker, indent, item, colon).write(value, "", 0)


def _refuse(_: str) -> None:
    """NaN and infinities are not JSON.

    Raises:
        ValueError: always.
    """
    raise ValueError("not JSON")


SHAPE = Shape("json", _make)
