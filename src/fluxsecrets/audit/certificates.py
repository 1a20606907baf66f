"""X.509 certificates and private keys in values; nothing of a private key leaves this module but its kind."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import date

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_KEY = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----\s.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_ERRORS = (ValueError, TypeError, UnsupportedAlgorithm)
_MOST = 64
"""Certificates that are looked at in one value."""

RSA_BITS = 2048
_WEAK_HASHES = frozenset({"md5", "sha1"})


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate.

    Attributes:
        name: its subject's common name, or "".
        start, end: the first and the last day on which it is valid.
        public: its key, in one form that can be compared.
        weakness: what is weak about it, or "".
    """

    name: str
    start: date
    end: date
    public: bytes
    weakness: str


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key, without it.

    Attributes:
        public: the other half, in one form that can be compared.
        weakness: what is weak about it, or "".
    """

    public: bytes
    weakness: str


def certificates(data: bytes) -> tuple[Certificate, ...]:
    """The certificates in a value, in their order; damaged ones are left out."""
    if b"-----BEGIN CERT" not in data:
        return ()
    found = (_certificate(match[0]) for match in list(_CERTIFICATE.finditer(data))[:_MOST])
    return tuple(each for each in found if each is not None)


def private_key(data: bytes) -> PrivateKey | None:
    """The first private key in a value, where it needs no passphrase."""
    match = _KEY.search(data)
    if match is None:
        return None
    load = load_ssh_private_key if match[1] == b"OPENSSH " else load_pem_private_key
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = load(match[0] + b"\n", None)
            public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except _ERRORS:
        return None
    return PrivateKey(public, _weak_key(key))


def _certificate(pem: bytes) -> Certificate | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of oddities in certificates
            parsed = x509.load_pem_x509_certificate(pem)
            key = parsed.public_key()
            public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            names = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            hash_ = parsed.signature_hash_algorithm
            own = parsed.subject == parsed.issuer
    except _ERRORS:
        return None
    weakness = _weak_key(key)
    if not weakness and hash_ is not None and hash_.name in _WEAK_HASHES and not own:
        weakness = f"it is signed with {hash_.name.upper()}"
    name = str(names[0].value) if names else ""
    start, end = parsed.not_valid_before_utc.date(), parsed.not_valid_after_utc.date()
    return Certificate(name, start, end, public, weakness)


def _weak_key(key: object) -> str:
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)) and key.key_size < RSA_BITS:
        return f"its RSA key has {key.key_size} bits"
    if isinstance(key, (dsa.DSAPrivateKey, dsa.DSAPublicKey)):
        return "its key is a DSA key"
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)) and key.curve.key_size < 224:
        return f"its curve has {key.curve.key_size} bits"
    return ""
