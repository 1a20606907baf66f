"""What a change does to secrets, for people: who can read more or less, then the items by environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.shell import with_file

from .findings_text import COLOURS
from .page import Block, Heading, Lines, Note, Page, Sentence, Table
from .review_found import said_below, severities, summary
from .text import Cell, Row, counted, path_shower, printable

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import AccessChange, Review, ReviewItem

_INDENT = " " * 13
_DETAILS_SHOWN = 12


def text_page(review: Review) -> Page:
    """Every item with its place and what to do, and at the end what was not looked at."""
    show_path = path_shower(review.root)
    blocks = [_access(review.access), *(_group(*group, show_path) for group in review.by_environment)]
    blocks += [_unseen(review.unseen)]
    between = False
    for block in map(list, blocks):
        if block and between:
            yield Lines([""])
        yield from block
        between = between or bool(block)
    yield Note(f"{review.range}: {summary(review)}")


def _access(changes: Sequence[AccessChange]) -> Iterator[Block]:
    if changes:
        yield Table([[Cell("who can read more or less", "bold")]])
        yield Table([_row(change) for change in changes])


def _row(change: AccessChange) -> Row:
    gains = f"gains {counted(len(change.gained), 'file')}" if change.gained else ""
    loses = f"loses {counted(len(change.lost), 'file')}" if change.lost else ""
    return (
        Cell(f"  {printable(change.environment)}"),
        Cell(printable(change.who)),
        Cell(gains, "yellow"),
        Cell(loses),
    )


def _group(heading: str, items: Sequence[ReviewItem], show_path: Callable[[str], str]) -> Iterator[Block]:
    yield Heading([Cell(printable(heading), "bold"), Cell(severities(items))])
    brief = said_below(items)
    for item in items:
        severity = Cell(f"  {item.severity}", COLOURS[str(item.severity)])
        yield Sentence(printable(item.title), "bold", _INDENT, severity)
        place = show_path(item.path) if item.line is None else f"{show_path(item.path)}:{item.line}"
        cells = [Cell(printable(place)), Cell(printable(item.object))]
        cells += [] if item in brief else [Cell(printable(item.kind))]
        yield Heading([cell for cell in cells if cell.text], _INDENT, _INDENT)
        if item in brief:
            continue
        for line in item.details[:_DETAILS_SHOWN]:
            yield Sentence(printable(line), indent=_INDENT)
        if len(item.details) > _DETAILS_SHOWN:
            more = counted(len(item.details) - _DETAILS_SHOWN, "more line")
            yield Sentence(f"and {more}: --format json has all", indent=_INDENT)
        if item.hint:
            hint = with_file(item.hint, show_path(item.path))
            yield Sentence(printable(f"hint: {hint}"), indent=_INDENT)


def _unseen(texts: Sequence[str]) -> Iterator[Block]:
    if texts:
        yield Table([[Cell("not looked at", "yellow")]])
        yield from (Sentence(printable(text), indent="  ") for text in texts)
