"""Shamir's secret sharing over GF(2^8), as HashiCorp Vault and sops do it.

A share is one byte per secret byte, then its x coordinate (sops: shamir/shamir.go). The field is
AES's, with the polynomial 0x11B.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

from fluxsecrets.errors import IntegrityError, UsageError

MAX_SHARES = 255


@cache
def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    exponents, value = [], 1
    for _ in range(255):
        exponents.append(value)
        value ^= (value << 1) ^ (0x11B if value & 0x80 else 0)  # times the generator 3
        value &= 0xFF
    logarithms = [0] * 256
    for exponent, power in enumerate(exponents):
        logarithms[power] = exponent
    return tuple(exponents), tuple(logarithms)


def _multiply(left: int, right: int) -> int:
    exponents, logarithms = _tables()
    return exponents[(logarithms[left] + logarithms[right]) % 255] if left and right else 0


def _divide(left: int, right: int) -> int:
    exponents, logarithms = _tables()
    return exponents[(logarithms[left] - logarithms[right]) % 255] if left else 0


def split(secret: bytes, shares: int, threshold: int) -> tuple[bytes, ...]:
    """Split a secret so that any `threshold` of the shares give it back.

    Args:
        secret: at least one byte.
        shares: 2 to 255.
        threshold: 2 to `shares`.

    Returns:
        Shares of `len(secret) + 1` bytes each.

    Raises:
        UsageError: numbers out of range, or an empty secret.
    """
    if not secret or not 2 <= threshold <= shares <= MAX_SHARES:
        raise UsageError(
            f"cannot split a key for {shares} groups with a threshold of {threshold}",
            hint="shamir_threshold is at least 2 and at most the number of key groups",
        )
    coefficients = [(byte, *os.urandom(threshold - 1)) for byte in secret]
    return tuple(
        bytes(_evaluate(polynomial, x) for polynomial in coefficients) + bytes([x])
        for x in range(1, shares + 1)
    )


def _evaluate(polynomial: Sequence[int], x: int) -> int:
    result = 0
    for coefficient in reversed(polynomial):
        result = _multiply(result, x) ^ coefficient
    return result


def combine(shares: Sequence[bytes]) -> bytes:
    """Put a secret together again; too few shares give a wrong secret, not an error.

    Raises:
        IntegrityError: shares of different lengths, empty ones, or two with the same x coordinate.
    """
    lengths = {len(share) for share in shares}
    points = [share[-1] for share in shares if share]
    fit = len(shares) >= 2 and len(lengths) == 1 and not lengths & {0, 1}
    if not fit or len(set(points)) != len(points) or 0 in points:
        raise IntegrityError("the shares of the data key do not fit together")
    weights = [_weight_at_zero(points, index) for index in range(len(points))]
    secret = bytearray(len(shares[0]) - 1)
    for share, weight in zip(shares, weights, strict=True):
        for position, y in enumerate(share[:-1]):
            secret[position] ^= _multiply(y, weight)
    return bytes(secret)


def _weight_at_zero(points: Sequence[int], index: int) -> int:
    weight = 1
    for other, x in enumerate(points):
        if other != index:
            weight = _multiply(weight, _divide(x, x ^ points[index]))
    return weight
