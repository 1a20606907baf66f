"""Members between commas, in JSON and in YAML's flow style: taken over with the white space around them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Items

from fluxsecrets.sops.formats import Edit, line_start

from .lists import Hunk
from .spans import Child, Container, Text


def changed_members(
    ours: Text,
    own: Items[Child],
    inside: tuple[int, int],
    *,
    gone: Collection[int],
    new: Mapping[int, Items[str]],
) -> list[Edit] | None:
    """The edits that take members out of a list in brackets, and put others in.

    Args:
        ours: the text.
        own: its members, with those that stay whatever is decided, such as a sops block.
        inside: the span between the brackets.
        gone: numbers of the members to take out.
        new: texts to put in front of the member with a number; behind the last with the number of members.
    """
    kept = [number for number in range(len(own)) if number not in gone]
    if not own:
        return None
    if not kept:
        gap = ours.source[inside[0] : own[0].start]
        gap = "," + (gap if gap and not gap.strip() else " ")
        return [(own[0].start, own[-1].end, gap.join(text for number in sorted(new) for text in new[number]))]
    edits: list[Edit] = []
    for number in sorted(gone):
        if number > kept[0]:
            edits.append((own[number - 1].end, own[number].end, ""))
        else:
            edits.append((own[number].start, own[number + 1].start, ""))
    for number, texts in new.items():
        before = bisect_left(kept, number)
        gap = _gap(ours, own, inside)
        for text in texts:
            if before:
                place = own[kept[before - 1]].end
                edits.append((place, place, f",{gap}{text}"))
            else:
                place = own[kept[0]].start
                edits.append((place, place, f"{text},{gap}"))
    return edits


def changed_flow_items(
    ours: Text, mine: Container, theirs: Text, other: Container, changes: Items[Hunk]
) -> list[Edit] | None:
    """Items of a list in brackets taken over."""
    own, others = ours.children(mine), theirs.children(other)
    gone: set[int] = set()
    new: dict[int, list[str]] = {}
    for start, end, first, last in changes:
        gone.update(range(start, end))
        new[start] = [member_text(ours, mine, theirs, item) for item in others[first:last]]
    return changed_members(ours, own, (mine.start + 1, mine.end - 1), gone=gone, new=new)


def member_text(ours: Text, mine: Container, theirs: Text, other: Child, *, value: bool = False) -> str:
    """A member of theirs with ours' indentation.

    Args:
        ours: the text that it goes into.
        mine: the container that it goes into.
        theirs: where it is taken from.
        other: the member.
        value: without its key.
    """
    text = theirs.source[other.value if value else other.start : other.end]
    if "\n" not in text:
        return text
    siblings = ours.children(mine)
    new = _indentation(ours, siblings[-1].start if siblings else mine.start)
    old = _indentation(theirs, other.start)
    first, *rest = text.replace("\r\n", "\n").split("\n")
    lines = [first, *(new + line.removeprefix(old) for line in rest)]
    return ours.newline.join(lines)


def _indentation(text: Text, place: int) -> str:
    line = text.source[line_start(text.source, place) : place]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _gap(ours: Text, own: Items[Child], inside: tuple[int, int]) -> str:
    """The white space between two members."""
    if len(own) > 1:
        gap = ours.source[own[-2].end : own[-1].start].rpartition(",")[2]
    else:
        gap = ours.source[inside[0] : own[0].start]
        gap = gap if "\n" in gap else " "
    return gap if not gap.strip() else " "
