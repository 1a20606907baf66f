"""Identities in the keyring of the operating system; every key here is a throw-away."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import InitError, KeyringLocked

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys import oskeyring
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.generate import generate_identity
from fluxsecrets.keys.identities import KEYRING_LIST
from fluxsecrets.keys.keyfile import AgeIdentity, StoredIdentity
from fluxsecrets.keys.oskeyring import KeyringError, read_list, read_stored, remove, store
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".config" / KEYRING_LIST


@pytest.fixture
def alice(secrets, recipients):
    return AgeIdentity(secrets["alice"], recipients["alice"], "test")


@pytest.fixture
def home(tmp_path):
    """Make the provider of somebody whose configuration is where `path` is."""

    def make(**environ):
        return AgeProvider.from_environment(
            {"HOME": str(tmp_path), **environ}, platform="linux", home=tmp_path
        )

    return make


def with_backend(backend):
    class Context:
        def __enter__(self):
            self.before = keyring.get_keyring()
            keyring.set_keyring(backend)

        def __exit__(self, *_):
            keyring.set_keyring(self.before)

    return Context()


def test_what_is_stored_is_found_by_its_list_and_opens_files(path, alice, os_keyring, home, wrapped):
    assert store(path, alice, "alice") is True
    assert store(path, alice, "alice") is False
    assert os_keyring.passwords == {("fluxsecrets", alice.recipient): alice.secret}
    assert alice.secret not in path.read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
    os_keyring.asked = 0
    mine = home()
    assert mine.own_recipients() == {alice.recipient}
    assert os_keyring.asked == 0, "the list tells"
    key = WrappedKey(Recipient("age", wrapped["secret"]["recipient"]), wrapped["secret"]["enc"])
    assert mine.unwrap(key).hex() == wrapped["secret"]["data_key"]
    assert mine.unwrap(key).hex() == wrapped["secret"]["data_key"]
    assert os_keyring.asked == 1
    assert mine.looked_in()[-1] == "OS keyring (1 identity)"


def test_the_keyring_is_left_alone_where_another_place_has_the_identity(
    path, alice, os_keyring, home, wrapped, secrets
):
    store(path, alice, None)
    os_keyring.asked = 0
    key = WrappedKey(Recipient("age", wrapped["secret"]["recipient"]), wrapped["secret"]["enc"])
    assert home(SOPS_AGE_KEY=secrets["alice"]).unwrap(key).hex() == wrapped["secret"]["data_key"]
    assert os_keyring.asked == 0


def test_the_keyring_is_left_alone_by_files_for_others(path, os_keyring, home, wrapped):
    store(path, generate_identity(NOW), None)
    os_keyring.asked = 0
    mine = home()
    answer = mine.unwrap(
        WrappedKey(Recipient("age", wrapped["secret"]["recipient"]), wrapped["secret"]["enc"])
    )
    assert isinstance(answer, NotMine)
    assert os_keyring.asked == 0
    assert mine.looked_in()[-1] == "OS keyring (1 identity, asked when a file needs it)"


def test_of_the_keys_of_a_file_those_at_hand_come_first(path, alice, os_keyring, home, secrets):
    from fluxsecrets.sops.cipher import DataKey
    from fluxsecrets.sops.envelope import open_data_key, wrap_data_key
    from fluxsecrets.sops.metadata import Metadata
    from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

    store(path, alice, None)
    os_keyring.asked = 0
    mine = home(SOPS_AGE_KEY=secrets["bob"])
    bob = next(iter(mine.own_recipients() - {alice.recipient}))
    groups = ((Recipient("age", alice.recipient), Recipient("age", bob)),)
    key = DataKey.generate()
    metadata = Metadata(wrap_data_key(key, groups, 0, {"age": mine}), DEFAULT_SELECTOR, "", None)
    used = []
    assert open_data_key(metadata, {"age": mine}, opened=used.append).reveal() == key.reveal()
    assert used == [Recipient("age", bob)]
    assert os_keyring.asked == 0


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (KeyringLocked("hunter2-text"), "locked"),
        (InitError("hunter2-text"), "none on this machine"),
        (RuntimeError("hunter2-text"), "failed"),
    ],
)
def test_a_keyring_that_fails_is_as_one_that_is_not_there(
    path, alice, os_keyring, home, wrapped, error, note, hidden
):
    store(path, alice, None)
    os_keyring.broken = error
    mine = home()
    key = WrappedKey(Recipient("age", wrapped["secret"]["recipient"]), wrapped["secret"]["enc"])
    with pytest.raises(IdentityError, match="the OS keyring cannot be used") as caught:
        mine.unwrap(key)
    hidden(caught.value, "hunter2")
    assert mine.looked_in()[-1] == f"OS keyring ({note})"
    os_keyring.asked = 0
    with pytest.raises(IdentityError):
        mine.unwrap(key)
    assert os_keyring.asked == 0, "once a run is enough"


def test_a_headless_machine_gets_a_clear_answer(path, alice):
    with with_backend(fail.Keyring()):
        with pytest.raises(KeyringError, match="this machine or session has none") as caught:
            store(path, alice, None)
        assert "key file" in caught.value.hint
        assert read_list(path) == ()
        with pytest.raises(KeyringError) as caught:
            read_stored([StoredIdentity(alice.recipient)])
        assert caught.value.note == "none on this machine"


def test_a_keyring_that_protects_nothing_is_refused(path, alice):
    with with_backend(null.Keyring()), pytest.raises(KeyringError, match="in plain text, or not at all"):
        store(path, alice, None)
    assert read_list(path) == ()


def test_of_several_keyrings_the_first_has_to_protect(path, alice, os_keyring, monkeypatch):
    class Plain(type(os_keyring)):
        priority = 0.5

    plain = Plain()
    monkeypatch.setattr(ChainerBackend, "backends", [plain, null.Keyring()])
    with with_backend(ChainerBackend()):
        with pytest.raises(KeyringError, match="in plain text, or not at all"):
            store(path, alice, None)
        monkeypatch.setattr(ChainerBackend, "backends", [os_keyring, plain])
        assert store(path, alice, None) is True
        assert read_stored(read_list(path))[0][0].secret == alice.secret
    assert os_keyring.passwords
    assert not plain.passwords


def test_without_the_package_it_says_how_to_install_it(path, alice, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyringError) as caught:
        read_stored([StoredIdentity(alice.recipient)])
    assert caught.value.note == "needs fluxsecrets[keyring]"
    assert "pip install 'fluxsecrets[keyring]'" in caught.value.hint


def test_a_keyring_that_never_answers_is_given_up(path, alice, os_keyring, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(os_keyring, "get_password", lambda *_: never.wait())
    monkeypatch.setattr(oskeyring, "_QUIET", 0.01)
    said = []
    with pytest.raises(KeyringError, match="did not answer") as caught:
        read_stored([StoredIdentity(alice.recipient)], timeout=0.05, notify=said.append)
    never.set()
    assert caught.value.note == "did not answer"
    assert len(said) == 1
    assert "unlock" in said[0]


def test_what_is_not_what_the_list_says_is_not_used(path, alice, os_keyring, secrets):
    other = generate_identity(NOW)
    store(path, alice, None)
    store(path, other, None)
    os_keyring.passwords["fluxsecrets", alice.recipient] = secrets["bob"]
    del os_keyring.passwords["fluxsecrets", other.recipient]
    found, problems = read_stored(read_list(path))
    assert found == ()
    assert "holds something else" in problems[alice.recipient].message
    assert "no longer holds it" in problems[other.recipient].message


def test_a_keyring_that_forgets_is_noticed(path, alice, os_keyring, monkeypatch):
    monkeypatch.setattr(os_keyring, "set_password", lambda *_: None)
    with pytest.raises(KeyringError, match="did not keep the identity"):
        store(path, alice, None)
    assert read_list(path) == ()


def test_post_quantum_identities_have_names_that_keyrings_take(path, os_keyring):
    identity = generate_identity(NOW, post_quantum=True)
    store(path, identity, "pq")
    ((_, user),) = os_keyring.passwords
    assert len(user) < 128
    (found,), _ = read_stored(read_list(path))
    assert (found.secret, found.kind) == (identity.secret, "post-quantum")


def test_removing_takes_it_out_of_both(path, alice, os_keyring):
    other = generate_identity(NOW)
    store(path, alice, None)
    store(path, other, "other")
    assert remove(path, alice.recipient) is True
    assert remove(path, alice.recipient) is False
    assert [one.recipient for one in read_list(path)] == [other.recipient]
    assert list(os_keyring.passwords) == [("fluxsecrets", other.recipient)]
    os_keyring.broken = KeyringLocked()
    with pytest.raises(KeyringError):
        remove(path, other.recipient)
    assert len(read_list(path)) == 1, "what may still be there stays on the list"


def test_a_plugin_identity_without_a_recipient_is_refused(path, os_keyring):
    with pytest.raises(IdentityError, match="recipient of this plugin"):
        store(path, AgeIdentity("AGE-PLUGIN-TEST-10Q32NLXM", "", "test", kind="plugin"), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"version": 2, "identities": []}',
        b'{"version": 1, "identities": [{}]}',
        b'{"version": 1, "identities": [{"recipient": 1, "kind": "x25519"}]}',
        b'{"version": 1, "identities": [{"recipient": "age1x", "kind": "other"}]}',
        b'{"version": 1, "identities": [{"recipient": "age1\\u001b", "kind": "x25519"}]}',
        b"\xff" * 9,
        b"[" * 100_000,
    ],
)
def test_a_damaged_list_is_said_and_the_rest_goes_on(path, home, content, secrets):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    found = home(SOPS_AGE_KEY=secrets["alice"]).lookup()
    assert len(found.identities) == 1
    (problem,) = found.problems
    assert "list of the identities in the OS keyring is damaged" in problem.message
    assert str(found.places[-1]) == "OS keyring (its list is damaged)"


def test_the_package_is_not_loaded_without_need():
    import subprocess

    code = (
        "import sys; from fluxsecrets.keys import make_providers; "
        "p = make_providers({'HOME': '/nowhere/at/all'})['age']; p.own_recipients(); "
        "sys.exit('keyring' in sys.modules or 'fluxsecrets.keys.oskeyring' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_list_is_readable_for_people(path, alice, os_keyring):
    store(path, alice, "alice")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content == {
        "version": 1,
        "identities": [
            {"recipient": alice.recipient, "kind": "x25519", "name": "alice", "created": None},
        ],
    }
    assert Path(f"{path}.lock").exists()


WATCHED = """
import os
import sys
from fluxsecrets.keys import oskeyring

def refuse(event, arguments):
    if event in ("subprocess.Popen", "os.posix_spawn", "os.system"):
        os.write(2, f"started {arguments[:2]}".encode())
        os._exit(3)  # an exception would end a thread only

sys.addaudithook(refuse)
try:
    oskeyring.keyring_name()
except oskeyring.KeyringError:
    pass
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS's own back end looks for its libraries")
def test_looking_for_a_keyring_starts_no_program(environment):
    """ctypes looks for libraries with gcc and ld, in any entry of PATH."""
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
