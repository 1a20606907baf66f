"""With unlocked keys a run gives the answer that it would give with a person, in any order of identities."""

import base64
import json
import os
import sys
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from fluxsecrets.errors import DataKeyError, IntegrityError, NeedsPersonError
from fluxsecrets.keys import pgp, plugins
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.agefile import Stanza, armour
from fluxsecrets.keys.gpg import GpgRun
from fluxsecrets.keys.handover import pack, take
from fluxsecrets.keys.lockedfile import lock_file
from fluxsecrets.keys.pgp import PgpProvider
from fluxsecrets.keys.unlocked import KINDS, Unlocked, digest_of, keeping, needs_person
from fluxsecrets.sops import bech32, shamir
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.envelope import open_data_key, wrap_data_key
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

needs_scripts = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no scripts and no named pipes"
)

PASSPHRASE = "throw-away passphrase"
DATA_KEY = DataKey(bytes(range(32)))
PLUGINS = {name: bech32.encode("age1xor", name.encode()) for name in ("one", "two")}
PLUGIN_IDENTITIES = {name: bech32.encode("age-plugin-xor-", name.encode()).upper() for name in PLUGINS}


def xor(data):
    return bytes(byte ^ 0x55 for byte in data)


class World:
    """A machine with keys of every kind, and a person who helps; notes what was asked."""

    def __init__(self, folder, secrets, recipients, keyring):
        self.secrets, self.recipients, self.keyring = secrets, recipients, keyring
        self.config = folder / "config"
        self.ssh = folder / "id_ed25519"
        (self.config / "fluxsecrets").mkdir(parents=True)
        key = Ed25519PrivateKey.generate()
        lock = PrivateFormat.OpenSSH.encryption_builder().kdf_rounds(1).build(PASSPHRASE.encode())
        self.ssh.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock))
        self.ssh.chmod(0o600)
        self.ssh_recipient = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        self.file = folder / "keys.txt"
        self.asked = []

    def recipient(self, name):
        if name in PLUGINS:
            return Recipient("age", PLUGINS[name])
        return Recipient("age", self.ssh_recipient if name == "ssh" else self.recipients[name])

    def line(self, name, *, told):
        if name in PLUGINS:
            comment = f"# public key: {PLUGINS[name]}\n" if told else ""
            return f"{comment}{PLUGIN_IDENTITIES[name]}\n"
        return f"{self.secrets[name]}\n"

    def environ(self, places):
        self.file.write_text("".join(self.line(name, told=told) for name, told in places["file"]))
        environ = {"XDG_CONFIG_HOME": str(self.config), "SOPS_AGE_KEY_FILE": str(self.file), "PATH": ""}
        if places["locked"]:
            text = "".join(self.line(name, told=told) for name, told in places["locked"])
            environ["SOPS_AGE_KEY"] = lock_file(text.encode(), PASSPHRASE, work_factor=1).decode()
        if places["ssh"]:
            environ["SOPS_AGE_SSH_PRIVATE_KEY_FILE"] = str(self.ssh)
        entries = [
            {"recipient": self.recipients[name], "kind": "x25519", "name": None, "created": None}
            for name in places["keyring"]
        ]
        listed = self.config / "fluxsecrets" / "keyring.json"
        listed.write_text(json.dumps({"version": 1, "identities": entries}))
        self.keyring.passwords = {
            ("fluxsecrets", self.recipients[name]): self.secrets[name] for name in places["keyring"]
        }
        return environ

    def ask(self, question):
        self.asked.append(question)
        return PASSPHRASE

    def converse(self, _host, name, protocol, request, take):
        if plugins.find_program(f"age-plugin-{name}", {}) is None:
            raise plugins.PluginError("it is not installed", fatal=True)
        needs_person(name)
        self.asked.append(f"{name} {protocol} {len(request)}")
        if protocol == "recipient-v1":
            take(Stanza("recipient-stanza", ("0", "xor", request[0].args[0]), xor(request[1].body)))
            return
        (identity,) = (text for text in PLUGINS if PLUGIN_IDENTITIES[text] == request[0].args[0])
        for stanza in request[1:-1]:
            if stanza.args[1:] == ("xor", PLUGINS[identity]):
                take(Stanza("file-key", ("0",), xor(stanza.body)))
                return

    def outcome(self, environ, metadata, order=None):
        """What a run gives, and what it asked for."""
        self.asked, before, keys, warned = [], self.keyring.asked, [], []
        provider = AgeProvider.from_environment(
            environ, platform="linux", home=Path("/nowhere"), ask=self.ask, warn=warned.append
        )
        try:
            answer = open_data_key(metadata, {"age": provider}, order, opened=keys.append).reveal()
        except (DataKeyError, IntegrityError) as error:
            answer = (type(error), error.message, error.hint, error.details)
        asked = [*self.asked, *["keyring"] * (self.keyring.asked - before)]
        return (answer, keys, warned), asked


@pytest.fixture
def world(tmp_path, secrets, recipients, os_keyring):
    made = World(tmp_path, secrets, recipients, os_keyring)
    with (
        mock.patch.object(plugins, "_converse", made.converse),
        mock.patch.object(plugins, "find_program", lambda name, _environ: f"/opt/{name}"),
    ):
        yield made


NAMES = ("alice", "bob", "cluster", *PLUGINS)
lines = st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=3, unique_by=lambda one: one[0])
PLACES = st.fixed_dictionaries(
    {
        "file": lines,
        "locked": lines,
        "ssh": st.booleans(),
        "keyring": st.lists(st.sampled_from(("alice", "bob", "cluster")), max_size=2, unique=True),
    }
)
WHO = st.lists(st.sampled_from((*NAMES, "ssh")), min_size=1, max_size=4, unique=True)


def metadata_for(world, groups, threshold):
    recipients = tuple(tuple(world.recipient(name) for name in group) for group in groups)
    provider = AgeProvider(lambda: pytest.fail("nothing is looked for"))
    keys = wrap_data_key(DATA_KEY, recipients, threshold, {"age": provider})
    return Metadata(keys, DEFAULT_SELECTOR, "", None, False, threshold if len(groups) > 1 else 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(PLACES, st.lists(WHO, min_size=1, max_size=2), st.sampled_from([None, ("age",), ("pgp", "age")]))
def test_what_was_unlocked_once_changes_no_answer(world, places, groups, order):
    environ, metadata = world.environ(places), metadata_for(world, groups, len(groups))
    alone, asked = world.outcome(environ, metadata, order)

    # Who notes what is unlocked notices nothing of it.
    with keeping(Unlocked()) as noted:
        assert world.outcome(environ, metadata, order) == (alone, asked)

    # Without any, a run that may ask nobody has the same answer, or none where somebody would be asked.
    with keeping(Unlocked(asks=False)):
        try:
            assert world.outcome(environ, metadata, order) == (alone, [])
            assert not asked
        except NeedsPersonError:
            assert asked

    # With what was unlocked the answer is the same, and nobody is asked.
    kept = Unlocked(asks=False)
    take(kept, pack(noted))
    with keeping(kept):
        assert world.outcome(environ, metadata, order) == (alone, [])
    event("opened" if alone[0] == DATA_KEY.reveal() else "not opened")
    event("asked" if asked else "at hand")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(PLACES, WHO, st.data())
def test_a_planted_entry_opens_nothing_else(world, places, who, data):
    environ, metadata = world.environ(places), metadata_for(world, [who], 0)
    with keeping(Unlocked()) as noted:
        world.outcome(environ, metadata)
    planted = Unlocked(asks=False)
    for kind, digest in noted.added:
        good = noted.get(kind, digest)
        wrong = st.sampled_from([b"", b"x", b"\xff" * 16, world.secrets["alice"].encode(), good[::-1], good])
        secret = data.draw(wrong | st.binary(max_size=40))
        planted.add(kind, digest, secret)
    with keeping(planted):
        try:
            answer = world.outcome(environ, metadata)[0][0]
        except NeedsPersonError:
            return
    # Another identity may still open the file; a wrong secret never does.
    assert answer == DATA_KEY.reveal() or answer[0] in (DataKeyError, IntegrityError)


# --- PGP beside age, with a gpg that answers as told


OWN, STRANGE = "3B53DF19B9884C364821CD2F63F909A3062E2C9A", "0123456789ABCDEF0123456789ABCDEF01234567"


def message(fingerprint, number):
    """An armoured message for a key."""
    body = b"\xc1\x0d\x03" + bytes.fromhex(fingerprint[-16:]) + number.to_bytes(4, "big") + b"\xd2\x01\x01"
    return f"-----BEGIN PGP MESSAGE-----\n\n{base64.b64encode(body).decode()}\n-----END PGP MESSAGE-----"


class Gpg:
    """gpg with one secret key, or with none; messages are opened by the table `opens`."""

    def __init__(self, *, has_key):
        self.has_key, self.opens, self.asked = has_key, {}, []

    def __call__(self, executable, arguments, data=b"", **_options):
        needs_person(executable)
        self.asked.append(arguments[-1])
        if "--list-secret-keys" in arguments:
            line = f"sec:u:255:22:{OWN[-16:]}:1:::u:::scESC:::+:::23::0:\nfpr:::::::::{OWN}:\n"
            return GpgRun(0, line.encode() if self.has_key else b"")
        secret = self.opens.get(data.strip().decode()) if self.has_key else None
        if secret is None:
            return GpgRun(2, b"", (("NO_SECKEY", "x"), ("ERROR", "pkdecrypt_failed", "17")))
        return GpgRun(0, secret, (("DECRYPTION_OKAY",),))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(
    st.booleans(),
    PLACES,
    st.lists(
        st.lists(st.sampled_from(("bob", "ssh", "one", OWN, STRANGE)), min_size=1, max_size=4),
        min_size=1,
        max_size=2,
    ),
    st.sampled_from([("age", "pgp"), ("pgp", "age"), None]),
)
def test_pgp_keys_among_others_change_no_answer(world, has_key, places, groups, order):
    environ, gpg = world.environ(places), Gpg(has_key=has_key)
    age = AgeProvider(lambda: pytest.fail("nothing is looked for"))
    shares = shamir.split(DATA_KEY.reveal(), 2, 2) if len(groups) == 2 else [DATA_KEY.reveal()]
    made = []
    for group, share in zip(groups, shares, strict=True):
        keys = []
        for name in group:
            if len(name) < 40:
                keys.append(age.wrap(world.recipient(name), share))
            else:
                text = message(name, len(gpg.opens))
                gpg.opens[text] = share if name == OWN else None
                keys.append(WrappedKey(Recipient("pgp", name), text))
        made.append(KeyGroup(tuple(keys)))
    metadata = Metadata(tuple(made), DEFAULT_SELECTOR, "", None, False, 2 if len(groups) == 2 else 0)

    def outcome():
        world.asked, gpg.asked, opened = [], [], []
        providers = {
            "age": AgeProvider.from_environment(
                environ, platform="linux", home=Path("/nowhere"), ask=world.ask
            ),
            "pgp": PgpProvider({"SOPS_GPG_EXEC": sys.executable, "GNUPGHOME": str(world.config)}),
        }
        try:
            answer = open_data_key(metadata, providers, order, opened=opened.append).reveal()
        except DataKeyError as error:
            answer = (error.message, error.hint, error.details)
        return (answer, opened), [*world.asked, *gpg.asked]

    with mock.patch.object(pgp, "run_gpg", gpg):
        alone, _ = outcome()
        with keeping(Unlocked()) as noted:
            assert outcome()[0] == alone
        noted.asks = False
        with keeping(noted):
            try:
                assert outcome() == (alone, [])
            except NeedsPersonError:  # a failure lists the keys that gpg has
                assert alone[0] != DATA_KEY.reveal()
    event("opened" if alone[0] == DATA_KEY.reveal() else "not opened")


def test_a_changed_key_file_is_asked_for_again(world):
    places = {"file": [], "locked": [("bob", False)], "ssh": False, "keyring": []}
    metadata = metadata_for(world, [["bob"]], 0)
    kept = Unlocked()
    with keeping(kept):
        assert world.outcome(world.environ(places), metadata)[1] == ["passphrase for SOPS_AGE_KEY"]
        # The same identity under a new salt is another file.
        environ = world.environ(places)
        assert world.outcome(environ, metadata)[1] == ["passphrase for SOPS_AGE_KEY"]
        assert world.outcome(environ, metadata)[1] == []
    assert len(kept) == 2


def test_an_identity_that_left_the_list_of_the_keyring_is_not_used(world):
    places = {"file": [], "locked": [], "ssh": False, "keyring": ["bob"]}
    metadata = metadata_for(world, [["bob"]], 0)
    with keeping(Unlocked()) as kept:
        assert world.outcome(world.environ(places), metadata)[0][0] == DATA_KEY.reveal()
        answer = world.outcome(world.environ(places | {"keyring": []}), metadata)[0][0]
        assert answer[0] is DataKeyError
        # A second identity has to be taken out first: then all are asked for, as in the first run.
        two = world.environ(places | {"keyring": ["bob", "alice"]})
        assert world.outcome(two, metadata)[1] == ["keyring", "keyring"]
        assert world.outcome(two, metadata)[1] == []
        assert kept.counts["keyring"] == 2


@pytest.mark.parametrize("variable", ["DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"])
def test_another_keyring_is_asked_itself(world, monkeypatch, variable):
    environ = world.environ({"file": [], "locked": [], "ssh": False, "keyring": ["bob"]})
    metadata = metadata_for(world, [["bob"]], 0)
    with keeping(Unlocked()):
        assert world.outcome(environ, metadata)[1] == ["keyring"]
        monkeypatch.setenv(variable, "another")
        assert world.outcome(environ, metadata)[1] == ["keyring"]


def test_a_plugin_that_is_not_installed_any_more_opens_nothing(world):
    environ = world.environ({"file": [("one", True)], "locked": [], "ssh": False, "keyring": []})
    metadata = metadata_for(world, [["one"]], 0)
    with keeping(Unlocked()) as kept:
        assert world.outcome(environ, metadata)[0][0] == DATA_KEY.reveal()
        assert world.outcome(environ, metadata)[1] == []
        with mock.patch.object(plugins, "find_program", lambda name, _environ: f"/usr/bin/{name}"):
            assert len(world.outcome(environ, metadata)[1]) == 1
        with mock.patch.object(plugins, "find_program", return_value=None):
            assert "not installed" in str(world.outcome(environ, metadata)[0][0])
    assert len(kept) == 2


def test_a_wrong_passphrase_is_not_kept(world):
    environ = world.environ({"file": [], "locked": [("bob", False)], "ssh": True, "keyring": []})
    with keeping(Unlocked()) as kept, mock.patch.object(world, "ask", return_value="wrong"):
        for who in ("bob", "ssh"):
            assert world.outcome(environ, metadata_for(world, [[who]], 0))[0][0][0] is DataKeyError
    assert not kept


@needs_scripts
def test_a_key_command_is_not_kept_and_not_run(world, tmp_path, secrets):
    log = tmp_path / "log"
    command = tmp_path / "print-key"
    command.write_text(f"#!/bin/sh\necho run >>{log}\necho {secrets['bob']}\n")
    command.chmod(0o700)
    environ = world.environ({"file": [], "locked": [], "ssh": False, "keyring": []})
    environ["SOPS_AGE_KEY_CMD"] = str(command)
    metadata = metadata_for(world, [["bob"]], 0)
    with keeping(Unlocked()) as kept:
        for _ in range(2):
            assert world.outcome(environ, metadata)[0][0] == DATA_KEY.reveal()
    assert not kept
    assert log.read_text() == "run\nrun\n"
    with keeping(Unlocked(asks=False)), pytest.raises(NeedsPersonError):
        world.outcome(environ, metadata)
    assert log.read_text() == "run\nrun\n"


@needs_scripts
@pytest.mark.parametrize("variable", ["SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"])
def test_a_pipe_is_not_read_by_a_run_that_may_ask_nobody(world, tmp_path, variable):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environ = world.environ({"file": [("bob", False)], "locked": [], "ssh": False, "keyring": []})
    with keeping(Unlocked(asks=False)), pytest.raises(NeedsPersonError):
        world.outcome(environ | {variable: str(pipe)}, metadata_for(world, [["bob"]], 0))


def test_every_kind_is_kept_by_some_run(world):
    """The property above is empty for a kind that no example notes; PGP has tests of its own."""
    places = {"file": [("one", False), ("two", True)], "locked": [("bob", False)], "ssh": True}
    environ = world.environ(places | {"keyring": ["cluster"]})
    with keeping(Unlocked()) as kept:
        for who in ("bob", "ssh", "cluster", "one", "two"):
            assert world.outcome(environ, metadata_for(world, [[who]], 0))[0][0] == DATA_KEY.reveal()
    assert set(kept.counts) == {kind for kind in KINDS if not kind.startswith("PGP")}


def test_the_armour_of_a_locked_file_is_part_of_it():
    data = lock_file(b"x", PASSPHRASE, work_factor=1)
    assert digest_of("key file", data) != digest_of("key file", armour(data).encode())
