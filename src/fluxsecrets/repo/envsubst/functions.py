"""The functions of `${name…}`.

Follows funcs.go of fluxcd/pkg's envsubst. Go's texts are bytes: lengths and offsets count bytes of UTF-8, and
a part of a character is possible. Here such bytes are surrogates, as `surrogateescape` makes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fluxsecrets.errors import FormatError, LimitError

from .glob import matches

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_INT64 = 2**63
MOST_MADE = 2**26
"""Characters of a text with its variables replaced. Each value may be 1 MiB, and be used often."""

_MOST_TRIMMED = 20_000  # bytes; every prefix is tried, as in Flux


def apply(function: str, value: str, arguments: list[str]) -> str:
    """The value after a function.

    Raises:
        FormatError: Flux's controller would panic, and report that.
        LimitError: it would take too long.
    """
    if function == "#" and not arguments:
        return str(len(_bytes(value)))
    found = _FUNCTIONS.get(function)
    if found is not None:
        return found(value, arguments)
    return value or "".join(arguments)


def upper(text: str) -> str:
    """Each letter by itself, to one letter."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def lower(text: str) -> str:
    """Each letter by itself, to one letter."""
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def _upper(letter: str) -> str:
    for changed in (letter.upper(), letter.title()):
        if len(changed) == 1:
            return _valid(changed)
    return letter


def _lower(letter: str) -> str:
    changed = letter.lower()
    return _valid(changed if len(changed) == 1 else changed[0])


def _valid(letter: str) -> str:
    return "\ufffd" if "\ud800" <= letter <= "\udfff" else letter


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _part(value: str, arguments: list[str]) -> str:
    numbers = [_integer(argument) for argument in arguments]
    data = _bytes(value)
    position = numbers[0]
    if position is None:
        return value
    if position < 0:
        position = max(0, len(data) + position)
    if len(numbers) == 1:
        return _text(data[position:])
    length = numbers[1]
    if length is None:
        return value
    end = (position + length + _INT64) % (2 * _INT64) - _INT64
    if end >= len(data):
        return _text(data[position:])
    if end < 0:
        raise FormatError(f"panic: runtime error: slice bounds out of range [:{end}]")
    if end < position:
        raise FormatError(f"panic: runtime error: slice bounds out of range [{position}:{end}]")
    return _text(data[position:end])


def _integer(text: str) -> int | None:
    """As strconv.Atoi reads it."""
    if len(text) > 20 and len(text.lstrip("+-0")) > 19:
        return None
    number = int(text) if _INTEGER.fullmatch(text) else None
    return number if number is not None and -_INT64 <= number < _INT64 else None


def _replace_all(value: str, arguments: list[str]) -> str:
    new = "".join(arguments[1:])
    if value.count(arguments[0]) * len(new) > MOST_MADE:
        raise LimitError(f"a value grows to more than {MOST_MADE} characters")
    return value.replace(arguments[0], new)


def _replace_first(value: str, arguments: list[str]) -> str:
    return value.replace(arguments[0], "".join(arguments[1:]), 1)


def _replace_prefix(value: str, arguments: list[str]) -> str:
    if len(arguments) != 2 or not value.startswith(arguments[0]):
        return value
    return arguments[1] + value[len(arguments[0]) :]


def _replace_suffix(value: str, arguments: list[str]) -> str:
    if len(arguments) != 2 or not value.endswith(arguments[0]):
        return value
    return value[: len(value) - len(arguments[0])] + arguments[1]


def _trim_start(value: str, arguments: list[str], *, shortest: bool) -> str:
    data, pattern = _bytes(value), _bytes(arguments[0])
    if len(data) > _MOST_TRIMMED:
        raise LimitError(f"a value of more than {_MOST_TRIMMED} bytes is trimmed by a pattern")
    found = 0
    try:
        # From the longest one, as in Flux: a fault in the pattern shows only where matching gets to it.
        for length in range(len(data), 0, -1):
            if matches(pattern, data[:length]):
                found = length
                if not shortest:
                    break
    except FormatError:
        return value
    return _text(data[found:])


def _trim_end(value: str, arguments: list[str], *, shortest: bool) -> str:
    backwards = [_reversed(argument) for argument in arguments]
    return _reversed(_trim_start(_reversed(value), backwards, shortest=shortest))


def _reversed(text: str) -> str:
    return "".join(map(_valid, reversed(text)))


_FUNCTIONS: dict[str, Callable[[str, list[str]], str]] = {
    ",": lambda value, _: _lower(value[:1]) + value[1:] if value else "",
    ",,": lambda value, _: lower(value),
    "^": lambda value, _: _upper(value[:1]) + value[1:] if value else "",
    "^^": lambda value, _: upper(value),
    "#": lambda value, arguments: _trim_start(value, arguments, shortest=True),
    "##": lambda value, arguments: _trim_start(value, arguments, shortest=False),
    "%": lambda value, arguments: _trim_end(value, arguments, shortest=True),
    "%%": lambda value, arguments: _trim_end(value, arguments, shortest=False),
    ":": _part,
    "/": _replace_first,
    "//": _replace_all,
    "/#": _replace_prefix,
    "/%": _replace_suffix,
}
