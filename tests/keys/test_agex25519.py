import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IntegrityError
from fluxsecrets.keys import agex25519
from fluxsecrets.keys.agefile import Stanza, encode_base64, parse_age_file, seal, unseal
from fluxsecrets.sops import bech32

SECRET = bech32.encode("age-secret-key-", bytes(range(32))).upper()  # a throw-away test key
RECIPIENT = agex25519.recipient_of(SECRET)
FILE_KEY = b"k" * 16


def opened(data, secret=SECRET):
    file = parse_age_file(data)
    file_key = agex25519.parse_identity(secret)(file.stanzas)
    return None if file_key is None else unseal(file, file_key)


def stanza_for(recipient=RECIPIENT):
    (stanza,) = agex25519.parse_recipient(recipient)(FILE_KEY)
    return stanza


@given(scalar=st.binary(min_size=32, max_size=32), data=st.binary(min_size=1, max_size=64))
def test_rage_reads_ours_and_we_read_what_rage_writes(scalar, data):
    secret = bech32.encode("age-secret-key-", scalar).upper()
    theirs = pyrage.x25519.Identity.from_str(secret)
    recipient = agex25519.recipient_of(secret)
    assert recipient == str(theirs.to_public())
    assert pyrage.decrypt(seal(data, agex25519.parse_recipient(recipient)), [theirs]) == data
    assert opened(pyrage.encrypt(data, [theirs.to_public()]), secret) == data


def test_a_new_identity_is_one_that_rage_takes():
    secret, recipient = agex25519.generate()
    assert str(pyrage.x25519.Identity.from_str(secret).to_public()) == recipient
    assert agex25519.generate()[0] != secret


def test_stanzas_for_others_are_passed_over():
    other = agex25519.generate()[1]
    unwrap = agex25519.parse_identity(SECRET)
    assert unwrap((Stanza("grease", ("x",), b"y"), stanza_for(other))) is None
    assert unwrap((stanza_for(other), stanza_for())) == FILE_KEY


@pytest.mark.parametrize(
    "change",
    [
        lambda stanza: Stanza(stanza.type, (), stanza.body),
        lambda stanza: Stanza(stanza.type, (*stanza.args, "x"), stanza.body),
        lambda stanza: Stanza(stanza.type, (encode_base64(b"s" * 31),), stanza.body),
        lambda stanza: Stanza(stanza.type, (f"{stanza.args[0]}=",), stanza.body),
        lambda stanza: Stanza(stanza.type, (encode_base64(bytes(32)),), stanza.body),  # of low order
        lambda stanza: Stanza(stanza.type, stanza.args, stanza.body + b"\0"),
        lambda stanza: Stanza(stanza.type, stanza.args, stanza.body[:-1]),
    ],
)
def test_a_malformed_stanza_is_damage_and_not_somebody_elses(change):
    with pytest.raises(IntegrityError, match="its X25519 part is malformed"):
        agex25519.parse_identity(SECRET)((change(stanza_for()), stanza_for()))


@pytest.mark.parametrize(
    "text",
    [
        RECIPIENT.upper(),
        bech32.encode("age", bytes(31)),
        bech32.encode("age", b"x" * 33),
        bech32.encode("agf", b"x" * 32),
    ],
)
def test_malformed_recipients_are_refused(text):
    with pytest.raises(ValueError, match="length or its beginning"):
        agex25519.parse_recipient(text)


@pytest.mark.parametrize("point", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 2**255, 2**255 + 1])
def test_recipients_of_low_order_are_refused(point):
    with pytest.raises(agex25519.WeakRecipientError):
        agex25519.parse_recipient(bech32.encode("age", point.to_bytes(32, "little")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET.lower(),
        SECRET[:-1],
        RECIPIENT,
        bech32.encode("age-secret-key-", bytes(31)).upper(),
        bech32.encode("age-secret-kez-", bytes(32)).upper(),
    ],
)
def test_malformed_identities_are_told(text):
    assert agex25519.recipient_of(text) is None
    with pytest.raises(ValueError, match="malformed"):
        agex25519.parse_identity(text)


def test_keys_of_age_are_decoded(recipients, secrets):
    assert len(bech32.decode(recipients["alice"])[1]) == 32
    assert bech32.decode(secrets["postquantum"])[0] == "age-secret-key-pq-"
    prefix, data = bech32.decode(recipients["postquantum"])
    assert (prefix, len(data)) == ("age1pq", 1216)
    assert bech32.encode(prefix, data) == recipients["postquantum"]
