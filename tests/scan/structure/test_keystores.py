"""key-store: what holds private keys in binary form, and what only holds certificates."""

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

ENCODING, PRIVATE, PUBLIC = serialization.Encoding, serialization.PrivateFormat, serialization.PublicFormat
KEYS = {"rsa": rsa.generate_private_key(65537, 2048), "ec": ec.generate_private_key(ec.SECP256R1())}
KEYS["ed25519"] = ed25519.Ed25519PrivateKey.generate()
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wad.example")])
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
CERTIFICATE = x509.CertificateBuilder(
    NAME, NAME, KEYS["ec"].public_key(), 1, START, START.replace(year=2027)
).sign(KEYS["ec"], hashes.SHA256())


def der(key, form):
    return key.private_bytes(ENCODING.DER, form, serialization.NoEncryption())


def packed(key, certificate, password=b"changeit"):
    way = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"tls", key, certificate, None, way)


def java(*kinds, magic=b"\xfe\xed\xfe\xed"):
    """A Java key store with entries of these kinds."""
    data = magic + b"\0\0\0\2" + len(kinds).to_bytes(4, "big")
    for kind in kinds:
        data += kind.to_bytes(4, "big") + b"\0\3tls" + bytes(8)
        data += (b"\0\5X.509" if kind == 2 else b"") + b"\0\0\0\x40" + bytes(64)
    return data + bytes(20)


STORES = {
    "a.p12": packed(KEYS["rsa"], None),
    "b.pfx": packed(KEYS["ec"], CERTIFICATE),
    "c.p12": packed(KEYS["ec"], CERTIFICATE, b""),
    "a.jks": java(1),
    "b.jks": java(2, 2, 1),
    "a.jceks": java(3, magic=b"\xce\xce\xce\xce"),
    "passwords.kdbx": b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + bytes(80),
    "rsa.der": der(KEYS["rsa"], PRIVATE.TraditionalOpenSSL),
    "rsa.key": der(KEYS["rsa"], PRIVATE.PKCS8),
    "ec.der": der(KEYS["ec"], PRIVATE.TraditionalOpenSSL),
    "ec.key": der(KEYS["ec"], PRIVATE.PKCS8),
    "ed25519": der(KEYS["ed25519"], PRIVATE.PKCS8),
    "0A1B.key": b"(21:protected-private-key(3:rsa(1:n257:" + bytes(range(256)),
}


@pytest.mark.parametrize("path", STORES)
def test_stores_of_keys(scanner, path):
    (finding,) = scanner.findings(STORES[path], path)
    assert (finding.rule, finding.severity.name, finding.confidence.name) == ("key-store", "HIGH", "HIGH")


def test_a_short_key_is_not_taken_for_text_in_utf_16(scanner):
    for number in range(100):
        seed = hashlib.sha256(bytes([number])).digest()
        data = der(ed25519.Ed25519PrivateKey.from_private_bytes(seed), PRIVATE.PKCS8)
        assert [each.rule for each in scanner.findings(data, "key")] == ["key-store"]


def test_one_that_may_hold_certificates_only_is_unlikely(scanner):
    data = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(CERTIFICATE, b"ca")], serialization.BestAvailableEncryption(b"changeit")
    )
    assert [each.confidence.name for each in scanner.findings(data, "trust.p12")] == ["LOW"]


OTHERS = [
    java(2, 2),
    java(),
    java(1)[:7],
    CERTIFICATE.public_bytes(ENCODING.DER),
    KEYS["rsa"].public_key().public_bytes(ENCODING.DER, PUBLIC.PKCS1),
    KEYS["ec"].public_key().public_bytes(ENCODING.DER, PUBLIC.SubjectPublicKeyInfo),
    b"\x30\x82\x01\x0a\x02\x01\x00" + bytes(200),
    b"\x30\x0c\x02\x01\x05" + bytes(30),
    b"\x03\xd9\xa2\x9a" + bytes(90),
    b"\xfe\xed\xfe\xed" + bytes(range(100)),
]


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_certificates_and_public_keys_are_none(scanner, number):
    assert scanner(OTHERS[number], "some.bin") == []


@pytest.mark.parametrize("path", STORES)
@pytest.mark.parametrize("length", [1, 4, 9, 20, 40])
def test_any_part_of_one_is_taken(scanner, path, length):
    assert len(scanner(STORES[path][:length], path)) <= 1
