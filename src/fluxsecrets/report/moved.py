"""The results of `seal`, `reseal` and `convert` in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fluxsecrets.ops.run.results import BatchResult, FileResult, Handover, MovedResult, Outcome
from fluxsecrets.repo.secretobject import FLUX_ANNOTATIONS
from fluxsecrets.shell import file_word

from .base import Base, here
from .json import page, term
from .page import Page, Table
from .results import listed_rows, remarks, result_data, result_rows, totals
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from .wire import files as wire

_NOTHING = (Outcome.UNCHANGED, Outcome.FAILED, Outcome.LEFT)


def _text_page(command: str, batch: BatchResult) -> Page:
    yield Table(listed_rows(batch.files, _rows))
    yield from remarks(replace(batch, next_steps=_steps(batch)))


def _json_page(command: str, batch: BatchResult) -> Page:
    batch = replace(batch, next_steps=_steps(batch))
    base = here()
    data: wire.Moved = {"files": [_file_data(each, base) for each in batch.files], **totals(batch)}
    return page(command, data, base)


FORMATS: Mapping[str, Callable[[str, BatchResult], Page]] = {"text": _text_page, "json": _json_page}


def _steps(batch: BatchResult) -> tuple[str, ...]:
    """What is to do in the cluster, where other objects take over the Secrets."""
    found = [
        handover
        for result in batch.files
        if isinstance(result, MovedResult) and result.outcome not in _NOTHING
        for handover in result.handovers
    ]
    steps = list(batch.next_steps)
    lost = [each for each in found if not each.prepared]
    if lost:
        what = f"the {lost[0].kind} {_place(lost[0])}" if len(lost) == 1 else f"{len(lost)} objects"
        steps.append(
            f"before you push: Flux prunes {what}, and applications miss the values for a while; to prevent "
            'that, see "Hand over in the cluster" in docs/external-secrets.md'
        )
    kept = [each for each in found if each.prepared]
    owners = [each for each in kept if each.kind != "Secret"]
    steps += [
        f"when Flux has applied it: `kubectl delete {each.kind.lower()} {file_word(each.name)}"
        f"{f' -n {file_word(each.namespace)}' if each.namespace else ''} --cascade=orphan`"
        for each in owners
    ]
    if len(owners) < len(kept):
        steps.append(f"when Flux has applied it: remove the annotation {FLUX_ANNOTATIONS}prune")
    return tuple(steps)


def _place(handover: Handover) -> str:
    return f"{handover.namespace}/{handover.name}" if handover.namespace else handover.name


def _rows(results: Sequence[FileResult]) -> list[Row]:
    """A row per file: path, outcome, values, from what to what, and for whom or where."""
    rows: list[Row] = []
    for row, result in zip(result_rows(results), results, strict=True):
        path, outcome, values, recipients = row
        rows.append((path, outcome, values, Cell(_way(result)), _join(recipients, _places(result))))
    return rows


def _way(result: FileResult) -> str:
    if not isinstance(result, MovedResult) or not result.before or result.outcome in _NOTHING:
        return ""
    return f"{', '.join(result.before)} → {result.after}"


def _places(result: FileResult) -> str:
    if not isinstance(result, MovedResult) or result.outcome in _NOTHING:
        return ""
    kept = (f"{result.kept} kept",) if result.kept else ()
    return printable(", ".join((*result.places, *kept)))


def _join(cell: Cell, more: str) -> Cell:
    return Cell(", ".join(text for text in (cell.text, more) if text), cell.style)


def _file_data(result: FileResult, base: Base) -> wire.MovedFile:
    known = result if isinstance(result, MovedResult) else MovedResult(result.path, result.outcome)
    return {
        **result_data(result, base),
        "outcome": term(result.outcome),
        "before": [term(form) for form in known.before],
        "after": None if known.after is None else term(known.after),
        "places": list(known.places),
        "kept": known.kept,
        "renamed": known.renamed,
    }
