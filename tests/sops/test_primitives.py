"""The primitives of the compiled half are those that the public modules of cryptography name."""

import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import aead
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.sops import primitives

KEYS = st.binary(min_size=32, max_size=32)


def test_they_are_the_same_objects():
    assert primitives.AESGCM is aead.AESGCM
    assert primitives.ChaCha20Poly1305 is aead.ChaCha20Poly1305
    assert primitives.invalid_tag() is InvalidTag


def public_exchange(private, share):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(share))


def own_exchange(private, share):
    return primitives.x25519_private(private).exchange(primitives.x25519_public(share))


def outcome(exchange, private, share):
    try:
        return exchange(private, share)
    except (ValueError, TypeError) as error:
        return type(error), str(error)


@given(st.binary(max_size=40) | KEYS, st.binary(max_size=40) | KEYS)
def test_exchanges_have_the_same_outcome(private, share):
    assert outcome(own_exchange, private, share) == outcome(public_exchange, private, share)


@pytest.mark.parametrize("share", [bytes(32), b"\x01" + bytes(31), bytes(31), b"\xff" * 32], ids=bytes.hex)
def test_weak_and_malformed_shares_have_the_same_outcome(share):
    assert outcome(own_exchange, b"k" * 32, share) == outcome(public_exchange, b"k" * 32, share)


@given(KEYS)
def test_keys_are_of_the_public_types(private):
    own, public = primitives.x25519_private(private), X25519PrivateKey.from_private_bytes(private)
    assert type(own) is type(public) is type(primitives.x25519_generate())
    assert isinstance(own, X25519PrivateKey)
    assert isinstance(own.public_key(), X25519PublicKey)
    assert own.public_key() == public.public_key()


def test_generated_keys_differ():
    assert (
        primitives.x25519_generate().private_bytes_raw() != primitives.x25519_generate().private_bytes_raw()
    )


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


USED = """
from fluxsecrets.sops.primitives import AESGCM, ChaCha20Poly1305, x25519_generate
AESGCM(bytes(32)).encrypt(bytes(12), b"text", None)
ChaCha20Poly1305(bytes(32)).encrypt(bytes(12), b"text", None)
assert len(x25519_generate().exchange(x25519_generate().public_key())) == 32
import sys
found = {name for name in sys.modules if name.startswith("cryptography.hazmat.primitives")}
"""


def test_the_python_half_is_not_imported():
    run(f"{USED}\nassert not found, found")


@pytest.mark.parametrize(
    "first",
    [
        "_rust.openssl.is_fips_enabled = lambda: True",
        "del _rust.openssl.aead, _rust.openssl.is_fips_enabled",
        "del _rust.openssl.x25519",
    ],
)
def test_another_arrangement_falls_back_to_the_public_modules(first):
    # What is imported before still finds its parts.
    public = "import cryptography.hazmat.primitives.ciphers.aead\n"
    public += "import cryptography.hazmat.backends.openssl.backend\n"
    public += "import cryptography.hazmat.primitives.asymmetric.x25519 as public\n"
    own = f"from cryptography.hazmat.bindings import _rust\n{first}\n{USED.partition('assert')[0]}\n"
    run(f"{public}{own}assert x25519_generate == public.X25519PrivateKey.generate")
