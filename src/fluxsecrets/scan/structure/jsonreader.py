"""JSON as the light nodes of `reader`, read by the JSON reader."""

from __future__ import annotations

import re
from bisect import bisect_right

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops import document
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.json_read import read_node

from .reader import MAX_DEPTH, List, Map, Node, Scalar


def read_json(text: str) -> Node | None:
    """Return the root of a JSON text; None for all else, such as JSON with duplicate keys."""
    try:
        tree = read_node(text, Limits(depth=MAX_DEPTH))
    except FluxsecretsError:
        return None
    return _Nodes(text).of(tree)


class _Nodes:
    """Makes the nodes of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, tree: document.Node) -> Node:
        """Return the node for a tree, with all below it."""
        if isinstance(tree, document.Leaf):
            return self.scalar(tree.value, tree.start, tree.end, tree.line)
        line = bisect_right(self.lines, tree.start)
        if isinstance(tree, document.Mapping):
            made = Map(line)
            made.pairs = [
                (self.scalar(each.key, each.start, each.end, each.line), self.of(each.value))
                for each in tree.entries
                if isinstance(each, document.Entry)
            ]
            return made
        items = List(line)
        items.items = [self.of(each) for each in tree.items if not isinstance(each, document.Comment)]
        return items

    def scalar(self, value: object, start: int, end: int, line: int) -> Scalar:
        """Return a scalar. The text of numbers, booleans and null is their spelling."""
        column = start - self.lines[line - 1] + 1
        if isinstance(value, str):
            return Scalar(value, (start, end), line, column, '"')
        return Scalar(self.text[start:end], (start, end), line, column, "")
