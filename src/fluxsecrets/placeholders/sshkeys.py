"""SSH keys in OpenSSH's forms, written by hand: the library draws random numbers, and these must not.

Taken from OpenSSH: PROTOCOL.key.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from .keypairs import Origin, make_private, origin_of
from .model import Maker

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

_MAGIC = b"openssh-key-v1\0"
_BLOCK = 8
_COMMENT = "masked"


def private_block(pem: str, maker: Maker) -> str:
    """Return the placeholder of a block of an OpenSSH private key, without a line break at its end."""
    origin = _origin_of_private(pem)
    private = make_private(origin.kind, origin.draw(maker))
    kind, public, secret = _fields(private)
    check = origin.draw(maker).apart("check").bytes(4)
    section = check + check + _string(kind) + secret + _string(_COMMENT.encode())
    section += bytes(range(1, -len(section) % _BLOCK + 1))
    none = _string(b"none")
    data = _MAGIC + none + none + _string(b"") + (1).to_bytes(4, "big") + _string(public) + _string(section)
    body = b64encode(data).decode()
    lines = [body[at : at + 70] for at in range(0, len(body), 70)]
    return "\n".join(("-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----"))


def public_key(line: str, maker: Maker) -> str | None:
    """Return the type and the base64 of the placeholder of a public key, or None if it is not one."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key

    try:
        origin = origin_of(load_ssh_public_key(line.encode()), line.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    kind, public, _ = _fields(make_private(origin.kind, origin.draw(maker)))
    return f"{kind.decode()} {b64encode(public).decode()}"


def _origin_of_private(pem: str) -> Origin:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    data = pem.encode()
    try:
        return origin_of(load_ssh_private_key(data, None).public_key(), data)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # one with a passphrase, or damaged
        return Origin("ed25519", data)


def _fields(private: CertificateIssuerPrivateKeyTypes) -> tuple[bytes, bytes, bytes]:
    """Return the type of a key, its public key, and what is behind the type in the private section."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    if isinstance(private, rsa.RSAPrivateKey):
        numbers = private.private_numbers()
        e, n = _number(numbers.public_numbers.e), _number(numbers.public_numbers.n)
        rest = b"".join(map(_number, (numbers.d, numbers.iqmp, numbers.p, numbers.q)))
        return b"ssh-rsa", _string(b"ssh-rsa") + e + n, n + e + rest
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curve = b"nistp%d" % private.curve.key_size
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        kind = b"ecdsa-sha2-" + curve
        shared = _string(curve) + _string(point)
        return kind, _string(kind) + shared, shared + _number(private.private_numbers().private_value)
    kind = b"ssh-ed25519"
    seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return kind, _string(kind) + _string(raw), _string(raw) + _string(seed + raw)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _number(number: int) -> bytes:
    """A positive integer (RFC 4251): a zero byte before a first bit that is set."""
    return _string(number.to_bytes(number.bit_length() // 8 + 1, "big"))
