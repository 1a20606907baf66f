"""Certificates: the first of a file, the time they are good for, and keys that are too short."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fluxsecrets.errors import CertificateError
from fluxsecrets.sealed.certificates import check_validity, parse_certificate
from sealing import key_file, make_certificate


def test_what_it_says(certificate):
    assert certificate.fingerprint.startswith("C3:F9:E8:44:B9:B5:F2:80:ED:C5")
    assert certificate.short_fingerprint == "C3:F9:E8:44:B9:B5:F2:80…"
    assert (certificate.bits, certificate.end.year) == (4096, 2036)
    assert certificate.days_left(certificate.end - timedelta(hours=25)) == 1
    check_validity(certificate, certificate.start + timedelta(days=1))


def test_the_first_of_several_counts(certificate):
    both = key_file("sealing-new.crt") + key_file("sealing.crt")
    assert parse_certificate(both).fingerprint != certificate.fingerprint
    assert parse_certificate(b"# kept by hand\n" + key_file("sealing.crt") + both) == certificate


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [(-30, -1, "expired on"), (1, 30, "not valid before")],
)
def test_expired_and_not_yet_valid(start, end, message):
    with pytest.raises(CertificateError, match=message):
        check_validity(parse_certificate(make_certificate(start, end)))


def test_the_clock_is_a_parameter():
    certificate = parse_certificate(make_certificate(-30, -1))
    check_validity(certificate, datetime.now(UTC) - timedelta(days=10))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "damaged"),
        (b"-----BEGIN CERTIFICATE-----\n" * 3, "not a certificate"),
        (key_file("sealing.key"), "a private key, not a certificate"),
    ],
    ids=["empty", "damaged", "headers", "private key"],
)
def test_what_is_none(data, message):
    with pytest.raises(CertificateError, match=message) as found:
        parse_certificate(data)
    assert "MII" not in str(found.value)


@pytest.mark.parametrize(
    "make", [lambda: rsa.generate_private_key(65537, 1024), lambda: ec.generate_private_key(ec.SECP256R1())]
)
def test_keys_that_do_not_protect(make):
    with pytest.raises(CertificateError, match=r"too short|not an RSA key"):
        parse_certificate(make_certificate(-1, 1, make()))
