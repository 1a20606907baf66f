"""Types of YAML scalars as go-yaml v3 resolves them, and text for typed values.

Taken from go-yaml v3: resolve.go (`resolve`, `parseTimestamp`) and decode.go (`indicatedString`); the
rows of tests/vectors/sops/scalars.json show each rule. YAML 1.1 and other readers differ: here `yes` is
a string, `0777` is 511, `08` is a float and `12:30` is a string.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from contextlib import suppress
from math import isinf, isnan

from fluxsecrets.sops.values import INT64_MAX, INT64_MIN, Timestamp, Value

_CONSTANTS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}

_HINT = frozenset("+-0123456789.tTfFnN~")
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_DOT_FLOAT = r"\.[0-9]+([eE][-+]?[0-9]+)?"
# strconv.ParseInt with base 0: optional sign, then 0x, 0o, 0b, a leading zero for octal, or decimal.
_INT = r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)"
_DATE = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)

_INT64_DIGITS = 20

LONG_TAG = "tag:yaml.org,2002:"
STR_TAG, BINARY_TAG, MERGE_TAG = LONG_TAG + "str", LONG_TAG + "binary", LONG_TAG + "merge"
_RESOLVED_TAGS = {
    LONG_TAG + "bool": (bool,),
    LONG_TAG + "int": (int,),
    LONG_TAG + "float": (float, int),
    LONG_TAG + "null": (type(None),),
    LONG_TAG + "timestamp": (Timestamp,),
}


class ScalarError(ValueError):
    """A scalar that has no value; the message does not show its text."""


def resolve_plain(text: str) -> Value:  # noqa: PLR0911 - one for each kind of scalar
    """The value of a plain scalar without a tag.

    Raises:
        ScalarError: an integer that needs 64 bits without a sign, which sops refuses as well.
    """
    if text == "":
        return None
    if text[0] not in _HINT:
        return text
    try:
        return _CONSTANTS[text]
    except KeyError:
        pass
    first = text[0]
    if first in "tTfFnN~":
        return text
    if first == ".":
        return float(text) if re.fullmatch(_DOT_FLOAT, text) and not isinf(float(text)) else text
    if (moment := _timestamp(text)) is not None:
        return moment
    return _number(text)


def _number(text: str) -> Value:
    digits = text.replace("_", "")
    if re.fullmatch(_INT, digits) and (len(digits) <= _INT64_DIGITS or digits.lstrip("+-")[0] == "0"):
        value = _go_int(digits)
        if INT64_MIN <= value <= INT64_MAX:
            return value
        if 0 <= value < 2**64 and digits[0] != "+":
            raise ScalarError("an integer beyond 64 bits with a sign")
    if re.fullmatch(_FLOAT, digits):
        number = float(digits)
        return text if isinf(number) else number
    return text


def _go_int(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    body = digits.lstrip("+-").lower()
    if body.startswith(("0x", "0b", "0o")):
        return sign * int(body, 0)
    return sign * int(body, 8 if len(body) > 1 and body[0] == "0" else 10)


def _timestamp(text: str) -> Timestamp | None:
    match = re.fullmatch(_DATE, text)
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, fraction, offset = match.groups()
    if separator is None:
        hour = minute = second = "0"
    elif (separator == " ") == (offset is not None):
        return None  # go-yaml has no layout for a blank with an offset, nor for a T without one
    point = f".{fraction}" if fraction else ""
    try:
        return Timestamp.parse(
            f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{point}{offset or 'Z'}"
        )
    except ValueError:
        return None


def resolve_tagged(text: str, tag: str, *, plain: bool) -> Value:
    """The value of a scalar with an explicit tag, as a long tag.

    Raises:
        ScalarError: the text is not of the tag's type, such as `!!int x`.
    """
    if tag == BINARY_TAG:
        return _binary(text)
    if tag not in _RESOLVED_TAGS:
        return text
    value = resolve_plain(text) if plain or tag != STR_TAG else text
    if not isinstance(value, _RESOLVED_TAGS[tag]) or (isinstance(value, bool) and "bool" not in tag):
        raise ScalarError("not of the type that its tag says")
    return float(value) if tag.endswith("float") and isinstance(value, int) else value


def _binary(text: str) -> str:
    # sops holds the bytes in a string; bytes that are no text can't be written back as YAML.
    with suppress(Base64Error, UnicodeDecodeError):
        return b64decode(re.sub(r"[\r\n]", "", text), validate=True).decode("utf-8")
    raise ScalarError("!!binary that is not base64 of UTF-8 text")


def plain_text(value: Value) -> str | None:
    """How a value that is not a string is written; None for strings, which need a style."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Timestamp):
        return value.text
    return None


def _float_text(value: float) -> str:
    if isnan(value):
        return ".nan"
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)
