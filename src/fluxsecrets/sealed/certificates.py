"""Sealing certificates: the public half of the controller's key, with its validity."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from fluxsecrets.errors import CertificateError

MIN_BITS = 2048
MAX_BYTES = 64 * 2**10

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_GET_ONE = "get it with `fluxsecrets seal --fetch-cert URL`, or `kubeseal --fetch-cert`"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A sealing certificate.

    Attributes:
        fingerprint: SHA-256 of the certificate, upper-case hex with colons, like openssl.
        start, end: its validity, in UTC.
    """

    key: RSAPublicKey = field(repr=False)
    fingerprint: str
    start: datetime
    end: datetime
    bits: int

    def __reduce__(self) -> tuple[object, ...]:
        # Workers that are not forked receive it through a pipe.
        der = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return _from_der, (der, self.fingerprint, self.start, self.end, self.bits)

    @property
    def short_fingerprint(self) -> str:
        """The start of the fingerprint, enough to tell certificates apart."""
        return self.fingerprint[:23] + "…"

    def days_left(self, now: datetime) -> int:
        """Return the whole days until its end, negative after it."""
        return (self.end - now) // timedelta(days=1)


def _from_der(der: bytes, fingerprint: str, start: datetime, end: datetime, bits: int) -> Certificate:
    key = load_der_public_key(der)
    assert isinstance(key, RSAPublicKey)  # noqa: S101 - it was one
    return Certificate(key, fingerprint, start, end, bits)


def parse_certificate(data: bytes) -> Certificate:
    """Return the first certificate of a PEM file. kubeseal uses the first one too.

    Raises:
        CertificateError: the file has no certificate, or it is damaged, its key is not RSA, or too short.
    """
    block = _BLOCK.search(data[:MAX_BYTES])
    if block is None:
        what = "a private key, not" if b"PRIVATE KEY-----" in data else "not"
        raise CertificateError(f"this is {what} a certificate in PEM form", hint=_GET_ONE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # cryptography warns about oddities in certificates, which users can't fix
            parsed = x509.load_pem_x509_certificate(block[0])
            key = parsed.public_key()
            start, end = parsed.not_valid_before_utc, parsed.not_valid_after_utc
            fingerprint = parsed.fingerprint(SHA256()).hex(":").upper()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError("the certificate is damaged", hint=_GET_ONE) from None
    if not isinstance(key, RSAPublicKey):
        raise CertificateError(
            "the certificate's key is not an RSA key, and the controller supports RSA only"
        )
    if key.key_size < MIN_BITS:
        raise CertificateError(
            f"the certificate's key has {key.key_size} bits, which is too short to protect anything",
            hint="the controller creates keys of 4096 bits: renew its key, and fetch the new certificate",
        )
    return Certificate(key, fingerprint, start, end, key.key_size)


def check_validity(certificate: Certificate, now: datetime | None = None) -> None:
    """Refuse a certificate that is not valid now. kubeseal checks only its end.

    Raises:
        CertificateError: it has expired, or is not valid yet.
    """
    now = now or datetime.now(UTC)
    if now > certificate.end:
        raise CertificateError(
            f"the certificate expired on {certificate.end:%Y-%m-%d}: do not seal for it any more",
            hint="fetch the controller's current one with `fluxsecrets seal --fetch-cert URL`",
        )
    if now < certificate.start:
        raise CertificateError(
            f"the certificate is not valid before {certificate.start:%Y-%m-%d %H:%M} UTC",
            hint="check this machine's clock, or use the certificate that is valid today",
        )
