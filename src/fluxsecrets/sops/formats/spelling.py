"""How scalars are spelled where a format has no types of its own, and how Go spells numbers."""

from __future__ import annotations

from decimal import Decimal
from math import isinf, isnan

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.values import Timestamp, Value, format_float


def number_text(value: float) -> str:
    """A float as Go's JSON encoder writes it, but so that it reads back as a float.

    sops writes `1` for 1.0, and `-0` for -0.0, which are then read as integers; here both keep their point.

    Raises:
        FormatError: infinities and NaN have no spelling.
    """
    if isnan(value) or isinf(value):
        raise FormatError("an infinite number or NaN can't be written in this format")
    if value and not 1e-6 <= abs(value) < 1e21:
        digits, exponent = f"{Decimal(repr(value)).normalize():e}".split("e")
        return f"{digits}e{int(exponent):+d}"
    text = format_float(value)
    return text if "." in text or abs(value) >= 2**63 else f"{text}.0"


def scalar_text(value: Value) -> str:
    """A scalar as text, for formats in which every value is a string; null is empty.

    Taken from sops: stores/stores.go, `ValToString`; floats are written without an exponent where
    they can be.

    Raises:
        FormatError: bytes that are no text, infinities, NaN.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(
                "a binary value can't be written in a text format", hint="keep such values base64-encoded"
            ) from None
    return str(value)


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """1-based line and column (in characters) of an offset; lines end with a line feed."""
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)
