"""A proposal that was made, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fluxsecrets.ops.propose.model import KeyChange, Proposed
from fluxsecrets.shell import command_for

from .json import page
from .page import Note, Page, Table
from .text import Cell, printable

_VERBS = {KeyChange.ADDED: "adds", KeyChange.CHANGED: "changes", KeyChange.REMOVED: "removes"}


def _text_page(done: Proposed) -> Page:
    for warning in done.warnings:
        yield Note(f"warning: {printable(done.path)}: {printable(warning)}")
    yield Table([tuple(Cell(printable(text)) for text in row) for row in _rows(done)])
    where = ", ".join(done.environments)
    if done.dry_run:
        yield Note(f"nothing was written; Flux would apply it in {printable(where)}")
        return
    yield Note(f"when both files are pushed, Flux applies it in {printable(where)}")
    fold = command_for("fold", (done.secret,))
    yield Note(f"a holder of a key moves it into the Secret: {printable(fold)}")


def _rows(done: Proposed) -> Iterator[tuple[str, ...]]:
    would = "would " if done.dry_run else ""
    outcome = "would propose" if done.dry_run else "proposed"
    key = f"{_VERBS[done.change]} {done.key}"
    yield done.path, outcome, key, ", ".join(done.recipients)
    yield (
        done.kustomization,
        f"{would}create"
        if done.created and would
        else "created"
        if done.created
        else ("would change" if done.dry_run else "changed"),
        "names it under patches",
        "",
    )


def _json_page(done: Proposed) -> Page:
    return page(
        "propose",
        {
            "path": done.path,
            "kustomization": done.kustomization,
            "created": done.created,
            "secret": done.secret,
            "key": done.key,
            "change": done.change,
            "environments": list(done.environments),
            "recipients": list(done.recipients),
            "warnings": list(done.warnings),
            "dry_run": done.dry_run,
        },
    )


FORMATS: Mapping[str, Callable[[Proposed], Page]] = {"text": _text_page, "json": _json_page}
