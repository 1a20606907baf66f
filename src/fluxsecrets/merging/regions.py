"""Lines on which versions of a text differ, each version given by edits of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fluxsecrets.sops.formats import Edit, apply_edits, line_end, line_start


class Region(NamedTuple):
    """Whole lines of a text, and what other versions have there.

    Attributes:
        start, end: the span in the text; empty where the text has nothing.
        texts: the lines of the other versions, in the order in which these were given.
    """

    start: int
    end: int
    texts: tuple[str, ...]


def regions(source: str, versions: Sequence[Sequence[Edit]]) -> list[Region]:
    """The lines that any of the versions changes, in order.

    Args:
        source: the text.
        versions: for each other version, the edits that make it of the text; those of one version don't
            overlap.
    """
    spans = _united(sorted(_lines(source, edit) for edits in versions for edit in edits))
    ordered = [sorted(edits, key=lambda edit: edit[:2]) for edits in versions]
    places = [0] * len(versions)
    found: list[Region] = []
    for start, end in spans:
        texts: list[str] = []
        for number, edits in enumerate(ordered):
            inside: list[Edit] = []
            while places[number] < len(edits) and _within(source, edits[places[number]], start, end):
                first, last, text = edits[places[number]]
                inside.append((first - start, last - start, text))
                places[number] += 1
            texts.append(apply_edits(source[start:end], inside))
        found.append(Region(start, end, tuple(texts)))
    return found


def trimmed(source: str, region: Region) -> Region:
    """The region without the first and last lines that all versions have in common."""
    versions = [source[region.start : region.end].splitlines(keepends=True)]
    versions += [text.splitlines(keepends=True) for text in region.texts]
    shortest = min(map(len, versions))
    first = _common(versions, range(shortest))
    last = _common(versions, range(-1, first - shortest - 1, -1))
    own = versions[0]
    return Region(
        region.start + sum(map(len, own[:first])),
        region.end - sum(map(len, own[len(own) - last :])),
        tuple("".join(lines[first : len(lines) - last]) for lines in versions[1:]),
    )


def _common(versions: Sequence[Sequence[str]], places: range) -> int:
    count = 0
    for place in places:
        if len({lines[place] for lines in versions}) > 1:
            break
        count += 1
    return count


def _lines(source: str, edit: Edit) -> tuple[int, int]:
    """The whole lines that an edit touches; nothing where it puts in whole lines."""
    start, end, text = edit
    at_start = start == line_start(source, start)
    whole = at_start and (not text or text.endswith("\n")) and end == line_start(source, end)
    if whole and (start < end or text):
        return start, end
    return line_start(source, start), min(line_end(source, end) + 1, len(source))


def _within(source: str, edit: Edit, start: int, end: int) -> bool:
    first, last = _lines(source, edit)
    return start <= first and last <= end


def _united(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that don't meet; an empty one joins those that it touches."""
    current: tuple[int, int] | None = None
    for start, end in spans:
        if current is None:
            current = (start, end)
        elif start < current[1] or (start == current[1] and (start == end or current[0] == current[1])):
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current
