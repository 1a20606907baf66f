"""`kind: Secret` that only refers to a Secret: `valuesFrom`, targets of patches, and the like.

They are most of what has the sign of a Secret. The object that such a line stands in is known by its
indentation, so that the file need not be parsed, or be valid, to know that it holds no values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_KIND = re.compile(rb"(?P<lead> *(?:- +)*)(?P<quote>[\"']?)kind(?P=quote): +[\"']?Secret[\"']? *(?:#.*)?\r?")
_FIELD = re.compile(
    rb"(?P<lead> *(?:- +)*)[\"']?(?:name|namespace|apiVersion|group|version|key|optional|valuesKey|targetPath"
    rb"|labelSelector|annotationSelector|fieldPath)[\"']?: +[^|>{\[&!\s][^\n]*"
)
_PARENT = re.compile(rb" *(?:- +)*[\w\"'./-]+: *(?:#.*)?\r?")
_SKIPPED = re.compile(rb"\s*(?:#.*)?")
_LONGEST = 40
"""Lines above and below that are looked at."""


def are_references(data: bytes, ends: Iterable[int]) -> bool:
    """Whether all of the Secrets that end at some places are references.

    Args:
        data: the file.
        ends: where the sign of a Secret ends; those that are unknown are -1.
    """
    return all(end > 0 and _is_reference(data, end) for end in ends)


def _is_reference(data: bytes, end: int) -> bool:
    start = data.rfind(b"\n", 0, end - 1) + 1
    stop = _end_of_line(data, end - 1)
    kind = _KIND.fullmatch(data, start, stop)
    if kind is None or not kind["lead"]:
        return False
    column = len(kind["lead"])
    return _ends_below(data, stop, column) and (b"-" in kind["lead"] or _starts_above(data, start, column))


def _ends_below(data: bytes, stop: int, column: int) -> bool:
    """Whether only fields of a reference follow in the same map."""
    for _ in range(_LONGEST):
        if stop >= len(data):
            return True
        start, stop = stop + 1, _end_of_line(data, stop + 1)
        if _SKIPPED.fullmatch(data, start, stop):
            continue
        if _indent(data, start, stop) < column:
            return data[start:stop].lstrip(b" ")[:1] not in b"{%\t<"
        field = _FIELD.fullmatch(data, start, stop)
        if field is None or len(field["lead"]) != column or b"-" in field["lead"]:
            return False
    return False


def _starts_above(data: bytes, start: int, column: int) -> bool:
    """Whether only fields of a reference, and what it is the value of, stand above in the same map."""
    for _ in range(_LONGEST):
        if start <= 0:
            return False
        stop, start = start - 1, data.rfind(b"\n", 0, start - 1) + 1
        if _SKIPPED.fullmatch(data, start, stop):
            continue
        if _indent(data, start, stop) < column:
            field = _FIELD.fullmatch(data, start, stop)
            if field is not None and len(field["lead"]) == column:
                return True  # the first one of an item
            return _PARENT.fullmatch(data, start, stop) is not None
        field = _FIELD.fullmatch(data, start, stop)
        if field is None or len(field["lead"]) != column:
            return False
    return False


def _end_of_line(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def _indent(data: bytes, start: int, stop: int) -> int:
    line = data[start:stop]
    return len(line) - len(line.lstrip(b" "))
