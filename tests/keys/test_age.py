import pickle
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IdentityError, IntegrityError
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.agefile import armour, dearmour
from fluxsecrets.keys.identities import Lookup
from fluxsecrets.keys.keyfile import AgeIdentity
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

# A throw-away test key, made for this run.
FRESH = pyrage.x25519.Identity.generate()


def never():
    raise AssertionError("no identity may be looked for here")


def provider(*identities, problems=()):
    found = tuple(
        AgeIdentity(str(one), str(one.to_public()), f"test, line {number}")
        for number, one in enumerate(identities, start=1)
    )
    return AgeProvider(lambda: Lookup(found, problems=problems))


@pytest.fixture
def ring(secrets):
    """Make a provider that holds the named identities."""

    def make(*names, problems=()):
        return provider(
            *(pyrage.x25519.Identity.from_str(secrets[name]) for name in names), problems=problems
        )

    return make


@pytest.fixture
def key_of(wrapped):
    """Return a key that sops wrapped."""

    def make(name):
        return WrappedKey(Recipient("age", wrapped[name]["recipient"]), wrapped[name]["enc"])

    return make


# --- round trips and interop


@given(st.binary(min_size=1, max_size=33))
def test_what_is_wrapped_is_unwrapped(secret):
    mine = provider(FRESH)
    key = mine.wrap(Recipient("age", str(FRESH.to_public())), secret)
    assert mine.unwrap(key) == secret


def test_wrapped_keys_look_like_those_of_sops(recipients):
    recipient = Recipient("age", recipients["alice"])
    key = AgeProvider(never).wrap(recipient, bytes(32))
    lines = key.enc.split("\n")
    assert key.recipient is recipient
    assert key.created_at is None
    assert lines[0] == "-----BEGIN AGE ENCRYPTED FILE-----"
    assert lines[-2:] == ["-----END AGE ENCRYPTED FILE-----", ""]
    assert {len(line) for line in lines[1:-3]} == {64}


def test_wrapping_twice_gives_different_text(recipients):
    mine = AgeProvider(never)
    recipient = Recipient("age", recipients["alice"])
    assert mine.wrap(recipient, bytes(32)).enc != mine.wrap(recipient, bytes(32)).enc


@pytest.mark.parametrize(("name", "holder"), [("secret", "alice"), ("two-recipients-bob", "bob")])
def test_data_keys_of_sops_are_unwrapped(ring, key_of, wrapped, name, holder):
    assert ring(holder).unwrap(key_of(name)).hex() == wrapped[name]["data_key"]
    assert ring("cluster", holder).unwrap(key_of(name)).hex() == wrapped[name]["data_key"]


def test_indentation_free_crlf_text_is_unwrapped(ring, key_of, wrapped):
    key = key_of("secret")
    key = replace(key, enc="\n" + key.enc.replace("\n", "\r\n"))
    assert ring("alice").unwrap(key).hex() == wrapped["secret"]["data_key"]


def test_the_name_of_the_recipient_is_not_trusted(ring, key_of, recipients, wrapped):
    key = replace(key_of("secret"), recipient=Recipient("age", recipients["bob"]))
    assert ring("bob", "cluster", "alice").unwrap(key).hex() == wrapped["secret"]["data_key"]


age = shutil.which("age")
needs_age = pytest.mark.skipif(age is None, reason="the age executable is not on PATH")


@needs_age
def test_age_opens_what_we_wrap(recipients, key_folder):
    key = AgeProvider(never).wrap(Recipient("age", recipients["alice"]), bytes(range(32)))
    command = [age, "--decrypt", "--identity", str(key_folder / "alice.agekey")]
    ran = subprocess.run(command, input=key.enc.encode(), capture_output=True, check=True)
    assert ran.stdout == bytes(range(32))


@needs_age
def test_we_open_what_age_encrypts(ring, recipients):
    command = [age, "--encrypt", "--armor", "--recipient", recipients["bob"]]
    ran = subprocess.run(command, input=bytes(range(33)), capture_output=True, check=True)
    key = WrappedKey(Recipient("age", recipients["bob"]), ran.stdout.decode())
    assert ring("bob").unwrap(key) == bytes(range(33))


# --- not mine


def test_a_key_of_somebody_else_is_not_mine(ring, key_of):
    assert ring("bob", "cluster").unwrap(key_of("secret")) == NotMine("not among your identities")


def test_no_identity_at_all_is_not_mine(ring, key_of):
    assert ring().unwrap(key_of("secret")) == NotMine("no age identity was found")
    assert ring().unwrap(key_of("ssh-ed25519")) == NotMine("no SSH key was found")


@pytest.mark.parametrize("name", ["post-quantum", "ssh-ed25519", "ssh-rsa"])
def test_keys_of_other_kinds_are_not_mine(ring, key_of, name):
    assert ring("alice").unwrap(key_of(name)) == NotMine("not among your identities")


# --- broken key files


def test_a_broken_key_file_does_not_matter_while_another_identity_opens(ring, key_of, wrapped):
    mine = ring("alice", problems=(IdentityError("unreadable", path="k.txt"),))
    assert mine.unwrap(key_of("secret")).hex() == wrapped["secret"]["data_key"]


@pytest.mark.parametrize("holders", [(), ("bob",)])
def test_a_broken_key_file_is_an_error_when_nothing_opens(ring, key_of, holders):
    problems = (
        IdentityError("unreadable", path="k.txt", line=3, hint="mend it"),
        IdentityError("gone", path="l.txt"),
    )
    mine = ring(*holders, problems=problems)
    with pytest.raises(IdentityError) as caught:
        mine.unwrap(key_of("secret"))
    assert str(caught.value) == "k.txt:3: unreadable"
    assert caught.value.hint == "mend it"
    assert caught.value.details == ("l.txt: gone",)


# --- damage


def rearmoured(key, change):
    return replace(key, enc=armour(change(dearmour(key.enc))))


def flipped(data, index):
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def test_every_flipped_byte_is_noticed(ring, key_of):
    mine = ring("bob", "alice")
    key = key_of("secret")
    for index in range(len(dearmour(key.enc))):
        damaged = rearmoured(key, lambda data, index=index: flipped(data, index))
        with pytest.raises(IntegrityError):
            mine.unwrap(damaged)


def test_every_truncation_is_noticed(ring, key_of):
    mine = ring("alice")
    key = key_of("secret")
    for length in range(1, len(dearmour(key.enc))):
        with pytest.raises(IntegrityError):
            mine.unwrap(rearmoured(key, lambda data, length=length: data[:length]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda enc: enc.replace("YWdl", "!Wdl"), "not valid base64"),
        (lambda enc: enc[:-40], "last line is missing"),
        (lambda enc: enc.replace("\n", "", 3), "does not begin"),
        (lambda enc: "", "does not begin"),
        (lambda enc: enc + "x" * 70_000, "longer than"),
        (lambda enc: armour(dearmour(enc).replace(b"org/v1", b"org/v2")), "version 1"),
        (lambda enc: armour(dearmour(enc) + b"more"), "damaged"),
    ],
)
def test_damaged_text_is_an_integrity_error(ring, key_of, change, message):
    key = key_of("secret")
    with pytest.raises(IntegrityError, match=message) as caught:
        ring("alice").unwrap(replace(key, enc=change(key.enc)))
    assert caught.value.hint


def test_a_key_said_to_be_mine_that_is_not_is_an_integrity_error(ring, key_of, recipients):
    key = replace(key_of("two-recipients-bob"), recipient=Recipient("age", recipients["alice"]))
    with pytest.raises(IntegrityError, match="its own identity does not open it"):
        ring("alice").unwrap(key)


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_hostile_bytes_never_get_another_error(body, tail):
    mine = provider(FRESH)
    for data in (
        body,
        b"age-encryption.org/v1\n" + body,
        b"age-encryption.org/v1\n-> X25519 " + body + b"\n--- " + tail,
    ):
        key = WrappedKey(Recipient("age", str(FRESH.to_public())), armour(data))
        with pytest.raises(IntegrityError):
            mine.unwrap(key)


def scrypt_stanza(factor):
    return b"-> scrypt " + b"A" * 22 + b" %d\n" % factor + b"A" * 43 + b"\n"


@pytest.mark.parametrize("alone", [True, False])
def test_a_passphrase_is_refused_before_any_work_is_done(key_of, alone):
    # Work factor 2**63: trying it would not end. Nor are identities needed to refuse it.
    def change(data):
        intro, _, rest = data.partition(b"\n")
        if alone:
            rest = rest[rest.index(b"--- ") :]
        return intro + b"\n" + scrypt_stanza(63) + rest

    with pytest.raises(IntegrityError, match="passphrase"):
        AgeProvider(never).unwrap(rearmoured(key_of("secret"), change))


# --- recipients


def test_white_space_around_a_recipient_is_overlooked_as_sops_does(recipients, ring):
    mine = ring("alice")
    key = mine.wrap(Recipient("age", f" {recipients['alice']}\n"), b"k" * 32)
    assert mine.unwrap(key) == b"k" * 32


# --- looking once, workers, nothing shown


def test_identities_are_looked_for_once(secrets, key_of):
    calls = []

    def find():
        calls.append(1)
        return Lookup()

    mine = AgeProvider(find)
    assert calls == []
    assert mine.unwrap(key_of("secret")) == mine.unwrap(key_of("two-recipients-bob"))
    mine.lookup()
    assert calls == [1]


def test_where_it_looked_is_said_after_it_did(key_of):
    mine = AgeProvider.from_environment({}, platform="linux", home=Path("/nowhere/at/all"))
    assert mine.looked_in() == ()
    mine.unwrap(key_of("secret"))
    assert mine.looked_in() == ("~/.config/sops/age/keys.txt (missing)", "OS keyring (none)")
    mine.unwrap(key_of("ssh-rsa"))
    assert mine.looked_in() == (
        "~/.ssh/id_ed25519 (missing)",
        "~/.ssh/id_rsa (missing)",
        "~/.config/sops/age/keys.txt (missing)",
        "OS keyring (none)",
    )


def test_the_home_folder_comes_from_the_environment(tmp_path, secrets, wrapped, key_of):
    folder = tmp_path / ".config" / "sops" / "age"
    folder.mkdir(parents=True)
    (folder / "keys.txt").write_text(secrets["alice"], encoding="utf-8")
    mine = AgeProvider.from_environment({"HOME": str(tmp_path)}, platform="linux")
    assert mine.unwrap(key_of("secret")).hex() == wrapped["secret"]["data_key"]


def test_a_provider_reaches_a_worker_process(secrets, wrapped, key_of):
    environ = {"SOPS_AGE_KEY": secrets["alice"], "UNRELATED_TOKEN": "not-taken-along"}
    mine = AgeProvider.from_environment(environ, platform="linux", home=Path("/nowhere/at/all"))
    fresh = pickle.dumps(mine)
    assert b"not-taken-along" not in fresh
    assert pickle.loads(fresh).unwrap(key_of("secret")).hex() == wrapped["secret"]["data_key"]
    found = mine.lookup()
    used = pickle.loads(pickle.dumps(mine))
    assert used.looked_in() == mine.looked_in()
    assert used.lookup() == found


def test_nothing_secret_in_errors_and_reprs(ring, secrets, key_of, hidden, recipients):
    mine = ring("alice")
    assert "AGE-SECRET" not in repr(mine)
    assert "AGE-SECRET" not in repr(mine.lookup())
    key = rearmoured(key_of("secret"), lambda data: flipped(data, len(data) - 1))
    with pytest.raises(IntegrityError) as caught:
        mine.unwrap(key)
    hidden(caught.value)
    assert "BEGIN AGE" not in repr(key)
