"""An environment compared with its cluster, for people: what differs, why, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from fluxsecrets.ops.live.model import LiveFinding, LiveVerification, Standing

from .alike import LIKE_IT, MOST, few, shape
from .page import Block, Heading, Note, Page, Sentence
from .text import Cell, counted, path_shower, printable

_STYLES = {Standing.WRONG: "red", Standing.UNKNOWN: "yellow", Standing.INTENDED: ""}
_ORDER = tuple(Standing)
_INDENT = "      "
_COMMAND = re.compile(r"`[^`]+`")


def text_page(found: LiveVerification, *, everything: bool) -> Page:
    """The findings, the wrong ones first, and a summary. Nothing else where all is as it should be."""
    show_path = path_shower(found.root)
    titles = {each.id: each.title for each in found.checks}
    listed = in_order(found)
    chosen = few([at if everything else _cause(each) for at, each in enumerate(listed)])
    hints: set[str] = set()
    for at in chosen.shown:
        yield from _finding(listed[at], titles, show_path, hints, everything=everything)
        if at in chosen.left:
            yield Sentence(f"and {chosen.left[at]} {LIKE_IT}", indent=_INDENT)
    yield Note(_summary(found))


def in_order(found: LiveVerification) -> Sequence[LiveFinding]:
    """Return the findings by standing, and within one in the order of the checks."""
    return sorted(found.findings, key=lambda each: _ORDER.index(each.standing))


def _cause(finding: LiveFinding) -> tuple[object, ...]:
    """What findings have in common of which a few are enough."""
    kind = finding.subject.kind if finding.subject is not None else None
    return (finding.check, finding.standing, kind, shape(finding.message))


def _finding(
    finding: LiveFinding,
    titles: dict[str, str],
    show_path: Callable[[str], str],
    hints: set[str],
    *,
    everything: bool,
) -> Iterator[Block]:
    about = finding.subject.shown if finding.subject is not None else titles[finding.check]
    widest = max(len(each) for each in Standing)
    yield Heading(
        [Cell(finding.standing.ljust(widest), _STYLES[finding.standing]), Cell(printable(about), "bold")]
    )
    yield Sentence(printable(finding.message), indent=_INDENT)
    details = finding.details if everything else finding.details[:MOST]
    for line in details:
        yield Sentence(printable(line), indent=f"{_INDENT}  ")
    if len(details) < len(finding.details):
        yield Sentence(f"and {len(finding.details) - len(details)} more", indent=f"{_INDENT}  ")
    if finding.path is not None:
        place = show_path(finding.path)
        yield Sentence(printable(f"{place}:{finding.line}" if finding.line else place), indent=_INDENT)
    news = set(_COMMAND.findall(finding.hint)) or {finding.hint}
    if finding.hint and not news <= hints:
        hints |= news
        yield Sentence(printable(f"hint: {finding.hint}"), indent=_INDENT)


def _summary(found: LiveVerification) -> str:
    """Such as `staging: 12 Kustomizations and 14 Secrets compared, 1 wrong, 2 cannot be told`."""
    what = f"{counted(found.kustomizations, 'Kustomization')} and {counted(found.secrets, 'Secret')} compared"
    wrong, unknown, intended = (found.count(each) for each in _ORDER)
    parts = [f"{wrong} wrong"] if wrong else [] if unknown else ["nothing is wrong"]
    parts += [f"{unknown} cannot be told"] if unknown else []
    parts += [f"{intended} intended"] if intended else []
    return f"{printable(found.environment)}: {what}: {', '.join(parts)}"
