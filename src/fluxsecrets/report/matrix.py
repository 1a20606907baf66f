"""Who can read how many files of each environment, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .base import rooted
from .json import page
from .page import Page, Table, Warn
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from fluxsecrets.ops.checks.matrix import Matrix

    from .wire import findings as wire


def _text_page(found: Matrix) -> Page:
    yield Table(_rows(found))
    for note in notes_of(found):
        yield Warn(f"warning: {note}")


def _json_page(found: Matrix) -> Page:
    people: list[wire.Person] = [
        {
            "name": person.name,
            "kind": person.kind,
            "recipient": person.recipient,
            "files": {name: list(paths) for name, paths in person.files.items()},
            "by_data_key": list(person.by_data_key),
            "cannot_tell": list(person.doubtful),
        }
        for person in found.people
    ]
    data: wire.Matrix = {
        "environments": list(found.environments),
        "encrypted": {name: list(paths) for name, paths in found.encrypted.items()},
        "plain": {name: list(paths) for name, paths in found.plain.items()},
        "people": people,
    }
    return page("audit --who", data, rooted(found.root))


FORMATS: Mapping[str, Callable[[Matrix], Page]] = {"text": _text_page, "json": _json_page}


def _rows(found: Matrix) -> list[Row]:
    """A row per recipient, a column per environment; first what the columns are."""
    rows: list[Row] = [tuple(Cell(printable(text), "bold") for text in ("", *found.environments))]
    for person in found.people:
        if not any(person.files.values()):
            continue
        cells = [_of(person.files[name], found.encrypted[name]) for name in found.environments]
        rows.append((Cell(printable(person.name)), *cells))
    if any(found.plain.values()):
        plain = [
            Cell(str(len(found.plain[name])) if found.plain[name] else "-") for name in found.environments
        ]
        rows.append((Cell("everybody, in plain text", "red"), *plain))
    return rows


def notes_of(found: Matrix) -> Iterator[str]:
    """What the rows do not say: who reads by an old data key, and of whom that cannot be told."""
    for person in found.people:
        if person.by_data_key:
            yield (
                f"{printable(person.name)} is not a recipient of {_files(person.by_data_key)} any more, "
                "and knows the data key all the same: `fluxsecrets rotate PATH` replaces it"
            )
    doubtful = [person for person in found.people if person.doubtful]
    if doubtful:
        names = ", ".join(printable(person.name) for person in doubtful)
        files = _files({path for person in doubtful for path in person.doubtful})
        yield (
            f"cannot tell whether {names} can still read {files}: "
            "none of your identities opens both that and the versions that were for them"
        )


def _files(paths: Collection[str]) -> str:
    return printable(next(iter(paths))) if len(paths) == 1 else f"{len(paths)} files"


def _of(files: Sequence[str], all_: Sequence[str]) -> Cell:
    if not files:
        return Cell("-")
    return Cell("all" if len(files) == len(all_) else f"{len(files)} of {len(all_)}")
