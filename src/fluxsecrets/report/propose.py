"""A proposal that was made, and proposals that were folded, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.propose.model import Folded, FoldedKey, FoldedSecret, KeyChange, Proposed
from fluxsecrets.shell import command_for

from .base import here
from .json import error_or_null, page
from .page import Errors, Note, Page, Table
from .text import Cell, Row, counted, printable

if TYPE_CHECKING:
    from .wire import proposals as wire

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
    yield Note(f"a holder of a key moves it into the Secret: `{printable(fold)}`")


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
    base = here()
    data: wire.Proposed = {
        "path": base.path(done.path),
        "kustomization": base.path(done.kustomization),
        "created": done.created,
        "secret": base.path(done.secret),
        "key": done.key,
        "change": done.change.value,
        "environments": list(done.environments),
        "recipients": list(done.recipients),
        "warnings": list(done.warnings),
        "dry_run": done.dry_run,
    }
    return page("propose", data, base)


FORMATS: Mapping[str, Callable[[Proposed], Page]] = {"text": _text_page, "json": _json_page}


def _fold_page(done: Folded) -> Page:
    yield Table([row for each in done.secrets for row in _fold_rows(each, done)])
    for each in done.secrets:
        for warning in each.warnings:
            yield Note(f"warning: {printable(each.path)}: {printable(warning)}")
    yield Errors([each.error for each in done.secrets if each.error is not None])
    for path, reason in done.left:
        yield Note(f"left: {printable(path)}: {printable(reason)}")
    yield Note(_fold_summary(done))


def _fold_rows(each: FoldedSecret, done: Folded) -> Iterator[Row]:
    if each.error is not None:
        yield Cell(printable(each.path)), Cell("failed", "red"), Cell(printable(each.secret)), Cell("")
    stays = done.failed or done.dry_run
    for key in each.keys:
        outcome = "would fold" if stays else "folded"
        yield Cell(printable(each.path)), Cell(outcome), Cell(printable(key.key)), Cell(_size(key))


def _size(key: FoldedKey) -> str:
    return str(key.change) if key.size is None else f"{key.change}, {key.size} bytes"


def _fold_summary(done: Folded) -> str:
    count = counted(
        len({path for each in done.secrets for key in each.keys for path in key.proposals}), "proposal"
    )
    if done.failed:
        return "nothing was written: name the files of the others to fold those"
    if not done.secrets:
        return "no proposal waits to be folded"
    if done.dry_run:
        return f"{count} would be folded; Flux would apply the same"
    return f"{count} folded; Flux applies the same. Commit the Secrets and the removed files together"


def _fold_json(done: Folded) -> Page:
    base = here()
    data: wire.Folded = {
        "secrets": [
            {
                "path": base.path(each.path),
                "secret": each.secret,
                "keys": [
                    {
                        "key": key.key,
                        "change": key.change.value,
                        "size": key.size,
                        "proposals": base.paths(key.proposals),
                    }
                    for key in each.keys
                ],
                "warnings": list(each.warnings),
                "error": error_or_null(each.error, base),
            }
            for each in done.secrets
        ],
        "left": [{"path": base.path(path), "reason": reason} for path, reason in done.left],
        "written": bool(done.secrets) and not done.failed and not done.dry_run,
    }
    return page("fold", data, base)


FOLD_FORMATS: Mapping[str, Callable[[Folded], Page]] = {"text": _fold_page, "json": _fold_json}
