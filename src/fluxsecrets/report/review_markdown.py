"""What a change does to secrets as Markdown: one comment on a pull request, which is updated.

Its first line is a hidden marker, by which a CI job finds the comment of the last run. Every item has an
anchor that stays while commits are pushed. The page fits into a comment on GitHub: the most severe items
come first, and what does not fit is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.findings import Severity
from fluxsecrets.shell import with_file

from .markdown import LIMIT, code, fitting, inline_html, prose, size, table
from .page import Lines, Page
from .review_found import said_below, severities
from .text import counted

if TYPE_CHECKING:
    from fluxsecrets.ops.review.model import AccessChange, Review, ReviewItem

MARKER = "<!-- fluxsecrets review -->"
_COMMIT = re.compile("[0-9a-f]{40,64}")
_ID = 10
_NO_ANCHOR = re.compile("[^A-Za-z0-9-]")
_ACCESS_HEAD = ("Environment", "Who", "Gains", "Loses")
_PATHS_SHOWN = 3
_DETAILS_SHOWN = 12
_FOR_UNSEEN, _FOR_ACCESS, _FOR_THE_END = LIMIT // 8, LIMIT // 4, 500


def markdown_page(review: Review) -> Page:
    """The comment: what it comes to, who can read more or less, then the items by environment."""
    yield Lines(list(_lines(review)))


def _lines(review: Review) -> Iterator[str]:
    head, unseen = [*_head(review), *_access(review.access)], list(_unseen(review.unseen))
    yield from head
    shown = _that_fit(review, LIMIT - size([*head, *unseen]) - _FOR_THE_END)
    for heading, items in review.by_environment:
        inside = [line for item in items if item in shown for line in shown[item]]
        if inside:
            missing = sum(item not in shown for item in items)
            yield from _section(heading, items, [*inside, *_more(missing, "more item")])
    missing = sum(item not in shown for item in review.items)
    if missing:
        yield f"And {counted(missing, 'more item')}: run {code(f'fluxsecrets review {review.range}')}"
        yield ""
    yield from unseen


def _head(review: Review) -> Iterator[str]:
    yield MARKER
    yield f"### Secrets: {severities(review.items) or 'no change'}"
    yield ""
    unseen = "; **not everything was looked at**, see below" if review.unseen else ""
    between = " → ".join(
        code(state[:_ID] if _COMMIT.fullmatch(state) else state) for state in (review.base, review.head)
    )
    yield f"{code(review.range)} ({between}), {counted(review.files, 'changed file')}{unseen}"
    yield ""
    if review.fails:
        count = sum(review.fail_on is not None and item.severity >= review.fail_on for item in review.items)
        yield f"**This needs a decision**: {counted(count, 'item')} with severity {review.fail_on} or higher."
        yield ""


def _unseen(texts: Sequence[str]) -> Iterator[str]:
    """What was not looked at, which is visible even if nothing else is."""
    if texts:
        lines = [f"- {prose(text)}" for text in texts]
        shown = fitting(lines, _FOR_UNSEEN)
        yield from ("#### Not looked at", "", *shown, *_more(len(lines) - len(shown), "more line"), "")


def _access(changes: Sequence[AccessChange]) -> Iterator[str]:
    if not changes:
        return
    cells = (
        (code(each.environment), code(each.who), _paths(each.gained), _paths(each.lost)) for each in changes
    )
    rows = list(table(_ACCESS_HEAD, cells))
    shown = fitting(rows, _FOR_ACCESS)
    yield from ("#### Who can read more or less", "", *shown, "")
    yield from _more(len(rows) - len(shown), "more row")
    yield ""


def _paths(paths: Sequence[str]) -> str:
    if not paths:
        return "–"
    more = len(paths) - _PATHS_SHOWN
    return f"{', '.join(map(code, paths[:_PATHS_SHOWN]))}{f' and {more} more' if more > 0 else ''}"


def _that_fit(review: Review, room: int) -> dict[ReviewItem, list[str]]:
    """The lines of the items that fit, the most severe first; then their details, where these fit, too."""
    shown: dict[ReviewItem, list[str]] = {}
    sections = {
        heading: size(_section(heading, items, list(_more(len(items), "more item"))))
        for heading, items in review.by_environment
    }
    brief = said_below(review.items)
    for item in sorted(review.items, key=lambda item: -item.severity):
        lines = list(_item(item, 0, brief=item in brief))
        room -= size(lines) + sections.pop(item.environment, 0)
        if room < 0:
            return shown
        shown[item] = lines
    for item, short in shown.items():
        lines = list(_item(item, _DETAILS_SHOWN, brief=item in brief))
        more = size(lines) - size(short)
        if more <= room:
            room -= more
            shown[item] = lines
    return shown


def _section(heading: str, items: Sequence[ReviewItem], inside: Sequence[str]) -> Iterator[str]:
    """The items under a heading; it is open if one of them is severe."""
    opened = " open" if any(item.severity >= Severity.HIGH for item in items) else ""
    yield f"<details{opened}>"
    yield f"<summary>{inline_html(heading)}: {severities(items)}</summary>"
    yield from ("", *inside, "", "</details>", "")


def _item(item: ReviewItem, details: int, *, brief: bool) -> Iterator[str]:
    """An item; in brief without what the next one has as well."""
    yield f'- <a id="{_NO_ANCHOR.sub("-", item.anchor)}"></a>**{item.severity}**: {prose(item.title)}'
    place = item.path if item.line is None else f"{item.path}:{item.line}"
    what = f", {prose(item.object)}" if item.object else ""
    yield f"  - {code(place)}{what} ({code(item.kind)})"
    if brief:
        return
    yield from (f"  - {prose(line)}" for line in item.details[:details])
    yield from (f"  {line}" for line in _more(len(item.details) - details, "more line"))
    if item.hint:
        yield f"  - **To do**: {prose(with_file(item.hint, item.path))}"


def _more(count: int, noun: str) -> Iterator[str]:
    if count > 0:
        yield f"- and {counted(count, noun)}"
