"""Plain data: what a manifest holds as dicts, lists and scalars, and how to reach into it.

Nothing here changes what it is given; data is shared between objects and must stay as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Plain = dict[str, Any]
"""A manifest's root, or any map in it."""

Steps = tuple[str | int, ...]
"""Where something stands in it: keys, and positions in lists."""


def dig(data: object, *keys: str) -> Any:
    """What is under nested keys, or None."""
    for key in keys:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def text(data: object, *keys: str) -> str | None:
    """The text under nested keys, or None."""
    found = dig(data, *keys)
    return found if isinstance(found, str) and found else None


def maps(data: object, *keys: str) -> list[Plain]:
    """The maps in the list under nested keys."""
    found = dig(data, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(data: object, *keys: str) -> tuple[str, ...]:
    """The texts in the list under nested keys."""
    found = dig(data, *keys)
    return tuple(item for item in found if isinstance(item, str) and item) if isinstance(found, list) else ()


def pairs(data: object, *keys: str) -> dict[str, str]:
    """The texts of a map by key, numbers and booleans as they would be written; others are left out."""
    found = dig(data, *keys)
    if not isinstance(found, dict):
        return {}
    shown = {key: _scalar(value) for key, value in found.items()}
    return {key: value for key, value in shown.items() if value is not None}


def walk(data: object, steps: Steps = ()) -> Iterator[tuple[Steps, Plain]]:
    """Every map in data, with where it stands, outer ones first."""
    waiting: list[tuple[Steps, object]] = [(steps, data)]
    while waiting:
        here, value = waiting.pop()
        if isinstance(value, dict):
            yield here, value
            inner = [((*here, key), item) for key, item in value.items() if isinstance(item, (dict, list))]
            waiting += reversed(inner)
        elif isinstance(value, list):
            waiting += reversed(
                [((*here, index), item) for index, item in enumerate(value) if isinstance(item, (dict, list))]
            )


def changed_texts(data: Any, change: Callable[[str], str]) -> Any:
    """The data with every text in it changed, keys too; what does not change is shared."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        made = {change(key): changed_texts(value, change) for key, value in data.items()}
        same = all(made.get(key) is value for key, value in data.items())
        return data if same and len(made) == len(data) else made
    if isinstance(data, list):
        items = [changed_texts(item, change) for item in data]
        same = all(new is old for new, old in zip(items, data, strict=True))
        return data if same else items
    return data


def with_value(data: Any, steps: Steps, value: Any) -> Any:
    """The data with another value at a place; maps that are missing on the way are made."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        known = data if isinstance(data, dict) else {}
        return {**known, step: with_value(known.get(step), rest, value)}
    items = list(data) if isinstance(data, list) else []
    if step < len(items):
        items[step] = with_value(items[step], rest, value)
    return items


def _scalar(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None
