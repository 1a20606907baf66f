"""Small changes of YAML text that people wrote: list items put in and taken out, all else kept to the byte.

Places come from the raw nodes of the YAML format. What is written in a way that these changes do not know is
refused rather than guessed at; the caller reads the result again and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from fluxsecrets.errors import ConfigError

from .document import Style
from .formats import Limits
from .formats.yaml.nodes import RawAlias, RawMapping, RawNode, RawScalar, RawSequence, parse_nodes

_LIMITS = Limits(depth=100)
_DASH = re.compile(r"( *-)([ \t]+)")
_AFTER_ITEM = re.compile(r"[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?\r?(?:\n|\Z)")


@dataclass(slots=True)
class Splices:
    """Changes of one text, collected and then made at once."""

    text: str
    newline: str = "\n"
    _edits: list[tuple[int, int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> Splices:
        """No changes yet."""
        return cls(text, "\r\n" if "\r\n" in text else "\n")

    def replace(self, start: int, end: int, new: str) -> None:
        """Put a text in place of another; with an empty one it is a deletion, and these may overlap."""
        self._edits.append((start, end, new))

    def insert(self, place: int, new: str) -> None:
        """Put a text in; several at one place stand in the order in which they were asked for."""
        self._edits.append((place, place, new))

    def insert_line(self, place: int, line: str) -> None:
        """Put a line in at the start of a line, or at the end of the text, complete or not."""
        open_end = place > 0 and self.text[place - 1] != "\n"
        self.insert(place, f"{self.newline}{line}" if open_end else f"{line}{self.newline}")

    def line_start(self, place: int) -> int:
        """Where the line of a place starts."""
        return self.text.rfind("\n", 0, place) + 1

    def line_end(self, place: int) -> int:
        """Where the line of a place ends, with its line break."""
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found + 1

    def made(self) -> str:
        """The text with all changes.

        Raises:
            ConfigError: two of them meet.
        """
        pieces: list[str] = []
        at = 0
        for start, end, new in self._ordered():
            pieces += (self.text[at:start], new)
            at = end
        pieces.append(self.text[at:])
        return "".join(pieces)

    def _ordered(self) -> Iterator[tuple[int, int, str]]:
        deletions = _united((start, end) for start, end, new in self._edits if not new and start < end)
        others = [edit for edit in self._edits if edit[2]]
        last = 0
        for start, end, new in sorted(
            [*((start, end, "") for start, end in deletions), *others], key=lambda edit: edit[0]
        ):
            if start < last:
                line = self.text.count("\n", 0, start) + 1
                raise ConfigError("this place cannot be changed as it is written", line=line)
            last = end
            yield start, end, new

    # Lists.

    def remove_item(self, items: RawSequence, index: int) -> None:
        """Take an item out of a list, with the comment on its line; a block list must keep another one.

        Raises:
            ConfigError: it is written in a way that is not known here.
        """
        node = items.items[index]
        start, end = node_start(node), content_end(self.text, node)
        if not items.flow:
            self.replace(self._dash(node)[0], self.line_end(end), "")
            return
        after = _AFTER_ITEM.match(self.text, end)
        if self._begins_line(start) and after is not None:
            self.replace(self.line_start(start), after.end(), "")
        elif index + 1 < len(items.items):
            self.replace(start, node_start(items.items[index + 1]), "")
        elif index:
            self.replace(content_end(self.text, items.items[index - 1]), end, "")
        else:
            self.replace(start, end, "")

    def insert_item(self, items: RawSequence, after: int, new: str) -> None:
        """Put an item behind another one, or into an empty flow list where `after` is -1.

        Raises:
            ConfigError: the list is written in a way that is not known here.
        """
        if not items.items:
            if not items.flow or after != -1:
                raise self.unknown(items)
            self.insert(items.start + 1, new)
            return
        node = items.items[after]
        start, end = node_start(node), content_end(self.text, node)
        if not items.flow:
            self.insert_line(self.line_end(end), self._dash(node)[1] + new)
            return
        follows = _AFTER_ITEM.match(self.text, end)
        if not self._begins_line(start) or follows is None or not follows[0].endswith("\n"):
            self.insert(end, f", {new}")
            return
        indent = self.text[self.line_start(start) : start]
        if not follows[1]:
            self.insert(end, ",")
        self.insert_line(follows.end(), f"{indent}{new}{',' if follows[1] else ''}")

    def empty(self, key: RawNode, items: RawSequence) -> None:
        """Take all items out of the list that a key has: `[]` stands there then."""
        if items.flow:
            self.replace(items.start + 1, items.end - 1, "")
            return
        if items.tag is not None:
            raise self.unknown(items)
        colon = self.text.index(":", content_end(self.text, key)) + 1
        if items.anchor is not None:
            colon = items.properties + len(items.anchor) + 1
        for index in range(len(items.items)):
            self.remove_item(items, index)
        self.insert(colon, " []")

    def _dash(self, node: RawNode) -> tuple[int, str]:
        """Where the line of an item of a block list starts, and what stands before the item."""
        start = self.line_start(node_start(node))
        before = self.text[start : node_start(node)]
        if not _DASH.fullmatch(before):
            raise self.unknown(node)
        return start, before

    def _begins_line(self, place: int) -> bool:
        return not self.text[self.line_start(place) : place].strip(" \t")

    # Lists in one text, such as `age1a,age1b`.

    def remove_part(self, node: RawScalar, part: Part) -> None:
        """Take one part out of a text with commas; another one must stay."""
        parts = split_parts(self.text, node)
        index = parts.index(part)
        if index + 1 < len(parts):
            self.replace(part.start, parts[index + 1].start, "")
        else:
            self.replace(parts[index - 1].end, part.end, "")

    def insert_part(self, node: RawScalar, after: Part, new: str) -> None:
        """Put a part behind another one, in the way in which the others are set apart."""
        parts = split_parts(self.text, node)
        gaps = [self.text[one.end : two.start] for one, two in pairwise(parts)]
        index = parts.index(after)
        gap = gaps[min(index, len(gaps) - 1)] if gaps else ","
        self.insert(after.end, f"{gap if gap.count(',') == 1 else ','}{new}")

    def unknown(self, node: RawNode) -> ConfigError:
        """What is said of a place that is written in a way that is not known here."""
        return ConfigError(
            "this is written in a way that cannot be changed without touching its layout",
            line=node.line,
            hint="change it yourself, and run the command again",
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a text with commas, and where it stands."""

    text: str
    start: int
    end: int


def split_parts(text: str, node: RawScalar) -> list[Part]:
    """The parts of a scalar that is a list with commas, those that are empty left out."""
    start, end = node.start, content_end(text, node)
    if node.style in (Style.SINGLE_QUOTED, Style.DOUBLE_QUOTED):
        start, end = start + 1, end - 1
    elif node.style in (Style.LITERAL, Style.FOLDED):
        start = text.find("\n", start, end) + 1 or end
    parts = []
    for piece in re.finditer(r"[^,]+", text[start:end]):
        inner = piece[0].strip()
        if inner:
            begin = start + piece.start() + len(piece[0]) - len(piece[0].lstrip())
            parts.append(Part(inner, begin, begin + len(inner)))
    return parts


def parse_root(text: str) -> RawNode | None:
    """The root node of a configuration file; None where it has no content.

    Raises:
        FormatError, LimitError: it is not YAML, or too large.
    """
    documents = parse_nodes(text, _LIMITS)
    return documents[0].root if documents else None


def resolved(node: RawNode) -> RawScalar | RawMapping | RawSequence:
    """The node, or what an alias stands for."""
    while isinstance(node, RawAlias):
        node = node.target
    return node


def entries_of(node: RawNode) -> Iterator[tuple[RawNode, RawNode]]:
    """The keys and values of a map, then those that are merged into it; of anything else none."""
    node = resolved(node)
    if not isinstance(node, RawMapping):
        return
    seen = set()
    merged: list[RawNode] = []
    for key, value in zip(node.keys, node.values, strict=True):
        name = resolved(key)
        if isinstance(name, RawScalar) and name.text == "<<":
            found = resolved(value)
            merged += found.items if isinstance(found, RawSequence) else [found]
            continue
        seen.add(name.text if isinstance(name, RawScalar) else None)
        yield key, value
    for source in merged:
        for key, value in entries_of(source):
            name = resolved(key)
            if isinstance(name, RawScalar) and name.text not in seen:
                seen.add(name.text)
                yield key, value


def value_of(node: RawNode, name: str) -> RawNode | None:
    """The value of a key of a map, aliases as they stand."""
    return next((value for key, value in entries_of(node) if name_of_key(key) == name), None)


def name_of_key(key: RawNode) -> str | None:
    """A key's text."""
    found = resolved(key)
    return found.text if isinstance(found, RawScalar) else None


def node_start(node: RawNode) -> int:
    """Where a node starts, with its anchor and tag."""
    return node.start if isinstance(node, RawAlias) else node.properties


def content_end(text: str, node: RawNode) -> int:
    """Where a node's last character stands; blanks, comments and line breaks behind it left out."""
    if isinstance(node, RawMapping | RawSequence) and not node.flow:
        inner = node.values if isinstance(node, RawMapping) else node.items
        if inner:
            last = inner[-1]
            if node_start(last) == last.end and isinstance(node, RawMapping):
                return _after_colon(text, node)
            return content_end(text, last)
        return node.start
    return node_start(node) + len(text[node_start(node) : node.end].rstrip())


def _after_colon(text: str, node: RawMapping) -> int:
    return text.index(":", node.keys[-1].end) + 1


def _united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without overlaps."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
