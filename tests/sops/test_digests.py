"""The digests of the interpreter are those of hashlib and hmac."""

import hashlib
import hmac
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.sops import digests

DATA = st.binary(max_size=300)


@given(st.lists(DATA))
def test_sha512_is_the_same_in_pieces(pieces):
    own, usual = digests.sha512(b"start"), hashlib.sha512(b"start")
    for piece in pieces:
        own.update(piece)
        usual.update(piece)
        assert own.hexdigest() == usual.hexdigest()
    assert own.digest() == usual.digest()


def test_a_large_text_has_the_same_digest():
    text = b"0123456789abcdef" * 2**16
    assert digests.sha512(text).digest() == hashlib.sha512(text).digest()


@given(DATA, DATA)
@example(bytes(63), b"")
@example(bytes(64), b"")
@example(bytes(65), b"")
@example(b"", b"")
def test_hmac_is_the_same(key, message):
    assert digests.hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


@given(DATA, DATA)
def test_only_what_is_equal_is_equal(one, other):
    assert digests.is_equal(one, other) == (one == other)
    assert digests.is_equal(one, bytes(one))
    assert not digests.is_equal(one, one + b"\0")


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


USE = """
from fluxsecrets.sops.digests import hmac_sha256, is_equal, sha512
print(hmac_sha256(b"key", b"text").hex(), sha512(b"text").hexdigest(), is_equal(b"a", b"a"))
"""


def test_openssl_is_not_loaded():
    run(f"{USE}\nimport sys\nassert not {{'hashlib', '_hashlib', 'hmac'}} & set(sys.modules)")


@pytest.mark.parametrize(
    ("missing", "instead"),
    [
        ("_operator", "is_equal is hmac.compare_digest"),
        ("_sha2 _sha256", "sha512 is hashlib.sha512"),
        ("_sha2 _sha512", "sha512 is hashlib.sha512"),
    ],
)
def test_another_interpreter_uses_the_modules_of_its_library(missing, instead):
    # The names are taken away from one that has them; `operator` is loaded before it misses its half.
    lines = ["import sys, operator, hashlib, hmac"]
    lines += [f"sys.modules[{name!r}] = None" for name in missing.split()]
    lines += [USE, f"assert {instead}"]
    assert run("\n".join(lines)) == run(USE)
