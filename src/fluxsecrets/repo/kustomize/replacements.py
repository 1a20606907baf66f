"""kustomize's `replacements`: a value of one object, copied into fields of others.

Follows kustomize's api/filters/replacement. Real repositories set `spec.targetNamespace` of Flux
Kustomizations by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.manifests import Plain, dig, dig_steps, maps, pairs, text, texts, with_value
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.sops.formats.yaml.scalars import ScalarError, resolve_plain

from .identity import shown_as
from .patches import PatchError, Target, is_source, read_target, selects_for_replacement
from .sizes import is_larger

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
        source: the object that the value is of; exactly one must fit. None for a value in place.
        path, part: where it stands in that object.
        goals: where it goes.
        file, line: where the replacement is written.
        value: `sourceValue`. Not in the repr.
    """

    source: Target | None
    path: str
    part: Part
    goals: tuple[Goal, ...]
    file: str
    line: int
    value: str = field(default="", repr=False)


class NotModelledError(ValueError):
    """Something that kustomize does and this does not; the text says what."""


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
        NotModelledError: it creates items of lists, or looks into YAML or JSON in a text, or
            copies too much.
    """
    value = _value(replacement, objects)
    if is_larger(value):
        raise NotModelledError("a replacement that copies so many values")
    return [_changed(replacement, item, value) for item in objects]


def _value(replacement: Replacement, objects: Sequence[Object]) -> Any:
    if replacement.source is None:
        return replacement.value
    source = replacement.source
    found = [item for item in objects if is_source(source, item.data, item.all_names)]
    if len(found) != 1:
        what = "multiple matches for selector" if found else "nothing selected by"
        raise PatchError(f"{what} {_shown(source)}")
    places = list(_places(found[0].data, _steps(replacement.path), create=False))
    value = dig_steps(found[0].data, places[0]) if len(places) == 1 else None
    if value is None or value in ({}, []):
        raise PatchError(f"fieldPath `{replacement.path}` is missing for replacement source {_shown(source)}")
    if not replacement.part.delimiter:
        return value
    if isinstance(value, (dict, list)):
        raise PatchError("delimiter option can only be used with scalar nodes")
    pieces = as_text(value).split(replacement.part.delimiter)
    if not 0 <= replacement.part.index < len(pieces):
        raise PatchError(f"options.index {replacement.part.index} is out of bounds")
    return pieces[replacement.part.index]


def as_text(value: object) -> str:
    """A single value as it is written."""
    return pairs({"": value}).get("", "")


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
            places = list(_places(data, _steps(path), create=goal.part.create))
            if not places:
                verb = "find or create" if goal.part.create else "find"
                raise PatchError(f'unable to {verb} field "{path}" in replacement target')
            for place in places:
                data = with_value(data, place, _joined(dig_steps(data, place), goal.part, value))
    return item if data is item.data else with_data(item, data)


def _joined(before: Any, part: Part, value: Any) -> Any:
    """The new value of a field: of the type of the old one, or a part of it where `delimiter` says so."""
    if part.delimiter:
        if before is None or isinstance(before, (dict, list)):
            raise PatchError("delimiter option can only be used with scalar nodes")
        pieces = as_text(before).split(part.delimiter)
        if part.index < 0:
            pieces.insert(0, as_text(value))
        elif part.index >= len(pieces):
            pieces.append(as_text(value))
        else:
            pieces[part.index] = as_text(value)
        value = part.delimiter.join(pieces)
    if before is None or isinstance(before, (dict, list)):
        return value
    if isinstance(value, (dict, list)):
        return ""  # of a map and of a list kustomize takes the text, which they do not have
    if isinstance(before, str):
        return "null" if value is None else as_text(value)
    read = resolved(as_text(value))
    return read if type(read) is type(before) else value


def resolved(text: str) -> object:
    """What a plain scalar in YAML stands for; the text itself where that is not valid."""
    try:
        return resolve_plain(text)
    except ScalarError:
        return text


def _shown(target: Target) -> str:
    version = f"{target.group}/{target.version}" if target.group else target.version
    return shown_as(version, target.kind, target.name, target.namespace or None)


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
        if step.lstrip("-").isdigit() and not create and int(step) >= len(data):
            raise PatchError(f"index {step} specified but only {len(data)} elements found")
        fitting = [index for index, item in enumerate(data) if _is_item(step, index, item)]
        if create and not fitting and step != "*":
            raise NotModelledError("a replacement that creates an item of a list")
        for index in fitting:
            yield from _places(data[index], rest, (*done, index), create=create)
    elif isinstance(data, dict):
        for key in list(data) if step == "*" else [step]:
            if data.get(key) is not None or (key in data and not rest):
                yield from _places(data[key], rest, (*done, key), create=create)
            elif create and all(piece[:1] != "[" and piece != "*" and not piece.isdigit() for piece in rest):
                yield (*done, key, *rest)
            elif create:
                raise NotModelledError("a replacement that creates an item of a list")
    elif isinstance(data, str) and done:
        raise NotModelledError("a replacement inside of a text")


def _is_item(step: str, index: int, item: object) -> bool:
    named = re.fullmatch(r"\[([^=\]]+)=(.*)\]", step)
    if named is not None:
        return str(dig(item, named[1])) == named[2]
    return step in ("*", str(index))


def _read(entry: object, file: str, line: int) -> Replacement:
    source, value = read_target(dig(entry, "source")), dig(entry, "sourceValue")
    goals = tuple(_goal(goal) for goal in maps(entry, "targets"))
    if (source is None and value is None) or not goals:
        raise PatchError("replacements must specify a source and at least one target")
    if source is not None and value is not None:
        raise PatchError("value and resource selectors are mutually exclusive")
    path = text(entry, "source", "fieldPath") or _DEFAULT_PATH
    part = _part(dig(entry, "source", "options"))
    return Replacement(source, path, part, goals, file, line, as_text(value))


def _goal(data: Plain) -> Goal:
    select = read_target(data.get("select"))
    if select is None:
        raise PatchError("target must specify resources to select")
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
