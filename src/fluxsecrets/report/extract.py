"""Values that were extracted from manifests, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.extract.model import Extracted, ExtractResult, Left
from fluxsecrets.shell import command_for

from .alike import MOST, SHOWN, shape
from .base import Base, here
from .json import page
from .page import Note, Page, Table
from .text import Cell, Row, counted, printable

if TYPE_CHECKING:
    from .wire import extract as wire


def _text_page(done: ExtractResult) -> Page:
    for each in done.files:
        for warning in each.warnings:
            yield Note(f"warning: {printable(each.path)}: {printable(warning)}")
    for warning in done.warnings:
        yield Note(f"warning: {printable(warning)}")
    yield Table(
        [*_candidates(done), *(row for each in done.files for row in _rows(each, done)), *_listing(done)]
    )
    for causes in _by_cause(done.left):
        yield from map(Note, _left_lines(causes))
    yield from map(Note, _summary(done))


def _by_cause(left: Iterable[Left]) -> Iterable[Sequence[Left]]:
    """Values that stay for one reason, together; the reasons in the order in which they come first."""
    groups: dict[str, list[Left]] = {}
    for each in left:
        groups.setdefault(shape(each.reason), []).append(each)
    return groups.values()


def _left_lines(left: Sequence[Left]) -> Iterator[str]:
    """The reason once, with the first value's names, and the places of all values or of the first few."""
    if len(left) == 1:
        yield f"left: {_place(left[0])}: {printable(left[0].reason)}"
        return
    yield f"left: {counted(len(left), 'place')}, such as {_place(left[0])}: {printable(left[0].reason)}"
    shown = left[1:] if len(left) <= MOST else left[1:SHOWN]
    yield from (f"  {_place(each)}" for each in shown)
    if len(shown) + 1 < len(left):
        yield f"  and {len(left) - len(shown) - 1} more for this reason; --format json lists all"


def _place(left: Left) -> str:
    return f"{printable(left.path)}:{left.line}: {printable(left.key)}"


def _candidates(done: ExtractResult) -> Iterator[Row]:
    for each in done.candidates:
        place = f"{printable(each.path)}:{each.line}"
        yield Cell(place), Cell(printable(each.object)), Cell(printable(each.key))


def _rows(each: Extracted, done: ExtractResult) -> Iterator[Row]:
    would = "would " if done.dry_run else ""
    moved = "would extract" if done.dry_run else "extracted"
    for value in sorted(each.values, key=lambda value: value.line):
        yield (
            Cell(f"{printable(each.path)}:{value.line}"),
            Cell(moved),
            Cell(printable(value.key)),
            Cell(printable(value.how)),
        )
    verb = _verb("create" if each.created else "extend", would)
    keys = counted(len({value.secret_key for value in each.values}), "key")
    readers = ", ".join(each.recipients)
    yield (
        Cell(printable(each.secret_path)),
        Cell(verb),
        Cell(printable(f"Secret {each.secret}, {keys}")),
        Cell(printable(readers)),
    )
    for path in each.readers:
        yield Cell(printable(path)), Cell(_verb("change", would)), Cell("refers to the Secret"), Cell("")


def _listing(done: ExtractResult) -> Iterator[Row]:
    """Kustomization files, each once, whatever number of Secrets it lists now."""
    would = "would " if done.dry_run else ""
    new = Counter(path for each in done.files for path in each.kustomizations)
    for path, count in new.items():
        what = "lists it under resources" if count == 1 else f"lists {count} new files under resources"
        yield Cell(printable(path)), Cell(_verb("change", would)), Cell(what), Cell("")


def _verb(verb: str, would: str) -> str:
    return f"{would}{verb}" if would else f"{verb}ed" if verb == "extend" else f"{verb}d"


def _summary(done: ExtractResult) -> Iterator[str]:
    count = sum(len(each.values) for each in done.files)
    if not done.files:
        if done.candidates:
            path = done.candidates[0].path
            yield f"to extract one: `{printable(command_for('extract', (path, 'KEY')))}`"
        elif done.left:
            yield f"nothing can be extracted; {counted(len(done.left), 'place')} left"
        else:
            yield "nothing to extract"
        return
    applied = all(each.environments for each in done.files) and not done.warnings
    values = counted(count, "value")
    if done.dry_run:
        same = ", and Flux would apply the same" if applied else ""
        yield f"nothing was written; {values} would be extracted{same}{_left(done)}"
        return
    same = "; Flux applies the same when all files are pushed together" if applied else ""
    yield f"{values} extracted{same}{_left(done)}"
    if any(not each.environments for each in done.files):
        yield "no Kustomization here applies the manifest, so only the file itself was checked"
    if any(each.in_history for each in done.files):
        yield (
            "git's history still has the values in plain text: change them where they are checked, then here "
            f"with `{printable(_set(done))}`"
        )


def _left(done: ExtractResult) -> str:
    return f"; {counted(len(done.left), 'place')} left" if done.left else ""


def _set(done: ExtractResult) -> str:
    each = next(each for each in done.files if each.in_history)
    names = [value.secret_key for value in each.values]
    key = f"stringData.{next((name for name in names if not name.endswith('.yaml')), names[0])}"
    return f"{command_for('set', (each.secret_path, key))} --stdin"


def _json_page(done: ExtractResult) -> Page:
    base = here()
    data: wire.Extraction = {
        "files": [_file(each, base) for each in done.files],
        "left": [
            {"path": base.path(each.path), "key": each.key, "line": each.line, "reason": each.reason}
            for each in done.left
        ],
        "candidates": [
            {"path": base.path(each.path), "object": each.object, "key": each.key, "line": each.line}
            for each in done.candidates
        ],
        "warnings": list(done.warnings),
        "dry_run": done.dry_run,
    }
    return page("extract", data, base)


def _file(each: Extracted, base: Base) -> wire.ExtractedFile:
    return {
        "path": base.path(each.path),
        "object": each.object,
        "values": [
            {"key": value.key, "line": value.line, "secret_key": value.secret_key, "how": value.how}
            for value in each.values
        ],
        "secret": each.secret,
        "secret_path": base.path(each.secret_path),
        "created": each.created,
        "readers": base.paths(each.readers),
        "kustomizations": base.paths(each.kustomizations),
        "environments": list(each.environments),
        "recipients": list(each.recipients),
        "in_history": each.in_history,
        "warnings": list(each.warnings),
    }


FORMATS: Mapping[str, Callable[[ExtractResult], Page]] = {"text": _text_page, "json": _json_page}
