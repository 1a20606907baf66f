import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys.agefile import Stanza, armour, dearmour, encode_base64, seal
from fluxsecrets.keys.lockedfile import WORK_FACTOR, check_locked, lock_file, unlock_file

PASSPHRASE = "throw-away passphrase"


def locked(data, *, factor=4, said=None, passphrase=PASSPHRASE, extra=()):
    """Encrypt as age does, with a work factor that costs nothing."""
    salt = os.urandom(16)
    label = b"age-encryption.org/v1/scrypt"
    key = Scrypt(salt=label + salt, length=32, n=1 << factor, r=8, p=1).derive(passphrase.encode())

    def wrap(file_key):
        args = (encode_base64(salt), str(factor) if said is None else said)
        return [
            Stanza("scrypt", args, ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)),
            *extra,
        ]

    return seal(data, wrap)


def test_a_key_file_of_age_is_opened(key_folder, vectors):
    data = (vectors / "age" / "locked_bob.txt").read_bytes()
    assert unlock_file(data, PASSPHRASE, path="k") == (key_folder / "bob.agekey").read_bytes()


@pytest.mark.parametrize("form", [bytes, lambda data: armour(data).encode()])
def test_binary_and_armoured_files_of_any_size_are_opened(form):
    for size in (0, 100, 200_000):
        assert unlock_file(form(locked(b"k" * size)), PASSPHRASE, path="k") == b"k" * size


def test_a_wrong_passphrase_is_said_and_not_shown(hidden):
    with pytest.raises(IdentityError, match="k: wrong passphrase") as caught:
        unlock_file(locked(b"x"), "hunter2-wrong", path="k")
    hidden(caught.value, "hunter2-wrong")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: locked(b"x", said="23"), "work factor is 23"),
        (lambda: locked(b"x", said="63"), "work factor is 63"),
        (lambda: locked(b"x", said="0"), "damaged"),
        (lambda: locked(b"x", said="04"), "damaged"),
        (lambda: locked(b"x", said="999"), "damaged"),
        (lambda: locked(b"x", said="-4"), "damaged"),
        (lambda: locked(b"x", extra=[Stanza("X25519", ("x",))]), "encrypted for a recipient"),
        (lambda: seal(b"x", lambda _key: [Stanza("X25519", ("x",))]), "encrypted for a recipient"),
        (lambda: seal(b"x", lambda key: [Stanza("scrypt", ("QQ", "4"), bytes(32))]), "damaged"),
        (lambda: seal(b"x", lambda key: [Stanza("scrypt", ("A" * 22, "4"), bytes(31))]), "damaged"),
        (lambda: seal(b"x", lambda key: [Stanza("scrypt", ("A" * 22,), bytes(32))]), "damaged"),
        (lambda: b"age-encryption.org/v1\n-> scrypt", "damaged"),
        (lambda: b"-----BEGIN AGE ENCRYPTED FILE-----\n", "damaged"),
    ],
)
def test_what_no_passphrase_opens_is_refused_before_asking(data, message):
    for action in (
        lambda data: check_locked(data, path="k"),
        lambda data: unlock_file(data, PASSPHRASE, path="k"),
    ):
        with pytest.raises(IdentityError, match=message) as caught:
            action(data())
        assert caught.value.hint
        assert caught.value.path == "k"


def test_damage_behind_the_header_is_noticed(vectors):
    data = dearmour((vectors / "age" / "locked_bob.txt").read_text())
    for changed in (data[:-1], data + b"x", data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(IdentityError, match="damaged"):
            unlock_file(changed, PASSPHRASE, path="k")


@pytest.mark.parametrize("size", [0, 200, 70_000])
def test_what_is_locked_here_is_opened_here(size):
    data = lock_file(b"k" * size, "pass\udcffphrase", work_factor=4)
    assert data.startswith(b"-----BEGIN AGE ENCRYPTED FILE-----\n")
    check_locked(data, path="k")
    assert unlock_file(data, "pass\udcffphrase", path="k") == b"k" * size
    with pytest.raises(IdentityError, match="wrong passphrase"):
        unlock_file(data, "passphrase", path="k")
    assert lock_file(b"k" * size, "x", work_factor=4) != lock_file(b"k" * size, "x", work_factor=4)


def test_the_work_factor_is_that_of_age():
    assert WORK_FACTOR == 18
