"""What `publish` is about to do, and what it did, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.publish.model import Publication, PublishResult, Uploading
from fluxsecrets.ops.run.results import BatchResult, FileResult

from .base import Base, here
from .json import page, term
from .page import Page, Table
from .results import STYLES, remarks, result_data, several, totals
from .text import Cell, Row, counted, printable

if TYPE_CHECKING:
    from .wire import files as wire

COMMAND = "publish"


def plan_lines(plan: Publication) -> Iterator[str]:
    """What is about to be uploaded, for the question."""
    yield f"{counted(len(plan.to_upload), 'file')} to publish:"
    for each in plan.to_upload:
        result = each.result
        yield f"  {result.path} -> {result.destination} ({result.state}), {_readers(result)}"


def _readers(result: FileResult) -> str:
    if not result.recipients:
        return "as plain values"
    again = isinstance(result, PublishResult) and result.reencrypted
    return f"{'encrypted again for' if again else 'for'} {', '.join(result.recipients)}"


def question(plan: Publication) -> str:
    """The question before the upload."""
    return f"publish {'it' if len(plan.to_upload) == 1 else 'them'}?"


def interrupted_lines(progress: Uploading) -> Iterator[str]:
    """What an interrupted run did."""
    done, under_way = progress.seen()
    which = f": {several(done)}" if done else ""
    yield f"interrupted; {counted(len(done), 'file')} {_was(len(done))} published{which}"
    if under_way:
        yield f"{several(under_way)} may have been published"
    yield "run the command again: it publishes what is missing"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _text_page(batch: BatchResult) -> Page:
    yield Table([_row(each) for each in batch.files])
    yield from remarks(batch)


def _row(result: FileResult) -> Row:
    state = result.state if isinstance(result, PublishResult) and result.state is not None else ""
    new = bool(state) and result.outcome not in ("unchanged", "failed")
    return (
        Cell(printable(result.path)),
        Cell(result.outcome, STYLES.get(result.outcome, "")),
        Cell(printable(result.destination or "")),
        Cell(state if new else ""),
        Cell(printable(_readers(result)) if new else ""),
    )


def _json_page(batch: BatchResult) -> Page:
    base = here()
    data: wire.Published = {"files": [_data(each, base) for each in batch.files], **totals(batch)}
    return page(COMMAND, data, base)


def _data(result: FileResult, base: Base) -> wire.PublishedFile:
    known = result if isinstance(result, PublishResult) else None
    return {
        **result_data(result, base),
        "outcome": term(result.outcome),
        "destination": result.destination,
        "state": known.state.value if known is not None and known.state is not None else None,
        "reencrypted": known is not None and known.reencrypted,
    }


FORMATS: Mapping[str, Callable[[BatchResult], Page]] = {"text": _text_page, "json": _json_page}
