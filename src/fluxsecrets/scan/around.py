"""Lines around telling names in manifests: whether there may be a value that is called so.

A value is not always in the line of its name: `password:` may have it below, or a map with `value:`, and
`name: DB_PASSWORD` beside it. Most of these names are of references and of Secrets, and have no such value
near. That is seen from the lines of their map, if all are simple ones. In doubt the file is parsed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from .names import GENERIC_KEYS, VALUE_KEYS, Telling, singular, telling
from .wholetext import looks_random

_LONGEST = 60
"""Lines below and above that are looked at."""

_WIDEST = 400
"""Bytes of a line."""

_MOST = 500
"""Places in a file; beyond, parsing it takes no longer."""

# Simple lines have a key, a value that ends in the line, or both. Neither flow maps nor tags, escapes or
# other line breaks are in them, and of braces only those of `${NAME}` and of complete expressions.
_LEAD = rb"(?P<lead> *(?:- +)*)"
_KEY = rb"(?:(?P<bare>[\w./$-]+)|\"(?P<double>[\w./$ -]+)\"|'(?P<single>[\w./$ -]+)')"
_VARIABLE = rb"\$\{[\w:.-]*\}|\$?\{\{[ \w.$|()-]*\}\}"
_ANCHOR = rb"&[\w.-]+"
_PLAIN = rb"(?:[\w$(/.~+]|%s|-[\w$.])(?:[\w$()/.~+@%%<>;=?^*!-]|%s|[,:](?![ \r\n]|\Z)| +(?![ #\r\n]|\Z))*" % (
    _VARIABLE,
    _VARIABLE,
)
_VALUE = rb"(?:%s|\"[^\"\\\t\r\x80-\xff]*\"|'[^'\t\r\x80-\xff]*'|\{\}|\[\])" % _PLAIN
_END = rb" *(?: #[ -~]*)?\r?"
_BARE = rb"%s%s *:(?: +%s)?%s" % (_LEAD, _KEY, _ANCHOR, _END)
_PAIR = rb"%s%s *: +(?:(?:%s +)?%s|\*[\w.-]+)%s" % (_LEAD, _KEY, _ANCHOR, _VALUE, _END)
_SIMPLE = rb"%s(?:%s *:(?: +(?:(?P<text>[|>][-+]?)|(?:%s +)?%s|%s|\*[\w.-]+))?|(?<=- )%s)%s" % (
    _LEAD,
    _KEY,
    _ANCHOR,
    _VALUE,
    _ANCHOR,
    _VALUE,
    _END,
)
_SKIPPED = rb" *(?:#[ -~]*)?\r?"
_NEXT = rb" *(?:- +)*%s *:(?:[ \r]|\Z)| *-(?: |\r?\Z)|---|\.\.\." % _KEY
_END_OF_DOCUMENT = rb"(?:---|\.\.\.)(?:[ \r]|\Z)"
_START = rb"--- *\r?"
_VALUE_KEY = rb"(?:%s)[\"']?\s*:" % b"|".join(sorted(map(str.encode, VALUE_KEYS)))
_RANDOM = rb"[A-Za-z0-9]{12,}|[0-9a-f-]{36}"
_DEFINITION = (
    rb"(?:[ \t]*(?:#[ -~]*)?\r?\n)*(?:--- *\r?\n)?(?: *(?:#[ -~]*)?\r?\n)*"
    rb"apiVersion: apiextensions\.k8s\.io/v1(?:beta1)?\r?\nkind: CustomResourceDefinition\r?\n"
)
_OTHER_KIND = rb"\n(?:kind|[\"'?])"


_compiled = cache(re.compile)  # most files need few of these

_GENERIC = frozenset(key.encode() for key in GENERIC_KEYS)
_VALUES = frozenset(key.encode() for key in VALUE_KEYS)


def hold_no_value_below(data: bytes, ends: Iterable[int]) -> bool:
    """Whether telling keys without a value in their lines have none below.

    Args:
        data: the file.
        ends: where the sign of such a key ends, with the end of its line; those that are unknown are -1.
    """
    return _hold(data, ends, _has_none_below)


def have_no_value_beside(data: bytes, ends: Iterable[int]) -> bool:
    """Whether no map in which a telling name is a value has the value that is called so.

    Args:
        data: the file.
        ends: where the sign of such a name ends; those that are unknown are -1.
    """
    if _compiled(_VALUE_KEY).search(data) is None:
        return True
    return _hold(data, ends, _has_none_beside)


def hold_nothing_random(data: bytes, ends: Iterable[int]) -> bool:
    """Whether telling plurals have no item, nor a value in a map, that looks made by a machine.

    Args:
        data: the file.
        ends: where the sign of such a plural ends; those that are unknown are -1.
    """
    return _hold(data, ends, _has_nothing_random)


def _hold(data: bytes, ends: Iterable[int], look: Callable[[bytes, int, int], bool]) -> bool:
    """Whether each place is in a line that shows it, or in the definition of a resource."""
    definitions: dict[int, bool] = {}
    for count, end in enumerate(ends):
        if end < 0 or count >= _MOST:
            return False
        start, stop = data.rfind(b"\n", 0, end - 1) + 1, _end_of_line(data, end - 1)
        if stop - start > _WIDEST or not look(data, start, stop):
            document = data.rfind(b"\n---", 0, end) + 1
            if document not in definitions:
                definitions[document] = _is_definition(data, document)
            if not definitions[document]:
                return False
    return True


def _has_none_below(data: bytes, start: int, stop: int) -> bool:
    own = _compiled(_BARE).fullmatch(data, start, stop)
    if own is None:
        return _compiled(_SKIPPED).fullmatch(data, start, stop) is not None
    column = len(own["lead"])
    first, is_list = -1, False  # the column of what is below
    for line in _below(data, stop):
        if _is_after(line, column):
            return _compiled(_NEXT).match(line) is not None
        found = _compiled(_SIMPLE).fullmatch(line)
        if found is None or found["text"]:
            return False
        key, at = _key(found), len(found["lead"])
        if first < 0:
            first, is_list = at, _is_item(line)
        is_own = is_list or at == first
        if (not key and not is_list) or (not is_list and at < first) or (key in _GENERIC and is_own):
            return False
    return True


def _has_nothing_random(data: bytes, start: int, stop: int) -> bool:
    own = _compiled(_BARE).fullmatch(data, start, stop)
    if own is None:
        return _compiled(_SKIPPED).fullmatch(data, start, stop) is not None
    one = singular(_key(own).decode())
    if not one:
        return True
    column = len(own["lead"])
    for line in _below(data, stop):
        if _is_after(line, column):
            return _compiled(_NEXT).match(line) is not None
        found = _compiled(_SIMPLE).fullmatch(line)
        if found is None or found["text"] or b"*" in line or telling(one) is Telling.SURELY:
            return False
        if any(len(part) == 36 or looks_random(part.decode()) for part in _compiled(_RANDOM).findall(line)):
            return False
    return True


def _is_definition(data: bytes, start: int) -> bool:
    """Whether a document is the definition of a resource, which says what others may hold."""
    stop = data.find(b"\n---", start + 1)
    head = _compiled(_DEFINITION).match(data, start)
    return (
        head is not None
        and _compiled(_OTHER_KIND).search(data, head.end() - 1, len(data) if stop < 0 else stop) is None
    )


def _has_none_beside(data: bytes, start: int, stop: int) -> bool:
    own = _compiled(_PAIR).fullmatch(data, start, stop)
    if own is None:
        return _compiled(_SKIPPED).fullmatch(data, start, stop) is not None
    column = len(own["lead"])
    return _ends_below(data, stop, column) and (b"-" in own["lead"] or _starts_above(data, start, column))


def _ends_below(data: bytes, stop: int, column: int) -> bool:
    """Whether the map of a line has no value after it."""
    text = sys.maxsize  # the column of the key whose text is gone through
    for line in _below(data, stop):
        indent = _indent(line)
        if indent > text:
            continue
        text = sys.maxsize
        if indent < column or _compiled(_END_OF_DOCUMENT).match(line):
            return _compiled(_NEXT).match(line) is not None
        found = _compiled(_SIMPLE).fullmatch(line)
        if found is None or (len(found["lead"]) == column and _key(found) in _VALUES):
            return False
        if found["text"]:
            text = len(found["lead"])
    return True


def _starts_above(data: bytes, start: int, column: int) -> bool:
    """Whether the map of a line has no value before it."""
    unclear = False  # whether there are lines below that can only be a text
    for line in _above(data, start):
        found, indent = _compiled(_SIMPLE).fullmatch(line), _indent(line)
        if indent > column or (indent == column and _is_item(line)):
            unclear = unclear or found is None
            continue
        if found is None:
            return not unclear and _compiled(_START).fullmatch(line) is not None
        at = len(found["lead"])
        if at > column or (unclear and not found["text"]):
            return False
        unclear = False
        if at < column:  # what the map is the value of
            return _compiled(_BARE).fullmatch(line) is not None or bool(found["text"])
        if _key(found) in _VALUES:
            return False
        if indent < at:  # an item starts here
            return True
    return column == 0 and not unclear


def _below(data: bytes, stop: int) -> Iterator[bytes]:
    """The lines below one that ends at a place, without comments; of too many, the last one is none."""
    for _ in range(_LONGEST):
        if stop >= len(data):
            return
        start, stop = stop + 1, _end_of_line(data, stop + 1)
        if stop - start > _WIDEST:
            break
        if _compiled(_SKIPPED).fullmatch(data, start, stop) is None:
            yield data[start:stop]
    yield _NO_LINE


def _above(data: bytes, start: int) -> Iterator[bytes]:
    """The lines above one that starts at a place, upwards, as `_below`."""
    for _ in range(_LONGEST):
        if start <= 0:
            return
        stop, start = start - 1, data.rfind(b"\n", 0, start - 1) + 1
        if stop - start > _WIDEST:
            break
        if _compiled(_SKIPPED).fullmatch(data, start, stop) is None:
            yield data[start:stop]
    yield _NO_LINE


_NO_LINE = b"{"
"""Neither simple, nor the next one after a map."""


def _end_of_line(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip(b" "))


def _is_after(line: bytes, column: int) -> bool:
    """Whether a line does not belong to what is below a key, by its indentation."""
    indent = _indent(line)
    if indent == column:
        return not _is_item(line) or _compiled(_END_OF_DOCUMENT).match(line) is not None
    return indent < column


def _is_item(line: bytes) -> bool:
    return line.split(None, 1)[:1] == [b"-"]


def _key(found: re.Match[bytes]) -> bytes:
    key: bytes = found["bare"] or found["double"] or found["single"] or b""
    return key
