"""TOML with tables: written anew, without comments."""

from __future__ import annotations

import json
import re
from datetime import date, time
from typing import Any

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.names import field
from fluxsecrets.placeholders.typed import typed
from fluxsecrets.sops.values import scalar_text

_TABLE = re.compile(r"(?m)^[ \t]*\[{1,2}[\w.\"' -]+\]{1,2}[ \t]*(?:#.*)?$")
_SUFFIX = ".toml"
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def _make(text: str, maker: Maker) -> str | None:
    if "=" not in text or not (maker.name.endswith(_SUFFIX) or _TABLE.search(text)):
        return None
    import tomllib

    try:
        found = tomllib.loads(text)
        return "\n".join(_table(found, (), maker)).lstrip("\n") if found else None
    except (ValueError, RecursionError):
        return None


def _table(table: dict[str, Any], path: tuple[str, ...], maker: Maker) -> list[str]:
    """Lines of a table: its own values first, then the tables in it."""
    lines, below = [], []
    for name, value in table.items():
        key = _key(name, maker)
        if isinstance(value, dict):
            here = (*path, key)
            inner = _table(value, here, maker)
            below += inner if inner[:1] == [""] else ["", f"[{'.'.join(here)}]", *inner]
        else:
            lines.append(f"{key} = {_value(value, name, maker)}")
    return lines + below


def _key(name: str, maker: Maker) -> str:
    found = field(name, maker)
    return found if _BARE.fullmatch(found) else json.dumps(found)


def _value(value: Any, name: str, maker: Maker) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(each, name, maker) for each in value)}]"
    if isinstance(value, dict):
        inner = (f"{_key(key, maker)} = {_value(each, key, maker)}" for key, each in value.items())
        return f"{{ {', '.join(inner)} }}"
    if isinstance(value, date):  # so is a time with its date
        return maker.part(value.isoformat())
    if isinstance(value, time):
        return f"{maker.draw('clock', value.isoformat()).below(24):02}:00:00"
    masked = typed(value, maker, name)
    return json.dumps(masked) if isinstance(masked, str) else scalar_text(masked)


SHAPE = Shape("toml", _make)
