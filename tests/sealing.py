"""The vectors' sealing keys and certificates, for all tests that need some: making new keys takes seconds."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

VECTORS = Path(__file__).parent / "vectors"


def key_file(name: str) -> bytes:
    return (VECTORS / "keys" / name).read_bytes()


@cache
def private_key():
    # Its numbers are known to be right, and to check them takes longer than what tests do with it.
    return load_pem_private_key(key_file("sealing.key"), None, unsafe_skip_rsa_key_validation=True)


def make_certificate(start: int | datetime, end: int | datetime, key=None, *, name="sealed-secret") -> bytes:
    """A certificate for the vectors' key, or another one, valid from and to so many days from now."""
    now = datetime.now(UTC)
    start, end = (now + timedelta(days=each) if isinstance(each, int) else each for each in (start, end))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key((key or private_key()).public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(end)
        .sign(private_key(), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)
