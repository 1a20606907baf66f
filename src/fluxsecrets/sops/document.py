"""A document as SOPS sees it: an ordered tree of values, each with its place in the source text.

Everything here is frozen. Encryption and decryption compute a list of changes and hand them to the
document's format, which makes new text; nothing is mutated while it is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto

from fluxsecrets.errors import FormatError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass

from .metadata import Metadata
from .values import Value

Path = tuple[str | int, ...]
"""Where a value stands: map keys are strings, list positions are integers from 0."""


class Style(Enum):
    """How a scalar is written; formats other than YAML use PLAIN or DOUBLE_QUOTED only."""

    PLAIN = auto()
    SINGLE_QUOTED = auto()
    DOUBLE_QUOTED = auto()
    LITERAL = auto()
    FOLDED = auto()


class Leaf(NamedTuple):
    """One scalar value.

    Attributes:
        path: where it stands.
        value: the value, typed as go-yaml or Go's JSON decoder types it. In an encrypted document
            an encrypted value is its ciphertext, a string.
        start, end: offsets into the document's source, in characters; what a change replaces.
        line: 1-based line of `start`.
        flow: inside a flow collection (YAML `{}` or `[]`), where other spellings are allowed.
        alias: reached through a YAML alias: it counts in the MAC, but has no text of its own, and
            `start`, `end` are those of the alias.
    """

    path: Path
    value: Value
    start: int
    end: int
    line: int
    style: Style = Style.PLAIN
    flow: bool = False
    alias: bool = False


class Comment(NamedTuple):
    """One comment line.

    Attributes:
        path: path of the map or list that encloses it, as go-yaml decides it.
        text: what follows the comment sign, unchanged, with its leading space.
        start, end: offsets of `text` in the source, in characters.
        line: 1-based line.
        inline: stands on the line of a value, behind it.
    """

    path: Path
    text: str
    start: int
    end: int
    line: int
    inline: bool = False


class Entry(NamedTuple):
    """A key of a map with its value.

    Attributes:
        start, end: the span of the key's own text, in characters.
        line: 1-based line of the key.
        merge: a YAML merge key (`<<`): the value's keys belong to this map, behind its own.
    """

    key: str
    value: Node
    start: int
    end: int
    line: int
    merge: bool = False


class Mapping(NamedTuple):
    """A map, with its comments in between, in source order."""

    entries: tuple[Entry | Comment, ...]
    start: int
    end: int
    flow: bool = False

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        for entry in self.entries:
            if isinstance(entry, Entry) and entry.key == key:
                return entry.value
        return None


class Sequence(NamedTuple):
    """A list, with its comments in between, in source order."""

    items: tuple[Node | Comment, ...]
    start: int
    end: int
    flow: bool = False


Node = Leaf | Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file.

    Attributes:
        format: name of its format, a key of `formats.FORMATS`.
        source: the text, without a byte order mark; for the binary format the bytes read as latin-1.
        parts: one map for each YAML document, exactly one in other formats; the `sops` block is
            not in them. An empty YAML document is an empty map.
        metadata: the `sops` block of the first part, or None where the file is plain.
        layout: what the format needs to write the block back; only the format looks at it.
    """

    format: str
    source: str
    parts: tuple[Mapping, ...]
    metadata: Metadata | None
    layout: object = None

    @property
    def leaves(self) -> Iterator[Leaf]:
        """All values in document order over all parts: the order of the MAC."""
        return (item for item in self.items if type(item) is Leaf)

    @property
    def items(self) -> list[Leaf | Comment]:
        """All values and comments in document order over all parts."""
        items: list[Leaf | Comment] = []
        for part in self.parts:
            _flatten(part, items)
        return items


class Kept(NamedTuple):
    """A value or comment of the previous version of a file, whose ciphertext is used again.

    Attributes:
        source: the previous encrypted text.
        item: the value or comment in it.
    """

    source: str
    item: Leaf | Comment

    @property
    def ciphertext(self) -> str:
        """Its ciphertext."""
        return self.item.text.strip() if isinstance(self.item, Comment) else str(self.item.value)


class Change(NamedTuple):
    """New content for one leaf or comment.

    Attributes:
        value: a ciphertext where `encrypted`, else the typed value (a comment's text is a string).
        encrypted: True when encrypting: the ciphertext is then put into the target's own style, so
            that decrypting can restore that style.
        becomes_comment: the target is a list item that sops made of a comment; it becomes one again.
        kept: where the ciphertext was before; it keeps its spelling if nobody touched that of the value.
    """

    target: Leaf | Comment
    value: Value
    encrypted: bool
    becomes_comment: bool = False
    kept: Kept | None = None


CommentStack = tuple[tuple[str, ...], ...]
"""For each map or list from the root down, the comments that precede the current item in it."""


Joiner = Callable[[tuple[str, ...], str], tuple[str, ...]]
"""What comments stay in force when one more is met on a level."""


def _join_all(comments: tuple[str, ...], text: str) -> tuple[str, ...]:
    return (*comments, text)


def walk(document: Document, join: Joiner = _join_all) -> Iterator[tuple[CommentStack, Leaf | Comment]]:
    """Every value and comment in document order, with the comments that are in force there.

    The stack follows `walkBranch` and `walkSlice` of sops.go: a comment joins its level's list
    before it is visited itself, and an item that is not a comment empties the list behind it.

    Args:
        document: what to walk.
        join: which comments to keep on a level for the items behind; all of them, unless said otherwise.
            The comment that is visited is always the last of its level.
    """
    for part in document.parts:
        yield from _walk_node(part, (), join)


def _walk_node(
    node: Node, stack: CommentStack, join: Joiner = _join_all
) -> Iterator[tuple[CommentStack, Leaf | Comment]]:
    if isinstance(node, Leaf):
        yield stack, node
        return
    active: tuple[str, ...] = ()
    for item in node.entries if isinstance(node, Mapping) else node.items:
        if isinstance(item, Comment):
            yield (*stack, (*active, item.text)), item
            active = join(active, item.text)
            continue
        value = item.value if isinstance(item, Entry) else item
        if isinstance(value, Leaf):
            yield (*stack, active), value
        else:
            yield from _walk_node(value, (*stack, active), join)
        active = ()


def _flatten(node: Mapping | Sequence, items: list[Leaf | Comment]) -> None:
    for item in node.entries if isinstance(node, Mapping) else node.items:
        value = item.value if isinstance(item, Entry) else item
        if isinstance(value, Leaf | Comment):
            items.append(value)
        else:
            _flatten(value, items)


def leaves_of(node: Mapping | Sequence) -> Iterator[Leaf]:
    """All values below a map or list, in document order."""
    items: list[Leaf | Comment] = []
    _flatten(node, items)
    return (item for item in items if type(item) is Leaf)


Data = Value | list["Data"] | dict[str, "Data"]
"""Plain Python data, as `fluxsecrets.load` returns it."""


def to_data(node: Node) -> Data:
    """The node as Python lists, dicts and scalars, with YAML's merge keys resolved."""
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, Mapping):
        entries = [entry for entry in node.entries if isinstance(entry, Entry)]
        data = {entry.key: to_data(entry.value) for entry in entries if not entry.merge}
        for entry in entries:
            if entry.merge:
                _merge_into(data, to_data(entry.value))
        return data
    return [to_data(item) for item in node.items if not isinstance(item, Comment)]


def _merge_into(data: dict[str, Data], merged: Data) -> None:
    for source in merged if isinstance(merged, list) else [merged]:
        if isinstance(source, dict):
            for key, value in source.items():
                data.setdefault(key, value)


def nested(path: Path, value: Data) -> Data:
    """The value below maps and lists for a path that does not exist yet.

    Raises:
        FormatError: a list that would not start with its first item.
    """
    for step in reversed(path):
        if isinstance(step, str):
            value = {step: value}
        elif step == 0:
            value = [value]
        else:
            raise FormatError(
                f"a new list starts with item 0, and not with item {step}",
                hint="give the list as a whole with --json",
            )
    return value


def find(node: Node, path: Path) -> Node | None:
    """Return the node at a path below `node`, or None."""
    for step in path:
        found: Node | None = None
        if isinstance(node, Mapping) and isinstance(step, str):
            found = node.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int):
            items = [item for item in node.items if not isinstance(item, Comment)]
            found = items[step] if -len(items) <= step < len(items) else None
        if found is None:
            return None
        node = found
    return node


def show_path(path: Path) -> str:
    """A path for people: `data.password`, `items[0].name`, keys with other characters quoted."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif step and all(character.isalnum() or character in "-_" for character in step):
            shown += f".{step}" if shown else step
        else:
            shown += "[" + ascii(step) + "]"
    return shown
