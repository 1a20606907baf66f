"""Private keys that open nothing, drawn from what they replace.

A key is drawn from the public key that it belongs to, if that can be read. So the placeholders of a key, of
its certificate and of its public key belong together as the originals do, wherever they are.
"""

from __future__ import annotations

from hashlib import shake_256
from typing import TYPE_CHECKING, NamedTuple

from .key import Draw
from .model import Maker

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

KINDS = ("rsa", "P-256", "P-384", "P-521", "ed25519")

_CURVE_ORDERS = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "P-521": int("1" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16),
}
PRIMES = ((b"p", 938), (b"q", 46))
_MOST_EXPONENT = 2**31
"""Go's crypto/rsa takes no larger one."""


class Origin(NamedTuple):
    """What a key placeholder is drawn from.

    Attributes:
        kind: one of `KINDS`.
        identity: the public key in DER, or what else tells the key from others.
    """

    kind: str
    identity: bytes

    def draw(self, maker: Maker) -> Draw:
        """Return the bytes that belong to the key."""
        return maker.draw("key", self.kind, self.identity)


def make_private(kind: str, draw: Draw) -> CertificateIssuerPrivateKeyTypes:
    """Return a private key of a kind."""
    if kind == "rsa":
        return _rsa(draw)
    if kind == "ed25519":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(draw.bytes(32))
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, ec.EllipticCurve] = {
        "P-256": ec.SECP256R1(),
        "P-384": ec.SECP384R1(),
        "P-521": ec.SECP521R1(),
    }
    return ec.derive_private_key(1 + draw.below(_CURVE_ORDERS[kind] - 1), curves[kind])


def origin_of(public: object, fallback: bytes) -> Origin:
    """Return the origin of a public key of `cryptography`; of other kinds of keys, one on P-256."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        return Origin("P-256", fallback)
    identity = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if isinstance(public, rsa.RSAPublicKey):
        return Origin("rsa", identity)
    if isinstance(public, ed25519.Ed25519PublicKey):
        return Origin("ed25519", identity)
    return Origin({384: "P-384", 521: "P-521"}.get(public.curve.key_size, "P-256"), identity)


def _rsa(draw: Draw) -> CertificateIssuerPrivateKeyTypes:
    """Return a key of 2,048 bits. Its primes are the same for all: searching for others takes a second.

    What differs is the public exponent, of which there are half a billion.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa

    p, q = (rsa_prime(label, offset) for label, offset in PRIMES)
    exponent, d = _exponent(draw, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(exponent, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def _exponent(draw: Draw, order: int) -> tuple[int, int]:
    """Return a public exponent that has an inverse, and the inverse."""
    exponent = (2**16 + draw.below(_MOST_EXPONENT - 2**17)) | 1
    while True:
        try:
            return exponent, pow(exponent, -1, order)
        except ValueError:
            exponent += 2


def rsa_prime(label: bytes, offset: int) -> int:
    """Return a prime of 1,024 bits: the one that comes first behind a number made of a label.

    Everybody can compute it, so that nobody takes such a key for one that protects something.
    """
    start = int.from_bytes(shake_256(b"fluxsecrets placeholder " + label).digest(128), "big")
    return (start | 3 << 1022 | 1) + offset
