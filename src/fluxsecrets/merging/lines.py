"""Entries that have lines of their own: taken over with their comments, at the other side's indentation."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Items

from fluxsecrets.sops.document import Leaf, Sequence, Style
from fluxsecrets.sops.formats import Edit, line_start

from .lists import Hunk
from .spans import Child, Container, Text

_BLOCK_STYLES = (Style.LITERAL, Style.FOLDED)


def replaced_token(ours: Text, own: Child, theirs: Text, other: Child) -> list[Edit] | None:
    """The value alone replaced, where both are scalars on one line; what is behind it stays."""
    one, two = own.node, other.node
    if not isinstance(one, Leaf) or not isinstance(two, Leaf) or one.alias or two.alias:
        return None
    if ours.document.format == "ini" or one.style in _BLOCK_STYLES or two.style in _BLOCK_STYLES:
        return None
    old, new = ours.source[one.start : one.end], theirs.source[two.start : two.end]
    if "\n" in old or "\n" in new:
        return None
    if not new and ours.document.format == "yaml":
        line = ours.source[line_start(ours.source, one.start) : one.start]
        return [(one.start - len(line) + len(line.rstrip(" ")), one.end, "")]
    blank = ours.document.format == "yaml" and ours.source[one.start - 1 : one.start] in ":-"
    return [(one.start, one.end, f" {new}" if blank else new)]


def replaced_lines(
    ours: Text, mine: Container, own: Child, theirs: Text, other_container: Container, other: Child
) -> list[Edit] | None:
    """All lines of an entry replaced by theirs; the comments above it stay."""
    head, other_head = ours.head(own), theirs.head(other)
    if head is None or other_head is None:
        return None
    text = moved(ours, mine, theirs, other_container, other_head, theirs.tail(other))
    return None if text is None else [(head, ours.tail(own), text)]


def removed(ours: Text, mine: Container, own: Child, theirs: Text | None) -> Iterator[list[Edit]]:
    """An entry's lines removed, with the comments right above; in INI all above a section are its own.

    Comments that start the file stay if theirs has any of them still.
    """
    head = ours.head(own)
    if head is None:
        return
    floor, end = _floor(ours, mine, own), ours.tail(own)
    start, top = ours.attached(head, floor), ours.attached(head, floor, top=True)
    if top < start and theirs is not None and not _has_any(theirs, ours.source[top:head]):
        start = top
    yield [(start, end, "")]
    if ours.document.format == "ini":
        yield [(floor, end, "")]


def added(
    ours: Text, mine: Container, theirs: Text, other_container: Container, other: Child
) -> list[Edit] | None:
    """An entry of theirs put where it stands in theirs: behind the entry that is in front of it there."""
    head = theirs.head(other)
    if head is None:
        return None
    siblings = theirs.children(other_container)
    number = other.number
    floor = _floor(theirs, other_container, other)
    start = theirs.attached(head, floor)
    if number:
        start = theirs.blanks_above(start, floor)
    else:
        top = theirs.attached(head, floor, top=True)
        if top < start and not _has_any(ours, theirs.source[top:head]):
            start = top
    text = moved(ours, mine, theirs, other_container, start, theirs.tail(other))
    if text is None:
        return None
    for sibling in reversed(siblings[:number]):
        own = ours.child(mine, sibling.key)
        if own is not None:
            return [inserted(ours, ours.tail(own), text)]
    for sibling in siblings[number + 1 :]:
        own = ours.child(mine, sibling.key)
        own_head = None if own is None else ours.head(own)
        if own is not None and own_head is not None:
            above = _above(ours, mine, own, own_head, _comments_above(theirs, other_container, sibling))
            return [inserted(ours, above, text)]
    if not ours.children(mine):
        return [inserted(ours, line_start(ours.source, mine.start), text)]
    return [inserted(ours, ours.tail(ours.children(mine)[-1]), text)]


def _above(ours: Text, mine: Container, own: Child, head: int, known: list[str]) -> int:
    """In front of an entry and the comments that are its own.

    In INI these are all above a section. Comments that start the file are its own if they are so in theirs.
    """
    floor = _floor(ours, mine, own)
    if ours.document.format == "ini" and mine is ours.document.parts[0]:
        return floor
    top = ours.attached(head, floor, top=True)
    return top if known and _lines_of(ours.source[top:head]) == known else ours.attached(head, floor)


def _comments_above(text: Text, container: Container, child: Child) -> list[str]:
    head = text.head(child)
    if head is None:
        return []
    return _lines_of(text.source[text.attached(head, _floor(text, container, child)) : head])


def _has_any(text: Text, lines: str) -> bool:
    """Whether a text has any of some lines, whatever blanks are around them."""
    return not {line.strip() for line in text.source.splitlines()}.isdisjoint(_lines_of(lines))


def _lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def changed_items(
    ours: Text, mine: Sequence, theirs: Text, other: Sequence, changes: Items[Hunk]
) -> list[Edit] | None:
    """Items of a list taken over, each with its lines."""
    edits: list[Edit] = []
    own, others = ours.children(mine), theirs.children(other)
    if not own or not others:
        return None
    for start, end, first, last in changes:
        text = ""
        for item in others[first:last]:
            head = theirs.head(item)
            if head is None:
                return None
            above = theirs.attached(head, _floor(theirs, other, item))
            lines = moved(ours, mine, theirs, other, above, theirs.tail(item))
            if lines is None:
                return None
            text += lines
        heads = [ours.head(item) for item in own[start:end]]
        if any(head is None for head in heads):
            return None
        if start < end:
            head = heads[0]
            assert head is not None  # noqa: S101 - checked above
            top = ours.attached(head, _floor(ours, mine, own[start]))
            edits.append((top, ours.tail(own[end - 1]), text))
        elif start:
            edits.append(inserted(ours, ours.tail(own[start - 1]), text))
        else:
            head = ours.head(own[0])
            if head is None:
                return None
            edits.append(inserted(ours, ours.attached(head, 0), text))
    return edits


def _floor(text: Text, container: Container, child: Child) -> int:
    """Where the entry in front of one ends; its comments can't start above."""
    return text.tail(text.children(container)[child.number - 1]) if child.number else 0


def inserted(ours: Text, place: int, text: str) -> Edit:
    """Whole lines put in, even behind a last line that has no line break."""
    if place == len(ours.source) and place and not ours.source.endswith("\n"):
        newline = ours.newline
        return (place, place, newline + text.removesuffix(newline))
    return (place, place, text)


def moved(
    ours: Text, mine: Container, theirs: Text, other_container: Container, start: int, end: int
) -> str | None:
    """Whole lines of theirs at the columns of ours, with its line breaks.

    Args:
        ours: the text that they go into.
        mine: the map or list that they go into.
        theirs: where they are taken from.
        other_container: the map or list that they are in.
        start: of their span.
        end: of their span.

    Returns:
        None if a line is not indented as far as its map or list.
    """
    text = theirs.source[start:end]
    newline = ours.newline
    if ours.document.format != "dotenv":
        text = text.replace("\r\n", "\n")
    if ours.document.format == "yaml":
        shift = ours.column(mine) - theirs.column(other_container)
        lines = text.split("\n")
        if shift < 0 and any(line.strip() and not line.startswith(" " * -shift) for line in lines):
            return None
        text = "\n".join(_shifted(line, shift) for line in lines)
    if ours.document.format != "dotenv":
        text = text.replace("\n", newline)
    else:
        newline = "\n"
    return text if text.endswith(newline) else text + newline


def _shifted(line: str, shift: int) -> str:
    if not line:
        return line
    return " " * shift + line if shift > 0 else line[-shift:] if line.strip() else ""
