"""Values of a plain document set and removed in its text; every other character stays where it is.

Each format's `Changer` lists the edits it would make, preferred ones first. Here they are tried: an edit
counts only if the text, read again, holds exactly the wanted data and every comment that was not part of
what was replaced.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.sops.document import (
    Comment,
    Data,
    Document,
    Entry,
    Mapping,
    Path,
    find,
    nested,
    show_path,
    to_data,
    walk,
)
from fluxsecrets.sops.document import (
    Sequence as Items,
)
from fluxsecrets.sops.values import canonical_bytes, scalar_text

from . import Edit, Format, Limits, apply_edits, encode_text

_MERGE_KEY = "<<"


def set_value(
    format_: Format, document: Document, path: Path, value: Data, limits: Limits, *, part: int = 0
) -> bytes:
    """The text of a plain document with one value set.

    Args:
        format_: the document's format.
        document: plain, from `format_.parse`.
        path: where; missing maps and lists on the way are made. A list position that equals the list's
            length appends; negative ones count from the end.
        value: a scalar, a map or a list; formats that know text only take scalars, as text.
        limits: for reading the result.
        part: which YAML document, from 0.

    Raises:
        FormatError: the path leads through a single value or beyond a list's end, or the text could not be
            changed without changing anything else. No value is in the message.
    """
    path = _counted(document.parts[part], path)
    if not isinstance(value, dict | list) and format_.levels is not None:
        value = scalar_text(value)
    expected = [to_data(root) for root in document.parts]
    before, expected[part] = expected[part], _with(expected[part], path, value, ())
    if _same(before, expected[part]):
        return encode_text(document.source, bom=bool(getattr(document.layout, "bom", False)))
    changer = format_.changer(document)
    return _first_that_holds(
        format_, document, changer.setting(part, path, value), expected, limits, path=path
    )


def append_texts(
    format_: Format, document: Document, path: Path, texts: Sequence[str], limits: Limits, *, part: int = 0
) -> bytes:
    """The text of a plain document with more items at the end of a list, as `set_value` adds one by one.

    That reads the text again for each item, which takes a time that grows with the square. So the second item
    shows what one adds to the text, and the others are added likewise, all at once.

    Args:
        format_: the document's format.
        document: plain, from `format_.parse`.
        path: of the list; a missing one is made.
        texts: the new items, at least one.
        limits: for reading the result.
        part: which YAML document, from 0.

    Raises:
        FormatError: see `set_value`.
    """
    data, before = b"", document
    for number, text in enumerate(texts):
        if number == 2 and all(re.fullmatch(_WRITTEN_AS_IT_IS, each) for each in texts):
            with suppress(FormatError):  # one by one, then
                return _likewise(format_, (before, document), path, texts[number - 1 :], limits, part)
        place = (*path, len(_items(document, path, part)))
        data = set_value(format_, document, place, text, limits, part=part)
        if number + 1 < len(texts):
            before, document = document, format_.parse(data, limits)
    return data


_WRITTEN_AS_IT_IS = r"(?a)[./]*[A-Za-z][\w./-]*\.[a-z]+"
"""Paths that need no quotes in any format."""


def _items(document: Document, path: Path, part: int) -> list[Data]:
    listed = find(document.parts[part], path)
    nodes = listed.items if isinstance(listed, Items) else ()
    return [to_data(node) for node in nodes if not isinstance(node, Comment)]


def _likewise(
    format_: Format,
    states: tuple[Document, Document],
    path: Path,
    texts: Sequence[str],
    limits: Limits,
    part: int,
) -> bytes:
    """The text with all other items, written as the first one of the texts was between two states."""
    before, document = (each.source for each in states)
    pairs = enumerate(zip(before, document, strict=False))
    start = next((at for at, (old, new) in pairs if old != new), len(before))
    end = start + len(document) - len(before)
    added, (first, *rest) = document[start:end], texts
    if added.count(first) != 1:
        raise FormatError("the text does not show how an item is added")
    edit = (end, end, "".join(added.replace(first, each) for each in rest))
    now = states[1]
    expected = [to_data(root) for root in now.parts]
    expected[part] = _with(expected[part], path, [*_items(now, path, part), *rest], ())
    return _first_that_holds(format_, now, iter([[edit]]), expected, limits, path=path)


def remove_value(format_: Format, document: Document, path: Path, limits: Limits, *, part: int = 0) -> bytes:
    """The text of a plain document without a key or list item, and without the comments that are its own.

    Args:
        format_: the document's format.
        document: plain, from `format_.parse`.
        path: what to remove; a map or list that gets empty stays, as `{}` or `[]`.
        limits: for reading the result.
        part: which YAML document, from 0.

    Raises:
        FormatError: there is no such value, or it could not be removed without changing anything else.
    """
    path = _counted(document.parts[part], path)
    expected = [to_data(root) for root in document.parts]
    expected[part] = _without(expected[part], path, ())
    if not any(expected):
        raise FormatError(
            f"{show_path(path)} is the only value in the file",
            hint="delete the file itself, and remove what refers to it",
        )
    changer = format_.changer(document)
    return _first_that_holds(format_, document, changer.removing(part, path), expected, limits, path=path)


def _first_that_holds(
    format_: Format,
    document: Document,
    candidates: Iterator[list[Edit]],
    expected: Sequence[Data],
    limits: Limits,
    *,
    path: Path,
) -> bytes:
    reason = "the text would hold other values afterwards"
    for edits in candidates:
        text = apply_edits(document.source, edits)
        data = encode_text(text, bom=bool(getattr(document.layout, "bom", False)))
        try:
            changed = format_.parse(data, limits)
        except FluxsecretsError as error:
            reason = f"the text would not be readable afterwards: {error.message}"
            continue
        found = [to_data(root) for root in changed.parts]
        if not _same(found, list(expected)):
            reason = "the text would hold other values afterwards"
        elif changed.metadata is not None or _comments(changed) != _comments(document, edits):
            reason = "a comment would be lost"
        else:
            return data
    raise FormatError(
        f"{show_path(path)} cannot be changed without touching the text around it: {reason}",
        hint="change the text yourself with `fluxsecrets edit FILE`",
    )


def _comments(document: Document, edits: Sequence[Edit] = ()) -> Counter[str]:
    """The texts of the comments outside of all replaced spans."""
    return Counter(
        item.text.strip()
        for _, item in walk(document)
        if isinstance(item, Comment)
        and not any(start <= item.start and item.end <= end and start < end for start, end, _ in edits)
    )


def refuse_merge_key(root: Mapping, path: Path) -> None:
    """Refuse a path that leads through a YAML merge key: what is below it belongs to the map around it.

    Raises:
        FormatError: it does.
    """
    for at, step in enumerate(path):
        inside = find(root, path[:at]) if step == _MERGE_KEY else None
        entries = inside.entries if isinstance(inside, Mapping) else ()
        if any(isinstance(each, Entry) and each.merge and each.key == step for each in entries):
            raise FormatError(
                f"{show_path(path[: at + 1])} is a YAML merge key: its keys are those of the map around it",
                hint="change the text yourself with `fluxsecrets edit FILE`",
            )


def _counted(root: Mapping, path: Path) -> Path:
    """The path with negative list positions counted from the start.

    Raises:
        FormatError: an empty path, one through a merge key, or a position before the list's start.
    """
    if not path:
        raise FormatError("the file as a whole is not a value that can be changed", hint="name a key in it")
    refuse_merge_key(root, path)
    data: Data = to_data(root)
    steps: list[str | int] = []
    for step in path:
        number = step
        if isinstance(step, int) and step < 0:
            length = len(data) if isinstance(data, list) else 0
            if length + step < 0:
                raise FormatError(f"there is no list item {show_path((*steps, step))}")
            number = length + step
        steps.append(number)
        if isinstance(data, dict) and isinstance(number, str):
            data = data.get(number)
        elif isinstance(data, list) and isinstance(number, int) and number < len(data):
            data = data[number]
        else:
            data = None
    return tuple(steps)


def _with(data: Data, path: Path, value: Data, done: Path) -> Data:
    step, rest = path[0], path[1:]
    if data is None:
        return nested(path, value)
    if isinstance(data, dict) and isinstance(step, str):
        new = _with(data[step], rest, value, (*done, step)) if rest and step in data else nested(rest, value)
        return {**data, step: new}
    if isinstance(data, list) and isinstance(step, int):
        if step > len(data):
            raise FormatError(
                f"the list {show_path(done)} has {len(data)} items, so item {step} cannot be added yet",
                hint=f"the next one to add is {show_path((*done, len(data)))}",
            )
        if step == len(data):
            return [*data, nested(rest, value)]
        new = _with(data[step], rest, value, (*done, step)) if rest else value
        return [*data[:step], new, *data[step + 1 :]]
    raise _mismatch(data, step, done)


def _without(data: Data, path: Path, done: Path) -> Data:
    step, rest = path[0], path[1:]
    if isinstance(data, dict) and isinstance(step, str) and step in data:
        if rest:
            return {**data, step: _without(data[step], rest, (*done, step))}
        return {key: value for key, value in data.items() if key != step}
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        inner = [_without(data[step], rest, (*done, step))] if rest else []
        return [*data[:step], *inner, *data[step + 1 :]]
    raise FormatError(f"there is no {show_path((*done, *path))} in the file")


def _mismatch(data: Data, step: str | int, done: Path) -> FormatError:
    kind = "a map" if isinstance(data, dict) else "a list" if isinstance(data, list) else "a single value"
    wanted = "a list item" if isinstance(step, int) else "a key"
    return FormatError(
        f"{show_path(done) or 'the file'} is {kind}, so {wanted} below it cannot be set",
        hint="check the path, or set the whole value with --json",
    )


def _same(first: Data, second: Data) -> bool:
    """Equal in types too: `1`, `1.0`, `True` and `"1"` differ, and NaN is NaN."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        return False
    return type(first) is type(second) and canonical_bytes(first) == canonical_bytes(second)
