import shutil
import subprocess
from contextlib import suppress

import pytest

from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError
from fluxsecrets.keys import postquantum
from fluxsecrets.keys.agefile import Stanza, decode_base64, encode_base64, parse_age_file, seal, unseal
from fluxsecrets.sops import bech32


def opened(data, secret):
    file = parse_age_file(data)
    file_key = postquantum.parse_identity(secret)(file.stanzas)
    return None if file_key is None else unseal(file, file_key)


def test_the_recipient_is_the_one_of_age(secrets, recipients):
    assert postquantum.recipient_of(secrets["postquantum"]) == recipients["postquantum"]


def test_what_is_wrapped_is_unwrapped(secrets, recipients):
    data = seal(b"secret", postquantum.parse_recipient(recipients["postquantum"]))
    assert opened(data, secrets["postquantum"]) == b"secret"
    file = parse_age_file(data)
    assert [(one.type, len(one.args), len(one.body)) for one in file.stanzas] == [("mlkem768x25519", 1, 32)]


def test_a_generated_identity_works_and_is_another_every_time(secrets):
    secret, recipient = postquantum.generate()
    assert secret.startswith("AGE-SECRET-KEY-PQ-1")
    assert postquantum.recipient_of(secret) == recipient
    assert opened(seal(b"x", postquantum.parse_recipient(recipient)), secret) == b"x"
    assert opened(seal(b"x", postquantum.parse_recipient(recipient)), secrets["postquantum"]) is None
    assert postquantum.generate()[0] != secret


age = shutil.which("age")


@pytest.mark.usefixtures("postquantum_age")
def test_age_and_we_open_what_the_other_encrypts(tmp_path):
    secret, recipient = postquantum.generate()
    path = tmp_path / "k.txt"
    path.write_text(f"# throw-away test key\n{secret}\n")
    sealed = seal(b"secret", postquantum.parse_recipient(recipient))
    command = [age, "--decrypt", "--identity", str(path)]
    assert subprocess.run(command, input=sealed, capture_output=True, check=True).stdout == b"secret"
    ran = subprocess.run([age, "-r", recipient], input=b"secret", capture_output=True, check=True)
    assert opened(ran.stdout, secret) == b"secret"


def test_every_flipped_byte_is_noticed(secrets, recipients):
    data = seal(b"secret", postquantum.parse_recipient(recipients["postquantum"]))
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with suppress(IntegrityError):
            assert opened(changed, secrets["postquantum"]) is None


def recoded(prefix, data):
    return bech32.encode(prefix, data)


def test_malformed_recipients_are_refused(recipients):
    text = recipients["postquantum"]
    data = bech32.decode(text)[1]
    for bad in (
        text[:-1] + ("q" if text[-1] != "q" else "p"),
        text[:-9],
        text.upper(),
        recoded("age1pq", data[:-1]),
        recoded("age1pq", data + b"x"),
        recoded("age1qp", data),
        recoded("age1pq", b"\xff" * 1184 + data[1184:]),  # coefficients beyond the modulus
    ):
        with pytest.raises(ValueError, match=r"checksum|beginning|valid key|Bech32"):
            postquantum.parse_recipient(bad)


def test_a_weak_curve_point_cannot_be_encrypted_for(recipients):
    data = bech32.decode(recipients["postquantum"])[1]
    wrap = postquantum.parse_recipient(recoded("age1pq", data[:1184] + bytes(32)))
    with pytest.raises(RecipientError, match="weak"):
        wrap(bytes(16))


def test_malformed_identities_are_refused(secrets, hidden):
    text = secrets["postquantum"]
    seed = bech32.decode(text)[1]
    for bad in (
        text[:-1] + ("Q" if text[-1] != "Q" else "P"),
        recoded("age-secret-key-pq-", seed[:-1]).upper(),
        recoded("age-secret-key-", seed).upper(),
        text.lower(),
        "",
    ):
        assert postquantum.recipient_of(bad) is None
        with pytest.raises(IdentityError) as caught:
            postquantum.parse_identity(bad)
        hidden(caught.value, *([bad] if bad else []))


def of_low_order(argument):
    return encode_base64(decode_base64(argument.encode())[:-32] + bytes(32))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: Stanza(one.type, (), one.body),
        lambda one: Stanza(one.type, (*one.args, "x"), one.body),
        lambda one: Stanza(one.type, (one.args[0][:-4],), one.body),
        lambda one: Stanza(one.type, ("=",), one.body),
        lambda one: Stanza(one.type, (of_low_order(one.args[0]),), one.body),
        lambda one: Stanza(one.type, one.args, one.body + b"x"),
        lambda one: Stanza(one.type, one.args, b""),
    ],
)
def test_malformed_stanzas_are_damage(secrets, recipients, change):
    (stanza,) = postquantum.parse_recipient(recipients["postquantum"])(bytes(16))
    unwrap = postquantum.parse_identity(secrets["postquantum"])
    assert unwrap([Stanza("X25519"), stanza]) == bytes(16)
    with pytest.raises(IntegrityError, match="mlkem768x25519"):
        unwrap([change(stanza)])
