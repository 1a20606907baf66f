"""The typed values that SOPS encrypts, their canonical bytes, and their text in formats without types.

The canonical bytes go into the MAC and are what is encrypted, so that `0x1F` and `31` are one value.
Taken from sops 3.13.2: `ToBytes` in sops.go, `Encrypt` and `Decrypt` in aes/cipher.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isinf, isnan

from fluxsecrets.errors import FormatError, IntegrityError
from fluxsecrets.namedtuples import NamedTuple

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

_RFC3339 = r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:\d\d)"
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Timestamp(NamedTuple):
    """A point in time in canonical RFC 3339, with its offset and up to nanoseconds.

    `datetime` holds microseconds only, so the canonical text is kept instead.
    """

    text: str

    @classmethod
    def parse(cls, text: str) -> Timestamp:
        """Read RFC 3339 and bring it into Go's `RFC3339Nano` form.

        Raises:
            ValueError: the text is not an RFC 3339 time, or names a day that does not exist.
        """
        if is_usual_time(text) and 1 <= int(text[8:10]) <= _days(int(text[:4]), int(text[5:7])):
            return cls(text)
        match = re.fullmatch(_RFC3339, text, re.ASCII)
        if match is None:
            raise ValueError("not an RFC 3339 time")
        year, month, day, hour, minute, second, fraction, offset = match.groups()
        if not 1 <= int(day) <= _days(int(year), int(month)):
            raise ValueError("day out of range")
        if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
            raise ValueError("hour, minute or second out of range")
        offset = _canonical_offset(offset)
        fraction = (fraction or "")[:9].rstrip("0")
        point = f".{fraction}" if fraction else ""
        return cls(f"{year}-{month}-{day}T{hour}:{minute}:{second}{point}{offset}")


def is_usual_time(text: str) -> bool:
    """Whether a text has the form in which sops writes `lastmodified`; the day need not exist."""
    if len(text) != 20 or not text.isascii() or text[10:20:3] != "T::Z" or text[4:8:3] != "--":
        return False
    numbers = text[:4] + text[5:7] + text[8:10] + text[11:13] + text[14:16] + text[17:19]
    return numbers.isdigit() and text[11:13] < "24" and text[14] < "6" and text[17] < "6"


def _days(year: int, month: int) -> int:
    """How many days a month has; none if there is no such month. Go has a year 0, which `datetime` lacks."""
    if not 1 <= month <= 12:
        return 0
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] + (month == 2 and leap)


def _canonical_offset(offset: str) -> str:
    if offset in "Zz":
        return "Z"
    if int(offset[1:3]) > 24 or int(offset[4:6]) > 60:
        raise ValueError("offset out of range")
    return "Z" if offset[1:] == "00:00" else offset


Value = str | int | float | bool | bytes | Timestamp | None
"""A scalar; `bool` is told from `int`, and None is null, which SOPS never encrypts."""


def canonical_bytes(value: Value) -> bytes:
    """The bytes that enter the MAC and that are encrypted; None has none."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, float):
        return format_float(value).encode()
    if isinstance(value, Timestamp):
        return value.text.encode()
    return value or b""


def type_name(value: Value) -> str:
    """The name that stands in `type:` of a ciphertext.

    Raises:
        ValueError: null has no type, since it is never encrypted.
    """
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    raise ValueError("null is never encrypted")


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (str, "str"),
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (bytes, "bytes"),
    (Timestamp, "time"),
)


def value_from_bytes(kind: str, data: bytes) -> Value:
    """The value behind decrypted bytes of a given `type:`.

    Raises:
        IntegrityError: unknown type, or bytes that are not a value of it. The bytes are not shown.
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise IntegrityError("a ciphertext has an unknown type")
    try:  # every value is read here, and `suppress` would take longer than most
        return reader(data)
    except ValueError:
        pass
    # Outside of the handler: Python's errors show the text that they could not read.
    raise IntegrityError(f"a decrypted value is not of its type {kind}")


def _read_bool(data: bytes) -> bool:
    # The spellings of Go's strconv.ParseBool.
    if data in (b"1", b"t", b"T", b"TRUE", b"true", b"True"):
        return True
    if data in (b"0", b"f", b"F", b"FALSE", b"false", b"False"):
        return False
    raise ValueError("not a boolean")


def _read_int(data: bytes) -> int:
    if not re.fullmatch(rb"[+-]?[0-9]+", data):
        raise ValueError("not an integer")
    value = int(data)
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("beyond 64 bits")
    return value


def _read_float(data: bytes) -> float:
    text = data.decode("ascii")
    if "_" in text or text != text.strip():
        raise ValueError("not a number")
    return float(text)


_READERS: dict[str, Callable[[bytes], Value]] = {
    "str": lambda data: data.decode("utf-8"),
    "int": _read_int,
    "float": _read_float,
    "bytes": bytes,
    "bool": _read_bool,
    "time": lambda data: Timestamp.parse(data.decode("ascii")),
    "comment": lambda data: data.decode("utf-8"),
}


def format_float(value: float) -> str:
    """Go's `FormatFloat(v, 'f', -1, 64)`: the shortest digits that read back, without an exponent."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    from decimal import Decimal  # costs milliseconds, and few secrets are fractions

    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def number_text(value: float) -> str:
    """A float as Go's JSON encoder writes it, but so that it reads back as a float.

    sops writes `1` for 1.0, and `-0` for -0.0, which are then read as integers; here both keep their point.

    Raises:
        FormatError: infinities and NaN have no spelling.
    """
    if isnan(value) or isinf(value):
        raise FormatError("an infinite number or NaN can't be written in this format")
    if value and not 1e-6 <= abs(value) < 1e21:
        from decimal import Decimal  # costs milliseconds, and few secrets are fractions

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
