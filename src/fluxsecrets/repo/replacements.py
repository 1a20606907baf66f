"""kustomize's `replacements`: a value of one object, copied into fields of others.

Follows kustomize's api/filters/replacement. Real repositories set `spec.targetNamespace` of Flux
Kustomizations by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .manifests import Plain, dig, maps, text, texts, with_value
from .objects import Object, with_data
from .patches import PatchError, Target, is_source, read_target, selects_for_replacement

_DEFAULT_PATH = "metadata.name"


@dataclass(frozen=True, slots=True)
class Part:
    """`options`: which part of a text to use, and whether to create a missing field."""

    delimiter: str = ""
    index: int = 0
    create: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """One of `targets`."""

    select: Target
    reject: tuple[Target, ...]
    paths: tuple[str, ...]
    part: Part


@dataclass(frozen=True, slots=True)
class Replacement:
    """One replacement.

    Attributes:
        source: the object that the value is of; exactly one must fit.
        path, part: where it stands in that object.
        goals: where it goes.
        file, line: where the replacement is written.
    """

    source: Target
    path: str
    part: Part
    goals: tuple[Goal, ...]
    file: str
    line: int


def read_replacements(data: object, file: str, line: int) -> tuple[Replacement, ...]:
    """One entry of `replacements`, or the content of a file that one names.

    Raises:
        PatchError: a source or a target is missing.
    """
    entries = data if isinstance(data, list) else [data]
    return tuple(_read(entry, file, line) for entry in entries)


def replace_values(replacement: Replacement, objects: Sequence[Object]) -> list[Object]:
    """The objects after a replacement.

    Raises:
        PatchError: not exactly one object is the source, or a field is not there.
    """
    sources = [item for item in objects if is_source(replacement.source, item.data, item.all_names)]
    if len(sources) != 1:
        raise PatchError(f"{len(sources)} objects are its source, expected one")
    found = list(_places(sources[0].data, _steps(replacement.path), create=False))
    if len(found) != 1:
        raise PatchError("its source has no such field")
    value = dig_steps(sources[0].data, found[0])
    if replacement.part.delimiter:
        pieces = str(value).split(replacement.part.delimiter)
        if not 0 <= replacement.part.index < len(pieces):
            raise PatchError("its source has fewer parts")
        value = pieces[replacement.part.index]
    return [_changed(replacement, item, value) for item in objects]


def dig_steps(data: Any, steps: Sequence[str | int]) -> Any:
    """What stands at a place that is there."""
    for step in steps:
        data = data[step]
    return data


def _changed(replacement: Replacement, item: Object, value: Any) -> Object:
    data = item.data
    for goal in replacement.goals:
        if not selects_for_replacement(goal.select, item.data, item.all_names):
            continue
        if any(
            selects_for_replacement(reject, item.data, item.all_names, rejects=True) for reject in goal.reject
        ):
            continue
        for path in goal.paths:
            for place in _places(data, _steps(path), create=goal.part.create):
                data = with_value(data, place, _joined(data, place, goal.part, value))
    return item if data is item.data else with_data(item, data)


def _joined(data: Plain, place: tuple[str | int, ...], part: Part, value: Any) -> Any:
    if not part.delimiter:
        return _in_place_of(data, place, value)
    try:
        pieces = str(dig_steps(data, place)).split(part.delimiter)
    except (KeyError, IndexError, TypeError):
        return value
    if part.index < 0:
        pieces.insert(0, str(value))
    elif part.index >= len(pieces):
        pieces.append(str(value))
    else:
        pieces[part.index] = str(value)
    return part.delimiter.join(pieces)


def _in_place_of(data: Plain, place: tuple[str | int, ...], value: Any) -> Any:
    """A value as kustomize writes it over another: a text stays one, and gets nothing of a map or list."""
    try:
        old = dig_steps(data, place)
    except (KeyError, IndexError, TypeError):
        return value
    if not isinstance(old, str) or isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return "" if value is not None else "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _steps(path: str) -> list[str]:
    """`spec.containers.[name=web].image` as steps; a dot after a backslash belongs to a key."""
    pieces = re.findall(r"\[[^\]]*\]|(?:\\.|[^.\\])+", path)
    return [piece if piece.startswith("[") else piece.replace("\\.", ".") for piece in pieces]


def _places(
    data: Any, steps: Sequence[str], done: tuple[str | int, ...] = (), *, create: bool
) -> Iterator[tuple[str | int, ...]]:
    """The places that a path means: one, or several where it has a `*`."""
    if not steps:
        yield done
        return
    step, rest = steps[0], steps[1:]
    if isinstance(data, list):
        for index, item in enumerate(data):
            if _is_item(step, index, item):
                yield from _places(item, rest, (*done, index), create=create)
    elif isinstance(data, dict):
        for key in list(data) if step == "*" else [step]:
            if key in data or create:
                yield from _places(data.get(key), rest, (*done, key), create=create)
    elif data is None and create and not any(piece.startswith("[") or piece == "*" for piece in steps):
        yield (*done, *steps)


def _is_item(step: str, index: int, item: object) -> bool:
    named = re.fullmatch(r"\[([^=\]]+)=(.*)\]", step)
    if named is not None:
        return str(dig(item, named[1])) == named[2]
    return step in ("*", str(index))


def _read(entry: object, file: str, line: int) -> Replacement:
    source = read_target(dig(entry, "source"))
    goals = tuple(_goal(goal) for goal in maps(entry, "targets"))
    if source is None or not goals:
        raise PatchError("a replacement needs a source and targets")
    path = text(entry, "source", "fieldPath") or _DEFAULT_PATH
    return Replacement(source, path, _part(dig(entry, "source", "options")), goals, file, line)


def _goal(data: Plain) -> Goal:
    select = read_target(data.get("select"))
    if select is None:
        raise PatchError("a target of a replacement selects nothing")
    reject = (read_target(each) for each in maps(data, "reject"))
    return Goal(
        select,
        tuple(each for each in reject if each is not None),
        texts(data, "fieldPaths") or (_DEFAULT_PATH,),
        _part(data.get("options")),
    )


def _part(data: object) -> Part:
    index = dig(data, "index")
    return Part(
        text(data, "delimiter") or "", index if isinstance(index, int) else 0, dig(data, "create") is True
    )
