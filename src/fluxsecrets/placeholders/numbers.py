"""Numbers are exchanged for others of the same class by a keyed permutation.

A hash could give two numbers the same placeholder. A permutation can't, however small the class is, and what
it gives says nothing of the number but its class.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.sops.values import format_float

from .key import Draw, PlaceholderKey

CLASSES = ((0, 9), (10, 2**16 - 1), (2**16, 2**31 - 1), (2**31, 2**63 - 1))
"""Bounds of the classes, ends included: a digit, a port, 32 bits, 64 bits."""

AMOUNTS = ((0, 0), (1, 9), (10, 99), (100, 999), (1000, 2**16 - 1), (2**16, 2**31 - 1), (2**31, 2**63 - 1))
"""Those of numbers with a unit: `30s` must not become hours, nor `10Gi` more than a disk holds."""

_SMALL = 256
_ROUNDS = 10


def exchange(
    number: int,
    key: PlaceholderKey,
    *,
    name: str,
    classes: Sequence[tuple[int, int]] = CLASSES,
) -> int | None:
    """Return the number's placeholder, or None if it is negative or too large.

    Two numbers of up to 16 bits are exchanged differently under two names: who knows one of them learns
    nothing of the other.
    """
    for low, high in classes:
        if low <= number <= high:
            salt = name if high < 2**16 else ""
            return low + _permuted(number - low, high - low + 1, key, f"{salt}\0{low}")
    return None


def integer(value: int, key: PlaceholderKey, *, name: str) -> int:
    """Return the placeholder of an integer, with its sign."""
    sign = -1 if value < 0 else 1
    found = exchange(abs(value), key, name=name)
    if found is None:  # -2**63, and what other programs write beyond 64 bits
        return sign * (2**62 + key.draw("large number", str(value)).below(2**62))
    return sign * found


def fraction(value: float, key: PlaceholderKey, *, name: str) -> float:
    """Return a number with a fraction, with its sign; the whole part is exchanged as an integer."""
    whole = abs(int(value)) if abs(value) < 2**53 else 0
    drawn = 1 + key.draw("fraction", format_float(value)).below(9998)
    found = float(f"{exchange(whole, key, name=name)}.{drawn:04}")
    return -found if value < 0 else found


def flip(value: bool, key: PlaceholderKey, *, name: str) -> bool:
    """Return true or false: which one stands for which depends on the key and the name."""
    return value != bool(key.draw("boolean", name).below(2))


def _permuted(number: int, size: int, key: PlaceholderKey, salt: str) -> int:
    if size <= _SMALL:
        return _shuffled(size, key.draw("shuffle", salt))[number]
    half = (size.bit_length() + 1) // 2
    while True:  # until it falls into the class again, which half of the time it does at once, or a quarter
        number = _feistel(number, half, key, salt)
        if number < size:
            return number


def _feistel(number: int, half: int, key: PlaceholderKey, salt: str) -> int:
    mask = (1 << half) - 1
    left, right = number >> half, number & mask
    for turn in range(_ROUNDS):
        row = key.draw("number", salt, bytes((turn,)), right.to_bytes(8, "big")).bytes(8)
        left, right = right, left ^ int.from_bytes(row, "big") & mask
    return left << half | right


def _shuffled(size: int, draw: Draw) -> list[int]:
    """Fisher and Yates's."""
    found = list(range(size))
    for at in range(size - 1, 0, -1):
        other = draw.apart(f"swap {at}").below(at + 1)
        found[at], found[other] = found[other], found[at]
    return found
