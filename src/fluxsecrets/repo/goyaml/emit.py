"""An object as text.

Follows encode.go, sorter.go and emitterc.go of go-yaml v2, for what JSON can hold: block collections, keys in
its own order, lines that are wrapped at spaces behind column 80.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cmp_to_key
from math import isfinite
from typing import Any, Final

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.sops.values import Timestamp

from .resolve import Tag, is_base_60, resolve

MAX_DEPTH: Final = 150

_WIDTH = 80
_LONGEST_KEY = 128  # bytes; longer ones are written behind a question mark
_SPECIAL = re.compile("[^\n -~\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_BREAK = re.compile("[\r\n\u0085\u2028\u2029]")
_SPACE_BREAK = re.compile(" [\r\n\u0085\u2028\u2029]")
_BREAK_SPACE = re.compile("[\r\n\u0085\u2028\u2029] ")
_INDICATOR = re.compile(r"""[#,\[\]{}&*!|>'"%@`]|[?:-](?:[ \t\r\n\0\u0085\u2028\u2029]|\Z)|---|\.\.\.""")
_INNER_INDICATOR = re.compile(r":(?:[ \t\r\n\0\u0085\u2028\u2029]|\Z)|(?<=[ \t\r\n\0\u0085\u2028\u2029])#")
_CONTROL = re.compile("[\x7f-\x9f\ufffe\uffff]")
_REFUSED = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_NEXT_LINES = re.compile(" *\u0085[ \u0085]*")
_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
    '"': '"', "\\": "\\", "\u0085": "N", "\u00a0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


def emit(data: dict[str, Any]) -> str:
    """The text of an object.

    Raises:
        FormatError: it has a number that JSON lacks. The message is Go's.
        LimitError: it is nested too deeply.
    """
    return "".join(_map(data, 0, inline=False)) if data else "{}\n"


def format_float(number: float) -> str:
    """As strconv.FormatFloat writes it with 'g'."""
    digits, _, exponent = f"{number!r}".partition("e")
    if not exponent and (number == 0 or 1e-4 <= abs(number) < 1e6):
        return digits.removesuffix(".0")
    mantissa, _, power = _shortest(number).partition("e")
    if -4 <= int(power) < 21 and int(power) < 6:
        return digits
    return f"{mantissa}e{int(power):+03d}"


def _shortest(number: float) -> str:
    """The digits of the shortest text, as `1.25e3`."""
    digits = re.sub(r"[-.]", "", f"{number!r}".partition("e")[0]).strip("0")
    return f"{number:.{max(0, len(digits) - 1)}e}"


# Collections.


def _node(value: Any, indent: int, *, compact: bool) -> Iterator[str]:
    """What follows `key:`, or `- ` and `? ` if compact, whole lines."""
    if indent > 2 * MAX_DEPTH:
        raise LimitError(f"an object is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict) and value:
        yield " " if compact else "\n"
        yield from _map(value, indent + 2, inline=compact)
    elif isinstance(value, list) and value:
        yield " " if compact else "\n"
        yield from _list(value, indent + 2 if compact else indent, inline=compact)
    elif isinstance(value, dict | list):
        yield " {}\n" if isinstance(value, dict) else " []\n"


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _map(data: dict[str, Any], indent: int, *, inline: bool) -> Iterator[str]:
    for key in sorted(data, key=_ORDER):
        value = data[key]
        yield "" if inline else " " * indent
        inline = False
        simple = _BREAK.search(key) is None and len(key.encode("utf-8", "surrogatepass")) <= _LONGEST_KEY
        if simple:
            shown = _scalar(key, indent, 0, is_key=True)
            yield f"{shown}:"
            column = indent + len(shown) + 1
        else:
            yield f"?{_line(_scalar(key, indent, indent + 1))}{' ' * indent}:"
            column = indent + 1
        if _is_nested(value):
            yield from _node(value, indent, compact=not simple)
        else:
            yield _line(_scalar(value, indent, column))


def _list(items: list[Any], indent: int, *, inline: bool) -> Iterator[str]:
    for item in items:
        yield "-" if inline else f"{' ' * indent}-"
        inline = False
        if _is_nested(item):
            yield from _node(item, indent, compact=True)
        else:
            yield _line(_scalar(item, indent, indent + 1))


def _line(text: str) -> str:
    """A scalar behind its indicator; a literal ends its own line."""
    ended = text.startswith("|") and _BREAK.match(text[-1]) is not None
    return f" {text}" if ended else f" {text}\n"


# The order of keys.


def _compare(first: str, second: str) -> int:
    """Digits count as numbers, and come before letters."""
    if first == second:
        return 0
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
    if at is None:
        return len(first) - len(second)
    one, other = first[at], second[at]
    if one.isalpha() and other.isalpha():
        return -1 if one < other else 1
    if one.isalpha() or other.isalpha():
        return -1 if other.isalpha() else 1
    start = 0
    if "0" in (one, other):
        before = at - 1
        while before >= 0 and first[before].isdecimal():
            if first[before] != "0":
                start = 1
                break
            before -= 1
    mine, ours = _digits(first, at, start), _digits(second, at, start)
    if mine != ours:
        return -1 if mine < ours else 1
    return -1 if one < other else 1


def _digits(text: str, at: int, number: int) -> tuple[int, int]:
    """The number that starts there, and where it ends."""
    end = at
    while end < len(text) and text[end].isdecimal():
        number = (number * 10 + ord(text[end]) - 48 + 2**63) % 2**64 - 2**63
        end += 1
    return number, end


_ORDER = cmp_to_key(_compare)


# Scalars.


def _scalar(value: Any, indent: int, column: int, *, is_key: bool = False) -> str:
    if isinstance(value, Timestamp):
        value = value.text
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return _text(_through_json(value), indent + 2, column + 1, is_key=is_key)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    return str(value) if -(2**63) <= value < 2**64 else _float(float(value))


def _through_json(text: str) -> str:
    """A text as go-yaml reads it from JSON: it folds lines at U+0085, and refuses control characters."""
    if _CONTROL.search(text) is None:
        return text
    if _REFUSED.search(text) is not None:
        raise FormatError("yaml: control characters are not allowed")
    return _NEXT_LINES.sub(lambda match: "\n" * (match[0].count("\u0085") - 1) or " ", text)


def _float(number: float) -> str:
    if not isfinite(number):
        shown = "NaN" if number != number else f"{'+' if number > 0 else '-'}Inf"  # noqa: PLR0124
        raise FormatError(f"json: unsupported value: {shown}")
    if number.is_integer() and abs(number) < 2**64:
        return str(int(number))
    return format_float(number)


def _text(text: str, indent: int, column: int, *, is_key: bool) -> str:
    breaks = _BREAK.search(text) is not None
    unsafe = _SPECIAL.search(text) is not None or _SPACE_BREAK.search(text) is not None
    if "\n" in text and not is_key and not unsafe and not text.endswith(" "):
        return _literal(text, indent)
    if "\n" in text or unsafe or (is_key and breaks):
        return _double_quoted(text, indent, column, wraps=not is_key)
    if resolve(text).tag is not Tag.STR or is_base_60(text):
        return _double_quoted(text, indent, column, wraps=not is_key)
    if text and not breaks and not _is_indicated(text) and text[0] != " " and text[-1] != " ":
        return _wrapped(text, indent, column) if not is_key and column + len(text) > _WIDTH else text
    if _BREAK_SPACE.search(text) is not None:
        return _double_quoted(text, indent, column, wraps=not is_key)
    return _single_quoted(text, indent, column, wraps=not is_key)


def _is_indicated(text: str) -> bool:
    return _INDICATOR.match(text) is not None or _INNER_INDICATOR.search(text, 1) is not None


def _wrapped(text: str, indent: int, column: int) -> str:
    pieces: list[str] = []
    spaces = False
    for index, character in enumerate(text):
        if character != " ":
            pieces.append(character)
            spaces = False
        elif not spaces and column > _WIDTH and text[index + 1 : index + 2] != " ":
            pieces.append("\n" + " " * indent)
            column, spaces = indent, True
            continue
        else:
            pieces.append(character)
            spaces = True
        column += 1
    return "".join(pieces)


def _single_quoted(text: str, indent: int, column: int, *, wraps: bool) -> str:
    pieces = ["'"]
    column += 1
    last = len(text) - 1
    spaces = breaks = False
    for index, character in enumerate(text):
        if character == " ":
            ends = wraps and not spaces and column > _WIDTH and 0 < index < last and text[index + 1] != " "
            pieces.append("\n" + " " * indent if ends else " ")
            column = indent if ends else column + 1
            spaces = True
        elif _BREAK.match(character):
            pieces.append(character)
            column, breaks = 0, True
        else:
            if breaks:
                pieces.append(" " * indent)
                column = indent
            pieces.append("''" if character == "'" else character)
            column += 2 if character == "'" else 1
            spaces = breaks = False
    return "".join((*pieces, "'"))


def _double_quoted(text: str, indent: int, column: int, *, wraps: bool) -> str:
    pieces = ['"']
    column += 1
    last = len(text.encode("utf-8", "surrogatepass")) - 1
    escapes_all = text.startswith("\ufeff")  # go-yaml looks at the first character each time
    spaces = False
    at = 0  # in bytes
    for index, character in enumerate(text):
        spaces_now = character == " "
        if escapes_all or character in '"\\' or _SPECIAL.match(character) or _BREAK.match(character):
            shown = _escaped(character)
            spaces_now = False
        elif spaces_now and wraps and not spaces and column > _WIDTH and 0 < at < last:
            shown = "\n" + " " * indent + ("\\" if text[index + 1] == " " else "")
            column = indent - len(shown) + text[index + 1].count(" ")
        else:
            shown = character
        pieces.append(shown)
        column += len(shown)
        spaces = spaces_now
        at += len(character.encode("utf-8", "surrogatepass"))
    return "".join((*pieces, '"'))


def _escaped(character: str) -> str:
    known = _ESCAPES.get(character)
    if known is not None:
        return f"\\{known}"
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] == " " or _BREAK.match(text[0]) else ""
    chomp = ""
    if _BREAK.match(text[-1]) is None:
        chomp = "-"
    elif len(text) == 1 or _BREAK.match(text[-2]):
        chomp = "+"
    pieces = [f"|{hint}{chomp}\n"]
    start = 0
    for match in (*_BREAK.finditer(text), None):
        line = text[start : match.start() if match else len(text)]
        if line:
            pieces.append(" " * indent + line)
        if match:
            pieces.append(match[0])
            start = match.end()
    return "".join(pieces)
