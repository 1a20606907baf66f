"""Points of Curve25519 with which every key exchange gives zero: whoever made them, anybody can read."""

from __future__ import annotations

_P = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        *(0, 1, _P - 1, _P, _P + 1),
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


def is_weak_point(point: int) -> bool:
    """Whether a public key, read as a little-endian number, is such a point; its top bit does not count."""
    return point & (2**255 - 1) in _LOW_ORDER
