"""The contents of PEM blocks: keys and certificates that parse, drawn from what they replace."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .key import Draw
from .keypairs import Origin, make_private, origin_of
from .model import Maker
from .sshkeys import private_block

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)
_FILLER = 256


def block(label: str, pem: str, maker: Maker) -> str:
    """Return the placeholder of a block, without a line break at its end.

    Args:
        label: what is after BEGIN; one of `LABELS`.
        pem: the whole block.
        maker: the maker.
    """
    if label == "OPENSSH PRIVATE KEY":
        return private_block(pem, maker)
    write = _WRITERS.get(label)
    if write is None:
        return _filler(label, pem, maker)
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        origin = _read(label, pem)
        written = write(make_private(origin.kind, origin.draw(maker)), maker.draw("block", pem))
    except (ValueError, TypeError, UnsupportedAlgorithm):  # a library without what this takes
        return _filler(label, pem, maker)
    _, *body, _ = written.splitlines()
    return _around(label, body)


def _read(label: str, pem: str) -> Origin:
    """Return the public key that a block is about, or where it can't be read, one made of its text."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        public = _public(label, pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Origin("rsa" if label.startswith("RSA ") else "P-256", pem.encode())
    return origin_of(public, pem.encode())


def _public(label: str, data: bytes) -> object:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    if label.endswith("CERTIFICATE"):
        return x509.load_pem_x509_certificate(data).public_key()
    if label.endswith("REQUEST"):
        return x509.load_pem_x509_csr(data).public_key()
    if label.endswith("PUBLIC KEY"):
        return serialization.load_pem_public_key(data)
    private = serialization.load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    return private.public_key()


def _certificate(private: CertificateIssuerPrivateKeyTypes, draw: Draw) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    name = _name()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1 + draw.below(2**120))
        .not_valid_before(_FIRST)
        .not_valid_after(_LAST)
    )
    signed = builder.sign(private, _digest(private), ecdsa_deterministic=_deterministic(private))
    return signed.public_bytes(Encoding.PEM).decode()


def _request(private: CertificateIssuerPrivateKeyTypes, _: Draw) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    builder = x509.CertificateSigningRequestBuilder().subject_name(_name())
    signed = builder.sign(private, _digest(private), ecdsa_deterministic=_deterministic(private))
    return signed.public_bytes(Encoding.PEM).decode()


def _name() -> x509.Name:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "masked.example.com")])


def _digest(private: object) -> hashes.SHA256 | None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return None if isinstance(private, Ed25519PrivateKey) else hashes.SHA256()


def _deterministic(private: object) -> bool | None:
    """Whether to draw no random number: equal certificates would have different placeholders."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    return True if isinstance(private, EllipticCurvePrivateKey) else None


def _pkcs8(private: CertificateIssuerPrivateKeyTypes, _: Draw) -> str:
    return _private_text(private, "PKCS8")


def _traditional(private: CertificateIssuerPrivateKeyTypes, _: Draw) -> str:
    return _private_text(private, "TraditionalOpenSSL")


def _private_text(private: CertificateIssuerPrivateKeyTypes, form: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private.private_bytes(Encoding.PEM, getattr(PrivateFormat, form), NoEncryption()).decode()


def _spki(private: CertificateIssuerPrivateKeyTypes, _: Draw) -> str:
    return _public_text(private, "SubjectPublicKeyInfo")


def _pkcs1(private: CertificateIssuerPrivateKeyTypes, _: Draw) -> str:
    return _public_text(private, "PKCS1")


def _public_text(private: CertificateIssuerPrivateKeyTypes, form: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return private.public_key().public_bytes(Encoding.PEM, getattr(PublicFormat, form)).decode()


def _filler(label: str, pem: str, maker: Maker) -> str:
    """Return a block of random bytes in DER, for what can't be made."""
    data = maker.draw("filler", pem).bytes(_FILLER)
    inner = b"\x04\x82" + len(data).to_bytes(2, "big") + data
    body = b64encode(b"\x30\x82" + len(inner).to_bytes(2, "big") + inner).decode()
    return _around(label, [body[at : at + 64] for at in range(0, len(body), 64)])


def _around(label: str, body: list[str]) -> str:
    return "\n".join((f"-----BEGIN {label}-----", *body, f"-----END {label}-----"))


_WRITERS: dict[str, Callable[[CertificateIssuerPrivateKeyTypes, Draw], str]] = {
    "CERTIFICATE": _certificate,
    "X509 CERTIFICATE": _certificate,
    "TRUSTED CERTIFICATE": _certificate,
    "CERTIFICATE REQUEST": _request,
    "NEW CERTIFICATE REQUEST": _request,
    "PRIVATE KEY": _pkcs8,
    "RSA PRIVATE KEY": _traditional,
    "EC PRIVATE KEY": _traditional,
    "PUBLIC KEY": _spki,
    "RSA PUBLIC KEY": _pkcs1,
}

LABELS = frozenset(
    {
        *_WRITERS,
        *("ENCRYPTED PRIVATE KEY", "DSA PRIVATE KEY", "ANY PRIVATE KEY", "X509 CRL", "PKCS7", "CMS"),
        *("DH PARAMETERS", "EC PARAMETERS", "DSA PARAMETERS", "ATTRIBUTE CERTIFICATE"),
        *("PGP PRIVATE KEY BLOCK", "PGP PUBLIC KEY BLOCK", "PGP MESSAGE", "PGP SIGNATURE"),
        *("AGE ENCRYPTED FILE", "OPENVPN STATIC KEY V1", "OPENSSH PRIVATE KEY"),
    }
)
"""The labels that stay. Any other one may be a secret that looks like a label."""
