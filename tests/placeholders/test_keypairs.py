"""Keys and certificates parse, and belong together if the originals do. All are throw-away test keys."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fluxsecrets.keys.agex25519 import generate
from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.placeholders.keypairs import PRIMES, make_private, rsa_prime
from fluxsecrets.placeholders.pemblocks import LABELS
from fluxsecrets.placeholders.values import placeholder, shape_of

KEY = PlaceholderKey.derived(b"a throw-away test key")
DATE = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("rsa", "P-256", "P-384", "P-521", "ed25519")


def masked(text, name="tls.key"):
    return placeholder(text, KEY, name=name)


@pytest.fixture(params=KINDS)
def private(request):
    return make_private(request.param, PlaceholderKey.per_run().draw("a throw-away test key"))


def pem(private, form="PKCS8"):
    return private.private_bytes(
        Encoding.PEM, getattr(serialization.PrivateFormat, form), serialization.NoEncryption()
    ).decode()


def spki(public):
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def certificate(private, serial=1):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hunter2.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    moments = builder.not_valid_before(DATE).not_valid_after(DATE).serial_number(serial)
    digest = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return moments.sign(private, digest).public_bytes(Encoding.PEM).decode()


def test_a_certificate_its_key_and_its_public_key_belong_together(private):
    key = serialization.load_pem_private_key(masked(pem(private)).encode(), None)
    found = x509.load_pem_x509_certificate(masked(certificate(private), "tls.crt").encode())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert type(key) is type(private)
    assert spki(found.public_key()) == spki(key.public_key()) != spki(private.public_key())
    assert spki(serialization.load_pem_public_key(masked(public).encode())) == spki(key.public_key())
    found.verify_directly_issued_by(found)
    assert masked(pem(private)) == masked(pem(private))
    assert masked(certificate(private), "a") == masked(certificate(private), "b") or "EC" in str(
        type(private)
    )


def test_a_renewed_certificate_differs_and_an_equal_one_does_not(private):
    text = certificate(private)
    assert masked(text, "a") == masked(text, "b") != masked(certificate(private, 2))


def test_ssh_keys_belong_together(private):
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    key = serialization.load_ssh_private_key(masked(pem(private, "OpenSSH")).encode(), None)
    found = masked(f"{public} alice@laptop")
    assert key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == " ".join(
        found.split()[:2]
    )
    assert "alice" not in found
    assert masked(pem(private, "OpenSSH")) == masked(pem(private, "OpenSSH"))


def test_known_hosts_keep_types_only():
    public = make_private("ed25519", KEY.draw("a throw-away test key")).public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    found = masked(f"git.example.com {line}\n10.0.0.1 {line}\n")
    assert [each.split()[1] for each in found.splitlines()] == ["ssh-ed25519"] * 2
    assert "git" not in found


@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "EC PRIVATE KEY"])
def test_the_label_of_a_damaged_key_stays_and_the_placeholder_parses(label):
    found = masked(f"-----BEGIN {label}-----\nhunter2\n-----END {label}-----\n")
    assert found.startswith(f"-----BEGIN {label}-----\n")
    assert isinstance(
        serialization.load_pem_private_key(found.encode(), None),
        rsa.RSAPrivateKey if label.startswith("RSA") else ec.EllipticCurvePrivateKey,
    )


def test_every_known_label_stays():
    for label in LABELS:
        text = f"-----BEGIN {label}-----\naHVudGVyMg==\n-----END {label}-----"
        found = masked(text)
        assert found.startswith(f"-----BEGIN {label}-----\n")
        assert found.endswith(f"-----END {label}-----")
        assert shape_of(found) == "pem"


@pytest.mark.parametrize(
    "text", ["-----BEGIN HUNTER2-----\nx\n-----END HUNTER2-----", "-----BEGIN PRIVATE KEY-----\nx"]
)
def test_another_label_or_no_end_is_masked(text):
    assert "-----" not in masked(text)


def test_a_chain_in_one_line_keeps_its_blocks_and_masks_what_is_between():
    private = make_private("P-256", KEY.draw("a throw-away test key"))
    text = f"hunter2 of alice\n{certificate(private)}{certificate(private, 2)}"
    found = masked(text.replace("\n", "\\n"))
    assert "\n" not in found
    assert found.count("-----BEGIN CERTIFICATE-----") == 2
    assert "alice" not in found
    assert found == masked(text).replace("\n", "\\n")


def test_an_age_identity_and_its_recipient_belong_together():
    identity, recipient = generate()
    found = masked(f"# created: 2026-11-23T10:00:00Z\n# public key: {recipient}\n{identity}\n", "age.agekey")
    created, public, secret = found.splitlines()
    assert created.startswith("# created: 20")
    assert identity not in found
    assert shape_of(secret) == "age key"
    assert masked(recipient) == public.removeprefix("# public key: ")
    assert masked(identity) == secret


def test_the_primes_of_placeholders_are_primes():
    for label, offset in PRIMES:
        prime = rsa_prime(label, offset)
        assert prime.bit_length() == 1024
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11))
