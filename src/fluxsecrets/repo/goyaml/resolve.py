"""What a plain scalar is.

Follows resolve.go of go-yaml v2: the words of YAML 1.1, Go's integers, and dates, which stay texts.
"""

from __future__ import annotations

import re
from calendar import monthrange
from enum import StrEnum
from typing import NamedTuple


class Tag(StrEnum):
    """The tags that a scalar resolves to."""

    STR = "tag:yaml.org,2002:str"
    BOOL = "tag:yaml.org,2002:bool"
    INT = "tag:yaml.org,2002:int"
    FLOAT = "tag:yaml.org,2002:float"
    NULL = "tag:yaml.org,2002:null"
    TIMESTAMP = "tag:yaml.org,2002:timestamp"


Scalar = str | int | float | bool | None


class Resolved(NamedTuple):
    """A scalar with its tag. The value of a timestamp is its text."""

    tag: Tag
    value: Scalar


def _spellings(word: str) -> tuple[str, str, str]:
    return word, word.capitalize(), word.upper()


_WORDS: dict[str, Resolved] = {
    **{
        text: Resolved(Tag.BOOL, value)
        for value, words in ((True, ("yes", "true", "on")), (False, ("no", "false", "off")))
        for word in words
        for text in _spellings(word)
    },
    **{text: Resolved(Tag.BOOL, text in "yY") for text in "yYnN"},
    **{text: Resolved(Tag.NULL, None) for text in ("", "~", *_spellings("null"))},
    **{text: Resolved(Tag.FLOAT, float("nan")) for text in (".nan", ".NaN", ".NAN")},
    **{
        f"{sign}{text}": Resolved(Tag.FLOAT, float(f"{sign}inf"))
        for sign in ("", "+", "-")
        for text in (".inf", ".Inf", ".INF")
    },
}
_FIRST = frozenset("+-0123456789yYnNtTfFoO~.")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_POINT_FIRST = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?", re.ASCII)
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?"
_TIMESTAMP = re.compile(
    rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{_CLOCK}(?:Z|[+-](\d\d):(\d\d))| +{_CLOCK})?", re.ASCII
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_LONGEST = 400  # characters of a number; Go's are 64 bits


def resolve(text: str, *, dates: bool = True) -> Resolved:
    """What a scalar without a tag is; without `dates`, what one with a tag for something else is."""
    if text and text[0] not in _FIRST:
        return Resolved(Tag.STR, text)
    known = _WORDS.get(text)
    if known is not None:
        return known
    if text.startswith("."):
        return (
            _float(text.replace("_", ""), text) if _POINT_FIRST.fullmatch(text) else Resolved(Tag.STR, text)
        )
    if text[0] in "+-0123456789":
        if dates and _is_timestamp(text):
            return Resolved(Tag.TIMESTAMP, text)
        return _number(text.replace("_", ""), text)
    return Resolved(Tag.STR, text)


def is_base_60(text: str) -> bool:
    """Whether other readers take it for a number such as `12:30`; go-yaml quotes it for them."""
    return _BASE_60.fullmatch(text) is not None


def _number(plain: str, text: str) -> Resolved:
    if _INTEGER.fullmatch(plain) and len(plain) <= _LONGEST:
        number = _integer(plain)
        most = 2**64 if plain[0] not in "+-" else 2**63
        if -(2**63) <= number < most:
            return Resolved(Tag.INT, number)
    if _FLOAT.fullmatch(plain):
        return _float(plain, text)
    return Resolved(Tag.STR, text)


def _integer(plain: str) -> int:
    digits = plain.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = int(digits, 8 if octal else 0)
    return -number if plain[0] == "-" else number


def _float(plain: str, text: str) -> Resolved:
    number = float(plain)
    if number in (float("inf"), float("-inf")):
        return Resolved(Tag.STR, text)
    return Resolved(Tag.FLOAT, number)


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day, *rest = (int(part) if part else 0 for part in match.groups())
    hour, minute, second, zone_hour, zone_minute = rest[:5]
    hour, minute, second = hour + rest[5], minute + rest[6], second + rest[7]
    # Year 0 is a leap year that Python lacks.
    return (
        1 <= month <= 12
        and 1 <= day <= monthrange(year or 4, month)[1]
        and hour < 24
        and minute < 60
        and second < 60
        and zone_hour <= 24
        and zone_minute <= 60
    )
