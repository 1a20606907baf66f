"""Ciphertexts in comments that stand where they belong, told without a parser that keeps comments.

sops writes them among values that it encrypts, so that nearly all stand between two keys of a map that is
encrypted as a whole, or beside a value in it. Any other comment needs the whole of the format.
"""

from __future__ import annotations

import re

from fluxsecrets.marks import SIGN
from fluxsecrets.scan.template import is_template
from fluxsecrets.sops.betweenkeys import between

from .reader import List, Map, Node, Parsed, Scalar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.selectors import Selector

_ENCRYPTED = rf"#\s*{re.escape(SIGN)}"  # what may be left of a comment without its blanks
_PROPERTIES = "&!"
_BESIDE = r" +#[^\n\r\x85\u2028\u2029]*"


def are_all_selected(text: str, parsed: Parsed, selector: Selector) -> bool:
    """Whether all comments that may be ciphertexts surely stand where a selector encrypts comments.

    Args:
        text: of a file.
        parsed: what it was parsed to.
        selector: of the file's `sops` block; one that looks at keys.
    """
    # Aliases and JSON have places of their own, and those of a template may not be those of the text.
    if "*" in text or text.lstrip().startswith(("{", "[")) or parsed.fault is not None or is_template(text):
        return False
    encrypted = re.compile(_ENCRYPTED)
    left = sum(1 for _ in encrypted.finditer(text))
    pending: list[tuple[Node, bool]] = [(node, False) for node in parsed.documents]
    while pending and left:
        node, matched = pending.pop()
        if type(node) is List:
            pending += [(item, matched) for item in node.items]
        elif type(node) is Map:
            if matched == selector.encrypts_matches:
                for start, end in _places(text, node):
                    left -= sum(1 for _ in encrypted.finditer(text, start, end))
            for key, value in node.pairs:
                # Merged maps, and keys that are maps, are rare.
                if type(value) is not Scalar and type(key) is Scalar and key.text not in ("<<", "sops"):
                    below = matched or selector.matches(key.text)
                    if below == selector.encrypts_matches:
                        left -= sum(1 for _ in encrypted.finditer(text, *_head(text, key, value)))
                    pending.append((value, below))
    return left == 0


def _places(text: str, node: Map) -> list[tuple[int, int]]:
    """Spans whose comments belong to a map: those between its keys, and the one beside its last value."""
    places = []
    pairs = node.pairs
    for number, (_, value) in enumerate(pairs):
        if type(value) is not Scalar or value.end <= value.start or text[value.start] in _PROPERTIES:
            continue
        if number + 1 == len(pairs):
            beside = re.compile(_BESIDE).match(text, value.end)
            if beside is not None and text[value.end - 1] not in "\r\n":
                places.append(beside.span())
            continue
        start, (following, _) = value.end, pairs[number + 1]
        if type(following) is Scalar and text.find("#", start, following.start) >= 0:
            below = text[start - 1] in "\r\n"  # a block scalar ends behind its line break
            if between(text[start : following.start], following.column - 1, below=below) is not None:
                places.append((start, following.start))
    return places


def _head(text: str, key: Scalar, value: Node) -> tuple[int, int]:
    """The span in front of a map's first key if its comments belong to that map, or an empty one."""
    first = value.pairs[0][0] if type(value) is Map and value.pairs else None
    if type(first) is Scalar and text.startswith(":", key.end):
        start = key.end + 1
        if (
            text.find("#", start, first.start) >= 0
            and between(text[start : first.start], first.column - 1, below=False) == -1
        ):
            return start, first.start
    return 0, 0
