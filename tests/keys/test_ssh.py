"""SSH keys: reading them, and age's stanzas for them."""

import shutil
import subprocess

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IdentityError, IntegrityError
from fluxsecrets.keys import agessh
from fluxsecrets.keys.agefile import parse_age_file, seal, unseal
from fluxsecrets.keys.sshkeys import parse_blob, parse_private, parse_public, unlock_private

NAMES = ["ssh_ed25519", "ssh_rsa", "ssh_rsa_pem"]
PASSPHRASE = "throw-away passphrase"


@pytest.fixture
def private(key_folder):
    def read(name, *, public=None):
        return parse_private((key_folder / name).read_bytes(), public_line=public, path=name)

    return read


@pytest.fixture
def public_line(key_folder):
    return lambda name: (key_folder / f"{name}.pub").read_text().strip()


def identity_of(key):
    return agessh.identity(key.text, "test")


def opened(data, unwrap):
    file = parse_age_file(data)
    return unseal(file, unwrap(file.stanzas))


# --- keys


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_whose_key_it_is_stands_in_the_key(key_folder, public_line, name, ending):
    data = (key_folder / name).read_bytes().replace(b"\n", ending)
    key = parse_private(data, public_line=None, path=name)
    assert str(key.public) == " ".join(public_line(name).split()[:2])
    assert not key.locked
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(("name", "needs_line"), [("ssh_locked", False), ("ssh_rsa_pem_locked", True)])
def test_a_locked_key_tells_too_and_is_unlocked(private, public_line, name, needs_line):
    key = private(name, public=public_line(name) if needs_line else None)
    assert key.locked
    assert str(key.public) == " ".join(public_line(name).split()[:2])
    text, public = unlock_private(key.text, PASSPHRASE, path=name)
    assert public == key.public
    assert not parse_private(text.encode(), public_line=None, path=name).locked


@pytest.mark.parametrize(("name", "needs_line"), [("ssh_locked", False), ("ssh_rsa_pem_locked", True)])
def test_a_wrong_passphrase_is_said_and_not_shown(private, public_line, hidden, name, needs_line):
    key = private(name, public=public_line(name) if needs_line else None)
    with pytest.raises(IdentityError, match="wrong passphrase") as caught:
        unlock_private(key.text, "hunter2-wrong", path=name)
    hidden(caught.value, "hunter2-wrong", key.text[100:140])


def test_an_old_locked_key_needs_its_public_half(private):
    with pytest.raises(IdentityError, match=r"no \.pub file") as caught:
        private("ssh_rsa_pem_locked")
    assert "ssh-keygen -y" in caught.value.hint


def test_a_public_file_that_is_rubbish_is_as_if_it_were_not_there(private):
    assert not private("ssh_rsa_pem", public="rubbish").locked


def test_pkcs8_is_read(private, public_line):
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_ssh_private_key(private("ssh_ed25519").text.encode(), None)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    read = parse_private(text, public_line=None, path="k")
    assert str(read.public) == " ".join(public_line("ssh_ed25519").split()[:2])


def test_keys_that_age_cannot_use_are_refused():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key, message in (
        (ec.generate_private_key(ec.SECP256R1()), "ssh-ed25519 and ssh-rsa"),
        (rsa.generate_private_key(65537, 1024), "1024 bits"),
    ):
        for form in (serialization.PrivateFormat.OpenSSH, serialization.PrivateFormat.PKCS8):
            text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
            with pytest.raises(IdentityError, match=rf"{message}|cannot use this SSH key"):
                parse_private(text, public_line=None, path="k")


def mutilated(text):
    yield ""
    yield "hunter2"
    yield text[:-40]
    yield text.replace("b3BlbnNzaC1rZXktdjE", "b3BlbnNzaC1rZXktdjI")
    yield text[:120] + "!" + text[121:]
    yield text[:60] + "\n-----END OPENSSH PRIVATE KEY-----\n"
    yield "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"
    yield "-----BEGIN PUBLIC KEY-----\naHVudGVyMg==\n-----END PUBLIC KEY-----\n"


def test_what_is_no_key_is_refused_and_not_shown(private, hidden):
    text = private("ssh_ed25519").text
    for bad in mutilated(text):
        with pytest.raises(IdentityError) as caught:
            parse_private(bad.encode(), public_line=None, path="k")
        assert caught.value.hint
        hidden(caught.value, "hunter2", "aHVudGVyMg", text[150:190])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    begin = b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
    for one in (data, begin + data, begin + data + b"\n-----END OPENSSH PRIVATE KEY-----"):
        with pytest.raises(IdentityError):
            parse_private(one, public_line=None, path="k")
    with pytest.raises(ValueError, match=r"cut off|age can use"):
        parse_blob(data)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ssh-ed25519", "missing"),
        ("ssh-ed25519 !!!!", "base64"),
        ("ssh-ed25519 AAAA", "cut off"),
        ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIMF1zzid80jNxKvO31I1KDMvWY0jf4mQr7aEY6zyap9f", "its type differs"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMF1zzid80jNxKvO31I1KDMvWY0jf4mQr7aEY6zyap9fAA==", "cut off"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "ssh-ed25519 and ssh-rsa"),
    ],
)
def test_malformed_public_keys_are_refused(line, message):
    with pytest.raises(ValueError, match=message):
        parse_public(line)


# y = 2 and y = 7 are on no point; 1, 0 and p - 1 are points of low order.
@pytest.mark.parametrize(
    ("y", "message"), [(2, "valid"), (7, "valid"), (1, "weak"), (0, "weak"), (2**255 - 20, "weak")]
)
def test_points_that_are_none_or_weak_are_refused(y, message):
    name = b"ssh-ed25519"
    blob = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + y.to_bytes(32, "little")
    with pytest.raises(ValueError, match=message):
        agessh.recipient(parse_blob(blob))


# --- stanzas


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrapped_is_unwrapped(private, name):
    key = private(name)
    assert opened(seal(b"secret", agessh.recipient(key.public)), identity_of(key)) == b"secret"


@pytest.mark.parametrize("name", NAMES)
def test_rage_and_we_open_what_the_other_encrypts(private, public_line, name):
    key = private(name)
    theirs = pyrage.ssh.Identity.from_buffer(key.text.encode())
    assert pyrage.decrypt(seal(b"secret", agessh.recipient(key.public)), [theirs]) == b"secret"
    sealed = pyrage.encrypt(b"secret", [pyrage.ssh.Recipient.from_str(public_line(name))])
    assert opened(sealed, identity_of(key)) == b"secret"


age = shutil.which("age")


@pytest.mark.skipif(age is None, reason="the age executable is not on PATH")
@pytest.mark.parametrize("name", NAMES)
def test_age_and_we_open_what_the_other_encrypts(key_folder, private, public_line, name):
    key = private(name)
    sealed = seal(b"secret", agessh.recipient(key.public))
    command = [age, "--decrypt", "--identity", str(key_folder / name)]
    assert subprocess.run(command, input=sealed, capture_output=True, check=True).stdout == b"secret"
    command = [age, "--encrypt", "--recipient", public_line(name)]
    ran = subprocess.run(command, input=b"secret", capture_output=True, check=True)
    assert opened(ran.stdout, identity_of(key)) == b"secret"


def test_a_stanza_of_another_key_is_not_mine(private):
    file = parse_age_file(seal(b"x", agessh.recipient(private("ssh_rsa").public)))
    for name in ("ssh_ed25519", "ssh_rsa_pem"):
        assert identity_of(private(name))(file.stanzas) is None


@pytest.mark.parametrize("name", ["ssh_ed25519", "ssh_rsa"])
def test_every_flipped_byte_is_noticed(private, name):
    key = private(name)
    unwrap = identity_of(key)
    data = seal(b"secret", agessh.recipient(key.public))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        try:
            file = parse_age_file(changed)
            file_key = unwrap(file.stanzas)
            if file_key is not None:
                unseal(file, file_key)
                pytest.fail(f"byte {place} was changed, and it opened")
        except IntegrityError:
            pass
