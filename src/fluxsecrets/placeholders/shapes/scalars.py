"""Switches, numbers, numbers with a unit, and versions: `true`, `5432`, `30s`, `10Gi`, `80%`, `v1.2.3`."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.numbers import AMOUNTS, exchange, flip

_SWITCHES = (("false", "true"), ("no", "yes"), ("off", "on"), ("disabled", "enabled"))
_NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>0|[1-9][0-9]{0,18})(?:\.(?P<fraction>[0-9]{1,18}))?", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,64}", re.ASCII)
_TIMES = ("ns", "us", "ms", "s", "m", "h", "d", "w")
_SIZES = (*("k", "K", "M", "G", "T", "P", "E"), *("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))
_BYTES = ("B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB")
_UNITS = "|".join((*_BYTES, *_SIZES, *_TIMES, "%"))
_ONE = r"(?P<number>0|[1-9][0-9]{0,8})(?P<point>\.[0-9]{1,3})?"
_AMOUNT = re.compile(rf"{_ONE}(?P<unit>{_UNITS})", re.ASCII)
_LONG = re.compile(rf"(?:[0-9]{{1,9}}(?:{'|'.join(_TIMES)})){{2,6}}", re.ASCII)
_VERSION = re.compile(
    r"(?P<before>v?)(?P<numbers>[0-9]{1,4}(?:\.[0-9]{1,4}){2})(?:[-+][0-9A-Za-z.+-]{1,64})?", re.ASCII
)
_STEP = re.compile(r"([0-9]+)([a-z]+)")


def _boolean(text: str, maker: Maker) -> str | None:
    lower = text.lower()
    for pair in _SWITCHES:
        if lower in pair and text in (lower, lower.title(), lower.upper()):
            found = pair[flip(lower == pair[1], maker.key, name=maker.name)]
            return found if text == lower else found.title() if text == lower.title() else found.upper()
    return None


def _number(text: str, maker: Maker) -> str | None:
    match = _NUMBER.fullmatch(text)
    whole = exchange(int(match["whole"]), maker.key, name=maker.name) if match is not None else None
    if match is None or whole is None:
        return _digits(text, maker)
    if match["fraction"] is None:
        return f"{match['sign']}{whole}"
    return f"{match['sign']}{whole}.{1 + maker.draw('fraction', text).below(9998):04}"


def _digits(text: str, maker: Maker) -> str | None:
    """A text of digits that no number is written as: `007`, or one beyond 64 bits."""
    if _DIGITS.fullmatch(text) is None:
        return None
    found = maker.draw("digits", text).signs("0123456789", len(text))
    return f"{text[0]}{found[1:]}" if text[0] == "0" else f"{1 + int(found[0]) % 9}{found[1:]}"


def _amount(text: str, maker: Maker) -> str | None:
    match = _AMOUNT.fullmatch(text)
    if match is not None:
        point = "" if match["point"] is None else f".{maker.draw('point', text).below(10)}"
        return f"{_exchanged(match['number'], maker)}{point}{match['unit']}"
    if _LONG.fullmatch(text) is None:
        return None
    return _STEP.sub(lambda step: f"{_exchanged(step[1], maker)}{step[2]}", text)


def _exchanged(number: str, maker: Maker) -> int:
    found = exchange(int(number), maker.key, name=maker.name, classes=AMOUNTS)
    assert found is not None  # noqa: S101 - nine digits are in a class
    return found


def _version(text: str, maker: Maker) -> str | None:
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    numbers = (str(_exchanged(number, maker)) for number in match["numbers"].split("."))
    return f"{match['before']}{'.'.join(numbers)}"


BOOLEAN = Shape("boolean", _boolean)
NUMBER = Shape("number", _number)
AMOUNT = Shape("amount", _amount)
VERSION = Shape("version", _version)
