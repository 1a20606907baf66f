"""The age provider with keys of every kind: SSH, post-quantum, plugins, commands, passphrases."""

import hashlib
import hmac
import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest

from fluxsecrets.errors import IdentityError, IntegrityError, NeedsPersonError, RecipientError
from fluxsecrets.keys.age import AgeProvider
from fluxsecrets.keys.agefile import armour, dearmour
from fluxsecrets.keys.host import Host
from fluxsecrets.keys.unlocked import Unlocked, keeping
from fluxsecrets.sops import bech32
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

PASSPHRASE = "throw-away passphrase"
NOWHERE = Path("/nowhere/at/all")
PLUGIN_RECIPIENT = bech32.encode("age1xor", b"throw-away")
PLUGIN_IDENTITY = bech32.encode("age-plugin-xor-", b"throw-away").upper()


def never():
    raise AssertionError("no identity may be looked for here")


def provider(environ, home=NOWHERE, **options):
    return AgeProvider.from_environment(environ, platform="linux", home=home, **options)


@pytest.fixture
def key_of(wrapped):
    return lambda name: WrappedKey(Recipient("age", wrapped[name]["recipient"]), wrapped[name]["enc"])


@pytest.fixture
def key_for(recipients):
    """Wrap a data key for the named recipient."""

    def make(name, secret=b"k" * 32):
        return AgeProvider(never).wrap(Recipient("age", recipients.get(name, name)), secret)

    return make


@pytest.fixture
def ssh_home(tmp_path, key_folder):
    def make(**files):
        (tmp_path / ".ssh").mkdir()
        for target, source in files.items():
            shutil.copy(key_folder / source, tmp_path / ".ssh" / target)
            if (key_folder / f"{source}.pub").exists():
                shutil.copy(key_folder / f"{source}.pub", tmp_path / ".ssh" / f"{target}.pub")
        return tmp_path

    return make


class Prompt:
    """Answers with a passphrase, and notes what was asked."""

    def __init__(self, answer=PASSPHRASE):
        self.answer = answer
        self.asked = []

    def __call__(self, question):
        self.asked.append(question)
        return self.answer


def line_of(path):
    return path.read_text(encoding="utf-8").strip()


# --- SSH


@pytest.mark.parametrize(("name", "file"), [("ssh-ed25519", "ssh_ed25519"), ("ssh-rsa", "ssh_rsa")])
def test_data_keys_of_sops_for_ssh_keys_are_unwrapped(key_of, wrapped, ssh_home, key_folder, name, file):
    variable = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(key_folder / file)}
    home = ssh_home(**{"id_ed25519" if "ed" in file else "id_rsa": file})
    for mine in (provider(variable), provider({}, home)):
        assert mine.unwrap(key_of(name)).hex() == wrapped[name]["data_key"]


@pytest.mark.parametrize("name", ["ssh_ed25519", "ssh_rsa"])
def test_the_comment_of_an_ssh_recipient_does_not_matter(recipients, ssh_home, name):
    home = ssh_home(id_rsa="ssh_rsa", id_ed25519="ssh_ed25519")
    mine = provider({}, home)
    bare = " ".join(recipients[name].split()[:2])
    for text in (bare, f"{bare} somebody else", f" {bare}  x\n"):
        assert mine.unwrap(mine.wrap(Recipient("age", text), b"k" * 32)) == b"k" * 32
        assert mine.owns(Recipient("age", text))
    assert mine.own_recipients() == {
        " ".join(recipients[one].split()[:2]) for one in ("ssh_rsa", "ssh_ed25519")
    }
    assert not mine.owns(Recipient("age", recipients["alice"]))


def test_a_locked_ssh_key_is_asked_for_once_and_only_where_it_is_meant(ssh_home, key_for, key_folder):
    prompt = Prompt()
    mine = provider({}, ssh_home(id_ed25519="ssh_locked"), ask=prompt)
    bare = " ".join(line_of(key_folder / "ssh_locked.pub").split()[:2])
    assert mine.own_recipients() == {bare}
    assert isinstance(mine.unwrap(key_for("alice")), NotMine)
    assert isinstance(mine.unwrap(key_for("ssh_ed25519")), NotMine)
    assert prompt.asked == []
    assert "~/.ssh/id_ed25519 (protected by a passphrase)" in mine.looked_in(), "a file was for an SSH key"
    for _ in range(2):
        assert mine.unwrap(key_for(bare)) == b"k" * 32
    assert prompt.asked == ["passphrase for ~/.ssh/id_ed25519"]
    assert "~/.ssh/id_ed25519 (1 identity)" in mine.looked_in()
    assert pickle.loads(pickle.dumps(mine)).unwrap(key_for(bare)) == b"k" * 32
    assert PASSPHRASE.encode() not in pickle.dumps(mine)


def test_an_old_locked_ssh_key_is_unlocked(ssh_home, key_for, key_folder):
    prompt = Prompt()
    mine = provider({}, ssh_home(id_rsa="ssh_rsa_pem_locked"), ask=prompt)
    assert mine.unwrap(key_for(line_of(key_folder / "ssh_rsa_pem_locked.pub"))) == b"k" * 32
    assert len(prompt.asked) == 1


def test_a_public_file_of_another_key_is_noticed(ssh_home, key_for, key_folder):
    home = ssh_home(id_rsa="ssh_rsa_pem_locked")
    shutil.copy(key_folder / "ssh_rsa.pub", home / ".ssh" / "id_rsa.pub")
    with pytest.raises(IdentityError, match=r"\.pub file beside this SSH key belongs to another key"):
        provider({}, home, ask=Prompt()).unwrap(key_for("ssh_rsa"))


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (None, "nobody to ask for the passphrase for ~/.ssh/id_ed25519"),
        (Prompt(""), "no passphrase was given"),
        (Prompt("hunter2"), "wrong passphrase"),
    ],
)
def test_what_stays_locked_is_an_error_and_is_not_asked_for_again(
    ssh_home, key_for, key_folder, hidden, prompt, message
):
    mine = provider({}, ssh_home(id_ed25519="ssh_locked"), ask=prompt)
    for _ in range(2):
        with pytest.raises(IdentityError, match=message) as caught:
            mine.unwrap(key_for(line_of(key_folder / "ssh_locked.pub")))
        hidden(caught.value, "hunter2", PASSPHRASE)
    assert prompt is None or len(prompt.asked) == 1


def test_a_key_said_to_be_for_a_locked_key_that_is_not_is_damage(ssh_home, key_for, key_folder):
    prompt = Prompt()
    mine = provider({}, ssh_home(id_ed25519="ssh_locked"), ask=prompt)
    label = Recipient("age", line_of(key_folder / "ssh_locked.pub"))
    with pytest.raises(IntegrityError, match="its own identity does not open it"):
        mine.unwrap(replace(key_for("alice"), recipient=label))
    assert prompt.asked == []


def test_rubbish_at_the_usual_place_matters_to_ssh_recipients_only(tmp_path, key_for):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_rsa").write_text("rubbish")
    mine = provider({}, tmp_path)
    assert isinstance(mine.unwrap(key_for("alice")), NotMine)
    with pytest.raises(IdentityError, match="not an SSH private key"):
        mine.unwrap(key_for("ssh_rsa"))


@pytest.mark.parametrize("name", ["ssh_ed25519", "ssh_rsa", "postquantum"])
def test_what_is_said_to_be_mine_and_is_not_is_damage(key_for, recipients, secrets, key_folder, name):
    environ = {
        "SOPS_AGE_KEY": secrets["postquantum"],
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(key_folder / name.replace("postquantum", "ssh_rsa")),
    }
    key = replace(key_for("alice"), recipient=Recipient("age", recipients[name]))
    with pytest.raises(IntegrityError, match="its own identity does not open it"):
        provider(environ).unwrap(key)


@pytest.mark.parametrize("name", ["ssh_ed25519", "postquantum"])
def test_every_flipped_byte_is_noticed(key_for, recipients, secrets, key_folder, name):
    environ = {
        "SOPS_AGE_KEY": f"{secrets['postquantum']} {secrets['alice']}",
        "SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(key_folder / "ssh_ed25519"),
    }
    mine = provider(environ)
    key = key_for(name)
    data = dearmour(key.enc)
    assert mine.unwrap(key) == b"k" * 32
    for place in range(0, len(data), 1 if len(data) < 500 else 7):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(IntegrityError):
            mine.unwrap(replace(key, enc=armour(changed)))


# --- post-quantum


def test_data_keys_of_sops_for_post_quantum_recipients_are_unwrapped(key_of, wrapped, secrets, recipients):
    mine = provider({"SOPS_AGE_KEY": f"{secrets['alice']} {secrets['postquantum']}"})
    assert mine.unwrap(key_of("post-quantum")).hex() == wrapped["post-quantum"]["data_key"]
    assert mine.own_recipients() == {recipients["alice"], recipients["postquantum"]}
    key = mine.wrap(Recipient("age", recipients["postquantum"]), b"k" * 32)
    assert {len(line) for line in key.enc.splitlines()[1:-2]} == {64}
    assert pickle.loads(pickle.dumps(mine)).unwrap(key) == b"k" * 32


# --- commands


@pytest.fixture
def command(tmp_path):
    """A command that logs the recipients it is run for, and prints the file `printed`."""
    script = tmp_path / "command.py"
    script.write_text(
        "import os, sys\n"
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        "open(os.path.join(here, 'log'), 'a').write(os.environ['SOPS_AGE_RECIPIENT'] + chr(10))\n"
        "sys.stderr.write('hunter2 on stderr')\n"
        "sys.stdout.write(open(os.path.join(here, 'printed')).read())\n"
        "sys.exit(int(os.environ.get('EXIT', 0)))\n"
    )
    (tmp_path / "log").touch()

    class Command:
        text = f'"{Path(sys.executable).as_posix()}" -I "{script.as_posix()}"'

        def prints(self, content):
            (tmp_path / "printed").write_text(content)

        @property
        def runs(self):
            return (tmp_path / "log").read_text().splitlines()

    return Command()


def test_a_command_is_run_once_for_every_recipient_that_needs_it(command, secrets, recipients, key_for):
    command.prints(secrets["bob"])
    mine = provider({"SOPS_AGE_KEY_CMD": command.text, "SOPS_AGE_KEY": secrets["alice"]})
    assert mine.unwrap(key_for("alice")) == b"k" * 32
    assert mine.own_recipients() == {recipients["alice"]}
    assert command.runs == []
    for _ in range(2):
        assert isinstance(mine.unwrap(key_for("cluster")), NotMine)
    assert mine.unwrap(key_for("bob")) == b"k" * 32, "the first run gave this key already"
    assert command.runs == [recipients["cluster"]]
    assert "SOPS_AGE_KEY_CMD (1 identity)" in mine.looked_in()
    worker = pickle.loads(pickle.dumps(mine))
    assert worker.unwrap(key_for("bob")) == b"k" * 32
    assert len(command.runs) == 1


def test_a_command_may_print_an_ssh_key(command, key_folder, key_for, recipients):
    command.prints((key_folder / "ssh_ed25519").read_text())
    mine = provider({"SOPS_AGE_SSH_PRIVATE_KEY_CMD": command.text})
    assert mine.unwrap(key_for("ssh_ed25519")) == b"k" * 32
    assert command.runs == [" ".join(recipients["ssh_ed25519"].split()[:2])]


def test_a_command_may_print_locked_keys(command, key_folder, key_for, vectors):
    prompt = Prompt()
    command.prints((key_folder / "ssh_locked").read_text())
    mine = provider({"SOPS_AGE_SSH_PRIVATE_KEY_CMD": command.text}, ask=prompt)
    assert mine.unwrap(key_for(line_of(key_folder / "ssh_locked.pub"))) == b"k" * 32
    command.prints((vectors / "age" / "locked_bob.txt").read_text())
    mine = provider({"SOPS_AGE_KEY_CMD": command.text}, ask=prompt)
    assert mine.unwrap(key_for("bob")) == b"k" * 32
    assert prompt.asked == [
        "passphrase for SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        "passphrase for SOPS_AGE_KEY_CMD",
    ]


@pytest.mark.parametrize(
    ("content", "change", "message"),
    [
        ("hunter2", lambda text: text, "SOPS_AGE_KEY_CMD:1: this line is not an age identity"),
        ("hunter2", lambda text: text + " '", "a quote in it is not closed"),
        ("hunter2", lambda _text: "no-such-program-at-all hunter2", "a program that is not there"),
        (None, lambda text: text, "failed with exit code 1"),
    ],
)
def test_a_command_that_fails_is_an_error_where_nothing_else_opens(
    command, secrets, key_for, hidden, content, change, message
):
    if content is not None:
        command.prints(content)
    mine = provider({"SOPS_AGE_KEY_CMD": change(command.text), "SOPS_AGE_KEY": secrets["alice"]})
    with pytest.raises(IdentityError, match=message) as caught:
        mine.unwrap(key_for("bob"))
    hidden(caught.value, "hunter2")
    assert mine.unwrap(key_for("alice")) == b"k" * 32


# --- encrypted key files


def test_a_locked_key_file_is_asked_for_last_and_once(vectors, secrets, recipients, key_for):
    prompt = Prompt()
    environ = {
        "SOPS_AGE_KEY_FILE": str(vectors / "age" / "locked_bob.txt"),
        "SOPS_AGE_KEY": secrets["alice"],
    }
    mine = provider(environ, ask=prompt)
    assert mine.unwrap(key_for("alice")) == b"k" * 32
    assert mine.own_recipients() == {recipients["alice"]}
    assert prompt.asked == []
    for _ in range(2):
        assert mine.unwrap(key_for("bob")) == b"k" * 32
        assert isinstance(mine.unwrap(key_for("cluster")), NotMine)
    assert prompt.asked == ["passphrase for SOPS_AGE_KEY_FILE"]
    assert mine.own_recipients() == {recipients["alice"], recipients["bob"]}
    assert "SOPS_AGE_KEY_FILE (1 identity)" in mine.looked_in()


def test_the_variable_may_hold_a_locked_file(vectors, key_for):
    text = (vectors / "age" / "locked_bob.txt").read_text()
    assert provider({"SOPS_AGE_KEY": text}, ask=Prompt()).unwrap(key_for("bob")) == b"k" * 32


def test_a_locked_key_file_that_costs_too_much_is_not_asked_for(vectors, key_for):
    text = dearmour((vectors / "age" / "locked_bob.txt").read_text())
    prompt = Prompt()
    expensive = armour(text.replace(b" 8\n", b" 30\n", 1))
    with pytest.raises(IdentityError, match="work factor is 30"):
        provider({"SOPS_AGE_KEY": expensive}, ask=prompt).unwrap(key_for("bob"))
    assert prompt.asked == []


def test_what_would_be_asked_can_be_asked_before_workers_start(
    vectors, secrets, recipients, key_for, key_folder, ssh_home, command
):
    prompt = Prompt()
    command.prints("# none")
    environ = {
        "SOPS_AGE_KEY_FILE": str(vectors / "age" / "locked_bob.txt"),
        "SOPS_AGE_KEY": secrets["alice"],
        "SOPS_AGE_KEY_CMD": command.text,
    }
    mine = provider(environ, ssh_home(id_ed25519="ssh_locked"), ask=prompt)
    own_ssh = Recipient("age", line_of(key_folder / "ssh_locked.pub"))
    alice, bob = (Recipient("age", recipients[name]) for name in ("alice", "bob"))
    mine.unlock([alice, bob, own_ssh, Recipient("pgp", "x")])
    assert (prompt.asked, command.runs) == ([], []), "alice's identity opens it"
    mine.unlock([own_ssh])
    assert (prompt.asked, command.runs) == (["passphrase for ~/.ssh/id_ed25519"], [])
    mine.unlock([bob])
    mine.unlock([bob])
    assert prompt.asked[1:] == ["passphrase for SOPS_AGE_KEY_FILE"]
    assert command.runs == [recipients["bob"]]
    worker = pickle.loads(pickle.dumps(mine))
    assert worker.unwrap(key_for("bob")) == worker.unwrap(key_for(own_ssh.id)) == b"k" * 32


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_worker_does_not_ask(vectors, key_for):
    prompt = Prompt()
    mine = provider({"SOPS_AGE_KEY_FILE": str(vectors / "age" / "locked_bob.txt")}, ask=prompt)
    key = key_for("bob")
    child = os.fork()
    if child == 0:
        try:
            mine.unwrap(key)
        except IdentityError as error:
            os._exit(42 if "nobody to ask" in error.message else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert mine.unwrap(key) == b"k" * 32


# --- plugins


@pytest.fixture
def with_plugin(plugin):
    def make(identity=PLUGIN_IDENTITY, mode="", **options):
        environ = {"SOPS_AGE_KEY": identity, **plugin, "PLUGIN_MODE": mode}
        found = provider(environ).lookup()
        host = Host(environ, options.pop("ask", None), plugin_timeout=options.pop("timeout", 20.0))
        return AgeProvider(lambda: found, host=host, **options)

    return make


def runs_of(plugin):
    log = Path(plugin["PLUGIN_LOG"])
    return (
        [line.split()[0].rpartition("=")[2] for line in log.read_text().splitlines()] if log.exists() else []
    )


def test_plugins_wrap_and_unwrap(with_plugin, plugin):
    mine = with_plugin()
    mine.check(Recipient("age", PLUGIN_RECIPIENT))
    assert runs_of(plugin) == []
    key = mine.wrap(Recipient("age", PLUGIN_RECIPIENT), b"k" * 32)
    assert mine.unwrap(key) == b"k" * 32
    assert runs_of(plugin) == ["recipient-v1", "identity-v1"]
    assert pickle.loads(pickle.dumps(mine.lookup())) == mine.lookup()


def test_a_plugin_that_opened_a_file_is_not_run_for_it_again(with_plugin, plugin):
    one, other = (with_plugin().wrap(Recipient("age", PLUGIN_RECIPIENT), bytes([n]) * 32) for n in (1, 2))
    with keeping(Unlocked()) as kept:
        assert with_plugin().unwrap(one) == b"\1" * 32
    kept.asks = False
    before = runs_of(plugin)
    with keeping(kept):
        assert with_plugin().unwrap(one) == b"\1" * 32
        with pytest.raises(NeedsPersonError):
            with_plugin().unwrap(other)
        with pytest.raises(NeedsPersonError):
            with_plugin().wrap(other.recipient, b"k" * 32)
    assert runs_of(plugin) == before


def test_a_recipient_in_a_file_runs_nothing(with_plugin, plugin, secrets):
    key = with_plugin().wrap(Recipient("age", PLUGIN_RECIPIENT), b"k" * 32)
    before = runs_of(plugin)
    assert isinstance(with_plugin(secrets["alice"]).unwrap(key), NotMine)
    assert runs_of(plugin) == before


def test_plugins_run_for_recipients_only_as_allowed(with_plugin, plugin, secrets):
    recipient = Recipient("age", PLUGIN_RECIPIENT)
    stranger = with_plugin(secrets["alice"], allowed_plugins=frozenset({"other"}))
    for action in (lambda: stranger.check(recipient), lambda: stranger.wrap(recipient, b"x" * 32)):
        with pytest.raises(RecipientError, match="age-plugin-xor, which is not allowed") as caught:
            action()
        assert caught.value.hint
    assert runs_of(plugin) == []
    with_plugin(secrets["alice"], allowed_plugins=frozenset({"xor"})).check(recipient)
    with_plugin(allowed_plugins=frozenset()).check(recipient)  # an identity of its own belongs to it


def test_an_identity_at_hand_comes_before_a_plugin(with_plugin, plugin, secrets, key_for):
    mine = with_plugin(f"{PLUGIN_IDENTITY} {secrets['alice']}")
    assert mine.unwrap(key_for("alice")) == b"k" * 32
    assert runs_of(plugin) == []


@pytest.mark.parametrize(("mode", "runs"), [("silent", 1), ("error", 2)])
def test_a_plugin_that_fails_is_an_error_and_one_that_hangs_is_not_run_again(
    with_plugin, plugin, key_for, mode, runs
):
    mine = with_plugin(mode=mode, timeout=0.5)
    for _ in range(2):
        with pytest.raises(IdentityError, match="cannot decrypt with age-plugin-xor"):
            mine.unwrap(key_for("alice"))
    assert len(runs_of(plugin)) == runs


def test_a_missing_plugin_is_said_before_anything_is_encrypted(key_for):
    with pytest.raises(RecipientError, match="needs age-plugin-xor, which is not installed"):
        provider({"PATH": ""}).check(Recipient("age", PLUGIN_RECIPIENT))
    with pytest.raises(IdentityError, match="age-plugin-xor: it is not installed"):
        provider({"PATH": "", "SOPS_AGE_KEY": PLUGIN_IDENTITY}).unwrap(key_for("alice"))


def test_a_malformed_plugin_recipient_is_refused():
    for text in (PLUGIN_RECIPIENT[:-1], "age1a/b1qqqqqq", bech32.encode("age1a/b", b"x")):
        with pytest.raises(RecipientError, match="malformed age plugin recipient") as caught:
            AgeProvider(never).check(Recipient("age", text))
        assert caught.value.hint


age = shutil.which("age")


@pytest.mark.skipif(age is None, reason="the age executable is not on PATH")
def test_age_uses_the_plugin_for_what_we_wrapped(with_plugin, plugin, tmp_path):
    key = with_plugin().wrap(Recipient("age", PLUGIN_RECIPIENT), b"k" * 32)
    path = tmp_path / "identity"
    path.write_text(PLUGIN_IDENTITY)
    command = [age, "--decrypt", "--identity", str(path)]
    ran = subprocess.run(command, input=key.enc.encode(), capture_output=True, check=True, env=plugin)
    assert ran.stdout == b"k" * 32


# --- tagged recipients, for hardware keys


def tagged(public):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return bech32.encode("age1tag", point)


def test_tagged_recipients_need_no_plugin():
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    from fluxsecrets.keys.agefile import decode_base64, parse_age_file, unseal

    private = generate_private_key(SECP256R1())  # a throw-away test key
    key = AgeProvider(never).wrap(Recipient("age", tagged(private.public_key())), b"k" * 32)
    file = parse_age_file(dearmour(key.enc))
    stanza = file.stanzas[0]
    assert stanza.type == "p256tag"
    sealed = decode_base64(stanza.args[1].encode()) + stanza.body
    suite = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    assert unseal(file, suite.decrypt(sealed, private, b"age-encryption.org/p256tag")) == b"k" * 32


def hybrid_key_pair():
    """Throw-away keys as a security key would hold them, and their recipient."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    mlkem, curve = MLKEM768PrivateKey.generate(), generate_private_key(SECP256R1())
    point = curve.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    recipient = bech32.encode("age1tagpq", mlkem.public_key().public_bytes_raw() + point)
    return mlkem, curve, point, recipient


def sealed_by_us(recipient):
    return dearmour(AgeProvider(never).wrap(Recipient("age", recipient), b"k" * 32).enc)


def sealed_by_rage(recipient):
    return pyrage.encrypt(b"k" * 32, [pyrage.tagpq.Recipient.from_str(recipient)])


@pytest.mark.parametrize("seal_for", [sealed_by_us, sealed_by_rage])
def test_hybrid_tagged_recipients_are_what_rage_takes_them_for(seal_for):
    # One way to open serves both: what it opens of rage's shows that ours is what rage would write.
    from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    from fluxsecrets.keys.agefile import decode_base64, parse_age_file, unseal
    from fluxsecrets.keys.agetag import hybrid_key, hybrid_secret

    mlkem, curve, point, recipient = hybrid_key_pair()
    file = parse_age_file(seal_for(recipient))
    (stanza,) = (each for each in file.stanzas if each.type == "mlkem768p256tag")
    tag, encapsulated = (decode_base64(each.encode()) for each in stanza.args)
    secret, share = mlkem.decapsulate(encapsulated[:1088]), encapsulated[1088:]
    exchanged = curve.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), share))
    label = b"age-encryption.org/mlkem768p256tag"
    key, nonce = hybrid_key(hybrid_secret(secret, exchanged, share, point), label)
    assert unseal(file, ChaCha20Poly1305(key).decrypt(nonce, stanza.body, None)) == b"k" * 32
    known = encapsulated + hashlib.sha256(point).digest()[:4]
    assert tag == hmac.digest(label, known, "sha256")[:4]


@pytest.mark.parametrize("prefix", ["age1tag", "age1tagpq"])
@pytest.mark.parametrize(
    "data", [b"", b"x", bytes(33), b"\x02" + b"\xff" * 32, b"\x04" + bytes(64), bytes(1249)]
)
def test_malformed_tagged_recipients_are_refused(prefix, data):
    with pytest.raises(RecipientError, match="malformed age recipient"):
        AgeProvider(never).check(Recipient("age", bech32.encode(prefix, data)))


# --- malformed recipients


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age1pq1qqqqqqqq", "malformed post-quantum age recipient age1pq…qq: "),
        ("ssh-ed25519", "malformed SSH recipient ssh-ed25519 …: the key is missing"),
        ("ssh-ed25519 AAAA", "cut off or mistyped"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "ssh-ed25519 and ssh-rsa keys only"),
        ("ssh-ed25519 AAAA\nssh-rsa AAAA", "several lines"),
    ],
)
def test_malformed_recipients_are_refused(text, message):
    with pytest.raises(RecipientError, match=message) as caught:
        AgeProvider(never).check(Recipient("age", text))
    assert caught.value.hint


# --- interop with the real tools


sops = shutil.which("sops")


@pytest.mark.skipif(sops is None, reason="the sops executable is not on PATH")
@pytest.mark.parametrize("name", ["postquantum", "ssh_ed25519", "ssh_rsa"])
def test_sops_opens_what_we_wrap(tmp_path, recipients, key_folder, name):
    plain = tmp_path / "plain.json"
    plain.write_text('{"a": "b"}')
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sops, "encrypt", "--age", recipients[name], str(plain)]
    document = json.loads(
        subprocess.run(command, capture_output=True, check=True, env=environ, cwd=tmp_path).stdout
    )
    (entry,) = document["sops"]["age"]
    if name == "postquantum":
        environ["SOPS_AGE_KEY_FILE"] = str(key_folder / "postquantum.agekey")
    else:
        environ["SOPS_AGE_SSH_PRIVATE_KEY_FILE"] = str(key_folder / name)
    mine = provider(environ)
    recipient = Recipient("age", entry["recipient"])
    entry["enc"] = mine.wrap(recipient, mine.unwrap(WrappedKey(recipient, entry["enc"]))).enc
    plain.write_text(json.dumps(document))
    ran = subprocess.run(
        [sops, "decrypt", str(plain)], capture_output=True, check=True, env=environ, cwd=tmp_path
    )
    assert json.loads(ran.stdout) == {"a": "b"}
