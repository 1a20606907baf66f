"""YAML text -> the trees of its documents, and where their blocks stand: directly, or the long way."""

from __future__ import annotations

from collections.abc import Sequence as Items

from fluxsecrets.errors import FormatError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.document import Mapping
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.known import Known

from .block import PartLayout, direct_layout, part_layout
from .build import Builder
from .comments import place_comments
from .direct import read_direct
from .nodes import RawDocument, RawMapping, RawNode, RawScalar, RawSequence, parse_nodes

_MAX_STEP = 8


class ReadText(NamedTuple):
    """What a text holds.

    Attributes:
        roots: one map for each document; an empty one for an empty document.
        layouts: where the `sops` block of each stands, or would.
        lines: on which the roots start.
        step: columns by which the text indents, or None if nothing is indented.
    """

    roots: tuple[Mapping, ...]
    layouts: tuple[PartLayout, ...]
    lines: tuple[int, ...]
    step: int | None


def read_text(text: str, limits: Limits) -> ReadText:
    """Read YAML documents.

    Args:
        text: decoded, without a byte order mark.
        limits: of depth and of what aliases expand to.

    Raises:
        FormatError: not YAML, or not with maps at the roots.
        LimitError: too deep, too much expansion.
    """
    direct = read_direct(text, limits)
    if direct is None:
        return read_long(text, limits)
    roots, documents, step = direct
    layouts = tuple(direct_layout(text, each, root) for each, root in zip(documents, roots, strict=True))
    return ReadText(roots, layouts, _lines(documents), step if step is None else min(step, _MAX_STEP))


def read_roots(text: str, limits: Limits, known: Known | None) -> tuple[tuple[Mapping, ...], tuple[int, ...]]:
    """The roots alone with their lines, for a text that is read again; see `read_text` and `sops.known`."""
    direct = read_direct(text, limits, known)
    if direct is None:
        read = read_long(text, limits)
        return read.roots, read.lines
    return direct.roots, _lines(direct.documents)


def read_long(text: str, limits: Limits) -> ReadText:
    """The same for every text, through nodes; see `read_text`."""
    documents = parse_nodes(text, limits)
    builder = Builder(place_comments(text, documents))
    roots = tuple(_root(builder, document) for document in documents)
    if not any(isinstance(document.root, RawMapping) for document in documents):
        what = "holds no YAML values" if text.strip() else "is empty"
        raise FormatError(f"the file {what}", hint="YAML needs at least {}")
    layouts = tuple(part_layout(text, document) for document in documents)
    return ReadText(roots, layouts, _lines(documents), _step(documents))


def _lines(documents: Items[RawDocument]) -> tuple[int, ...]:
    return tuple(document.root.line for document in documents)


def _root(builder: Builder, document: RawDocument) -> Mapping:
    root = document.root
    if isinstance(root, RawMapping):
        tree = builder.build(root)
        assert isinstance(tree, Mapping)  # noqa: S101 - a map builds a map
        return tree
    if isinstance(root, RawScalar) and root.text == "" and root.start == root.end:
        return Mapping(builder.comments_alone(root), root.start, root.end)
    kind = "a single value" if isinstance(root, RawScalar) else "a list"
    raise FormatError(
        f"the YAML document is {kind}, and SOPS encrypts maps only",
        line=root.line,
        hint="give it a key, or encrypt the file as a whole with --input-type binary",
    )


def _step(documents: Items[RawDocument]) -> int | None:
    """By how many columns the file indents: the first indented map or list under a key decides."""
    pending: list[RawNode] = [document.root for document in reversed(documents)]
    while pending:
        node = pending.pop()
        if not isinstance(node, RawMapping | RawSequence) or node.flow:
            continue
        children = node.values if isinstance(node, RawMapping) else node.items
        for child in children if isinstance(node, RawMapping) else ():
            if isinstance(child, RawMapping | RawSequence) and not child.flow and child.column > node.column:
                return min(child.column - node.column, _MAX_STEP)
        pending += reversed(children)
    return None
