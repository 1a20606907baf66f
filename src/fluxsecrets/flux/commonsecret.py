"""The common Secret, of which it is quick to say that nothing is wrong with it.

`validity` builds each object's data and lays it beside the types of Kubernetes. Nearly every Secret has the
same few fields with texts in them, and for these a look at its tree is enough. What is said here follows from
the checks of `validity` and is never more than they say: whatever is unusual is left to them.
"""

from __future__ import annotations

import re

from fluxsecrets.marks import SIGN
from fluxsecrets.sops.document import Comment, Leaf, Mapping, Node

_DIGITS, _SMALL, _LARGE = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST = 63
_PARTS = 4

# Of most texts, their characters tell. Expressions are compiled for the others: that takes longer than all
# else that is done here.
_NAME = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = rf"(?:{_WORD})?"
_KEY = rf"(?:{_NAME}(?:\.{_NAME}){{0,3}}/)?{_WORD}"  # four parts of 63 are shorter than a DNS name may be
_ENTRY = r"[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,252}"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"

_LARGEST = 2**18
"""Characters of all texts, of which each has four bytes at most."""
_LARGEST_ANNOTATIONS = 2**16


def is_common_secret(part: Mapping) -> bool:
    """Whether a document is a Secret of the common form with which nothing is wrong.

    Args:
        part: the document, plain; a ciphertext is never of the common form.

    Returns:
        False says nothing.
    """
    room, has_metadata = _LARGEST, False
    for entry in part.entries:
        if type(entry) is Comment:
            continue
        key, node = entry.key, entry.value  # type: ignore[union-attr]
        common = not entry.merge  # type: ignore[union-attr]
        if key in _TEXTS:
            common = common and type(node) is Leaf and node.value == _TEXTS[key]
        elif type(node) is not Mapping:
            common = False
        elif key == "metadata":
            has_metadata = common = common and _is_common_metadata(node)
        elif key in _VALUES:
            room = _room_left(node, _ENTRY, _VALUES[key], room)
            common = common and room >= 0
        else:
            common = False
        if not common:
            return False
    return has_metadata


_TEXTS = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
_VALUES = {"stringData": None, "data": _BASE64}


def _is_common_metadata(metadata: Mapping) -> bool:
    for entry in metadata.entries:
        if type(entry) is Comment:
            continue
        key, node = entry.key, entry.value  # type: ignore[union-attr]
        if entry.merge:  # type: ignore[union-attr]
            return False
        if key in ("name", "namespace"):
            if not _is_text(node, _NAME):
                return False
        elif type(node) is not Mapping:
            return False
        elif key == "labels":
            if _room_left(node, _KEY, _LABEL, _LARGEST) < 0:
                return False
        elif key != "annotations" or _room_left(node, _KEY, None, _LARGEST_ANNOTATIONS) < 0:
            return False
    return True


def _is_text(node: Node, pattern: str) -> bool:
    return type(node) is Leaf and type(node.value) is str and fits(pattern, node.value)


def fits(pattern: str, text: str) -> bool:
    """Whether one of the patterns here matches all of a text."""
    if _is_plain(pattern, text):
        return True
    if pattern is _KEY and "/" in text:
        prefix, _, word = text.partition("/")
        parts = prefix.split(".")
        if len(parts) <= _PARTS and _is_plain(_KEY, word) and all(_is_plain(_NAME, part) for part in parts):
            return True
    return re.fullmatch(pattern, text) is not None


def _is_plain(pattern: str, text: str) -> bool:
    if pattern not in _PLAIN or not 0 < len(text) <= _LONGEST:
        return False
    letters, between = _PLAIN[pattern]
    return not text.strip(letters + between) and text[0] in letters and text[-1] in letters


_PLAIN = {
    _NAME: (_DIGITS + _SMALL, "-"),
    _LABEL: (_DIGITS + _SMALL + _LARGE, "-_."),
    _KEY: (_DIGITS + _SMALL + _LARGE, "-_."),
    _ENTRY: (_DIGITS + _SMALL + _LARGE + "-_", "."),
}
"""The characters that a text may start and end with, and those that it may have between these.

A text of these that is not too long fits its pattern; others may fit, too.
"""


def _room_left(texts: Mapping, key: str, pattern: str | None, room: int) -> int:
    """How many characters fit beside a map of texts; -1 if there are too many, or one is not as expected.

    Args:
        texts: the map.
        key: the pattern of its keys.
        pattern: of its values, or None for any text but a ciphertext.
        room: characters.
    """
    for entry in texts.entries:
        if type(entry) is Comment:
            continue
        node = entry.value  # type: ignore[union-attr]
        if type(node) is not Leaf or entry.merge or not fits(key, entry.key):  # type: ignore[union-attr]
            return -1
        value = node.value
        if type(value) is not str:
            return -1
        if SIGN in value if pattern is None else not fits(pattern, value):
            return -1
        room -= len(entry.key) + len(value)  # type: ignore[union-attr]
    return room
