"""PGP keys through gpg: the real one with throw-away keyrings, and a fake for what it seldom does."""

import base64
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

import fluxsecrets
from fluxsecrets.errors import (
    DataKeyError,
    IdentityError,
    IntegrityError,
    NeedsPersonError,
    RecipientError,
)
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.gpg import export_secret_key, find_gpg, parse_key_blocks
from fluxsecrets.keys.pgp import PgpProvider
from fluxsecrets.keys.unlocked import Unlocked, keeping
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

VECTORS = Path(__file__).parents[1] / "vectors"
PRIMARY = "3B53DF19B9884C364821CD2F63F909A3062E2C9A"
SUBKEY = "1442747C22D3298CFB6E5ADED0A1FB7C49824F6E"
STRANGER = "0123456789ABCDEF0123456789ABCDEF01234567"
SECRET = bytes(range(32))

needs_gpg = pytest.mark.skipif(
    shutil.which("gpg") is None or shutil.which("gpgconf") is None or sys.platform == "win32",
    reason="gpg is not on PATH (or this is Windows): nothing is tried with a real gpg",
)
needs_scripts = pytest.mark.skipif(
    sys.platform == "win32", reason="the fake gpg is a script, which Windows does not start"
)
needs_sops = pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH")


class Keyring:
    """A GNUPGHOME of its own."""

    def __init__(self, home):
        self.home = home

    @property
    def environ(self):
        return {"PATH": os.environ["PATH"], "GNUPGHOME": str(self.home), "HOME": str(self.home)}

    def provider(self, **options):
        return PgpProvider(self.environ, **options)

    def gpg(self, *args, data=b""):
        done = subprocess.run(
            ["gpg", "--batch", *args],
            input=data,
            env=self.environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def make(self, name, *usage, passphrase="", before=()):
        """Make a key and give its fingerprint."""
        secret = ("--passphrase", passphrase, "--pinentry-mode", "loopback")
        self.gpg(*before, *secret, "--quick-gen-key", f"{name} (throw-away test key)", *usage)
        return self.fingerprints(name)[0]

    def fingerprints(self, name):
        listing = self.gpg("--with-colons", "--list-keys", name).decode()
        return [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")]

    def encrypt(self, *args, data=SECRET):
        return self.gpg("--armor", "--trust-model", "always", *args, data=data).decode().strip()

    def stop(self):
        subprocess.run(
            ["gpgconf", "--kill", "all"], env=self.environ, capture_output=True, timeout=60, check=True
        )


@pytest.fixture(scope="session")
def _keyrings():
    """Makes keyrings. Sockets of gpg-agent have short paths only, so pytest's own folders do not do."""
    made = []

    def make(agent=""):
        home = Path(tempfile.mkdtemp(prefix="fs-gpg-"))
        (home / "gpg-agent.conf").write_text(f"s2k-count 65536\n{agent}", encoding="utf-8")
        made.append(Keyring(home))
        return made[-1]

    yield make
    for keyring in made:
        keyring.stop()
        shutil.rmtree(keyring.home, ignore_errors=True)


@pytest.fixture(scope="session")
def mine(_keyrings):
    """A keyring with the throw-away secret key of the vectors."""
    keyring = _keyrings()
    keyring.gpg("--import", str(VECTORS / "keys" / "pgp.asc"))
    return keyring


@pytest.fixture(scope="session")
def theirs(_keyrings):
    """A keyring with the public half of that key, and a throw-away secret key of its own."""
    keyring = _keyrings()
    keyring.make("stranger", "future-default", "default", "never")
    private = (VECTORS / "keys" / "pgp.asc").read_bytes()
    keyring.gpg("--import", data=private)
    keyring.gpg("--yes", "--delete-secret-keys", PRIMARY)
    return keyring


@pytest.fixture(scope="session")
def useless(_keyrings):
    """A keyring with throw-away keys that cannot be encrypted for; their fingerprints by what is wrong."""
    keyring = _keyrings()
    past = ("--faked-system-time", "20200101T000000")
    made = {
        "expired": keyring.make("expired", "future-default", "default", "1y", before=past),
        "revoked": keyring.make("revoked", "future-default", "default", "never"),
        "disabled": keyring.make("disabled", "future-default", "default", "never"),
        "signs": keyring.make("signs", "ed25519", "sign", "never"),
    }
    certificate = (keyring.home / "openpgp-revocs.d" / f"{made['revoked']}.rev").read_text(encoding="utf-8")
    keyring.gpg("--import", data=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    subprocess.run(
        ["gpg", "--no-tty", "--command-fd", "0", "--edit-key", made["disabled"]],
        input=b"disable\nsave\n", env=keyring.environ, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return keyring, made


PINENTRY = """\
import sys
from pathlib import Path
here = Path(__file__).parent
print("OK", flush=True)
for line in sys.stdin:
    word = line.split()[0]
    if word == "GETPIN":
        with (here / "asked").open("a") as log:
            log.write("x")
        answer = (here / "answer").read_text()
        if answer == "cancel":
            print("ERR 83886179 cancelled", flush=True)
            continue
        print("D " + answer)
    print("OK", flush=True)
    if word == "BYE":
        break
"""


class Locked(Keyring):
    """A keyring whose only throw-away key has a passphrase, and a pinentry that answers as told."""

    def answers(self, text):
        self.stop()  # forgets passphrases
        (self.home / "answer").write_text(text, encoding="utf-8")
        (self.home / "asked").write_text("", encoding="utf-8")

    @property
    def asked(self):
        return len((self.home / "asked").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def locked(_keyrings):
    keyring = Locked(_keyrings().home)
    keyring.fingerprint = keyring.make("locked", "ed25519", "cert", "never", passphrase="right")
    secret = ("--passphrase", "right", "--pinentry-mode", "loopback")
    keyring.gpg(*secret, "--quick-add-key", keyring.fingerprint, "cv25519", "encr", "never")
    script(keyring.home / "pinentry", PINENTRY)
    with (keyring.home / "gpg-agent.conf").open("a", encoding="utf-8") as file:
        file.write(f"pinentry-program {keyring.home}/pinentry\n")
    return keyring


def script(path, text):
    path.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
    path.chmod(0o755)
    return path


FAKE = """\
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
told = json.loads((here / "told.json").read_text())
with (here / "calls.jsonl").open("a") as log:
    log.write(json.dumps({"args": sys.argv[1:], "env": dict(os.environ)}) + "\\n")
listing = [told[word] for word in sys.argv if word in told]
reply = listing[0] if listing else told["else"]
if reply.get("read", True):
    sys.stdin.buffer.read()
sys.stdout.write(reply.get("out", "") * reply.get("times", 1))
sys.stdout.flush()
for line in reply.get("status", []):
    sys.stderr.write("[GNUPG:] " + line + "\\n")
sys.stderr.write(reply.get("log", ""))
sys.stderr.flush()
time.sleep(reply.get("sleep", 0))
sys.exit(reply.get("code", 0))
"""


class FakeGpg:
    def __init__(self, folder):
        self.folder = folder
        self.path = script(folder / "gpg", FAKE)
        self.environ = {"SOPS_GPG_EXEC": str(self.path)}
        self.tell()

    def tell(self, listing="", *, list_code=0, **reply):
        """Say what is printed for a listing, and for everything else."""
        listing = {"out": listing, "code": list_code}
        told = {"--list-keys": listing, "--list-secret-keys": listing, "else": reply}
        (self.folder / "told.json").write_text(json.dumps(told), encoding="utf-8")

    def tell_of(self, option, **reply):
        """Say what is printed for one option more."""
        path = self.folder / "told.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), option: reply}), encoding="utf-8")

    @property
    def calls(self):
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def provider(self, **options):
        return PgpProvider(self.environ, **options)


@pytest.fixture
def fake(tmp_path):
    return FakeGpg(tmp_path)


LISTING = f"""\
sec:u:255:22:{PRIMARY[-16:]}:1:::u:::scESC:::+:::23::0:
fpr:::::::::{PRIMARY}:
ssb:u:255:18:{SUBKEY[-16:]}:1::::::e:::+:::23:
fpr:::::::::{SUBKEY}:
"""


def message(*fingerprints):
    """An armoured message for keys; nothing could open it."""
    keys = b"".join(b"\xc1\x0d\x03" + bytes.fromhex(one[-16:]) + bytes(4) for one in fingerprints)
    text = base64.b64encode(keys + b"\xd2\x01\x01").decode()
    return f"-----BEGIN PGP MESSAGE-----\n\n{text}\n-----END PGP MESSAGE-----"


def pgp(text=PRIMARY):
    return Recipient("pgp", text)


def wrapped(enc=None, recipient=PRIMARY):
    return WrappedKey(pgp(recipient), message(SUBKEY) if enc is None else enc)


def encrypted_vector():
    metadata = json.loads((VECTORS / "sops" / "age-and-pgp" / "encrypted.json").read_text(encoding="utf-8"))
    return metadata["sops"]["pgp"][0]["enc"]


# With a real gpg.


@needs_gpg
def test_files_that_sops_encrypted_open(mine, environment, monkeypatch):
    monkeypatch.setenv("GNUPGHOME", str(mine.home))
    folder = VECTORS / "sops"
    assert fluxsecrets.load(folder / "pgp" / "encrypted.yaml") == yaml.safe_load(
        (folder / "pgp" / "decrypted.yaml").read_text(encoding="utf-8")
    )
    assert fluxsecrets.load(folder / "age-and-pgp" / "encrypted.json") == json.loads(
        (folder / "age-and-pgp" / "decrypted.json").read_text(encoding="utf-8")
    )


@needs_gpg
def test_without_the_key_the_message_says_what_was_tried(theirs, environment, monkeypatch):
    monkeypatch.setenv("GNUPGHOME", str(theirs.home))
    with pytest.raises(DataKeyError) as caught:
        fluxsecrets.load(VECTORS / "sops" / "pgp" / "encrypted.yaml")
    assert caught.value.details == (
        "group 1",
        f"  pgp {PRIMARY}  not among your secret keys",
        "looked in: GNUPGHOME (1 secret key)",
    )


@needs_gpg
def test_a_wrapped_key_has_the_form_that_sops_writes(mine):
    then = datetime(2026, 11, 23, 15, 35, 11, 999, tzinfo=timezone(timedelta(hours=1)))
    key = mine.provider(now=lambda: then).wrap(pgp(), SECRET)
    assert key.recipient == pgp()
    assert key.created_at == "2026-11-23T14:35:11Z"
    assert key.enc.startswith("-----BEGIN PGP MESSAGE-----\n\n")
    assert key.enc.endswith("\n-----END PGP MESSAGE-----")
    assert "\r" not in key.enc
    assert mine.provider().unwrap(key) == SECRET


@needs_gpg
@pytest.mark.parametrize(
    ("spelling", "kept"),
    [
        (PRIMARY.lower(), PRIMARY.lower()),
        (" ".join(PRIMARY[i : i + 4] for i in range(0, 40, 4)), PRIMARY),
        (PRIMARY[-16:], PRIMARY[-16:]),
        (SUBKEY, SUBKEY),
        (f"{SUBKEY}!", f"{SUBKEY}!"),
        (f"0x{PRIMARY}", f"0x{PRIMARY}"),
    ],
)
def test_every_spelling_that_sops_takes_is_taken(theirs, mine, spelling, kept):
    key = theirs.provider().wrap(pgp(spelling), bytes(33))
    assert key.recipient == pgp(kept)
    assert mine.provider().unwrap(key) == bytes(33)


@needs_gpg
def test_encrypting_needs_no_trust_and_leaves_the_trust_database_alone(theirs):
    database = theirs.home / "trustdb.gpg"
    before = database.read_bytes() if database.exists() else None
    theirs.provider().wrap(pgp(), SECRET)
    assert (database.read_bytes() if database.exists() else None) == before


@needs_gpg
@pytest.mark.parametrize(
    ("which", "match", "hint"),
    [
        ("expired", "expired on 2020-12-31", "--quick-set-expire"),
        ("revoked", "was revoked by its holder", "replace the fingerprint"),
        ("disabled", "is disabled in your keyring", "enable save"),
        ("signs", "cannot be used to encrypt: it has no subkey for that", "--quick-add-key"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_what_to_do(useless, which, match, hint):
    keyring, made = useless
    with pytest.raises(RecipientError, match=match) as caught:
        keyring.provider().wrap(pgp(made[which]), SECRET)
    assert made[which] in caught.value.message
    assert hint in caught.value.hint


@needs_gpg
def test_exactly_a_key_that_only_signs_is_refused_by_gpg(mine):
    with pytest.raises(RecipientError, match="gpg does not encrypt for the PGP key") as caught:
        mine.provider().wrap(pgp(f"{PRIMARY}!"), SECRET)
    assert caught.value.details


@needs_gpg
def test_a_key_that_is_not_in_the_keyring_is_refused(mine):
    with pytest.raises(RecipientError, match=f"{STRANGER} is not in gpg's keyring") as caught:
        mine.provider().wrap(pgp(STRANGER), SECRET)
    assert "gpg --import" in caught.value.hint


@pytest.fixture
def fresh(_keyrings):
    """A keyring without keys."""
    return _keyrings()


@needs_gpg
def test_the_hint_about_a_key_that_is_not_there_works_as_printed(theirs, fresh, tmp_path):
    number = theirs.fingerprints("stranger")[0]
    with pytest.raises(RecipientError) as caught:
        fresh.provider().wrap(pgp(number), SECRET)
    export, import_ = re.findall(r"`(gpg [^`]+)`", caught.value.hint)
    for keyring, command in ((theirs, export), (fresh, import_)):
        subprocess.run(
            ["sh", "-c", command],
            env=keyring.environ,
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=True,
        )
    enc = fresh.provider().wrap(pgp(number), SECRET)
    assert theirs.provider().unwrap(enc) == SECRET


@needs_gpg
def test_a_hidden_recipient_is_found_by_trying(mine, theirs):
    enc = theirs.encrypt("--encrypt", "--hidden-recipient", PRIMARY)
    assert mine.provider().unwrap(wrapped(enc)) == SECRET
    provider = theirs.provider()
    assert provider.unwrap(wrapped(enc)) == NotMine("not among your secret keys")
    own = theirs.encrypt("--encrypt", "--hidden-recipient", theirs.fingerprints("stranger")[0])
    assert provider.unwrap(wrapped(own)) == SECRET


@needs_gpg
@pytest.mark.parametrize("offset", [20, 200, -40, -2])
def test_a_damaged_message_is_no_missing_key(mine, offset):
    lines = encrypted_vector().split("\n")
    data = bytearray(base64.b64decode("".join(lines[2:-2])))
    data[offset] ^= 1
    broken = "\n".join([*lines[:2], base64.b64encode(data).decode(), lines[-1]])
    with pytest.raises(IntegrityError, match="damaged") as caught:
        mine.provider().unwrap(wrapped(broken))
    assert caught.value.hint


@needs_gpg
def test_messages_that_need_no_key_are_refused(mine):
    plain = mine.encrypt("--store")
    secret = mine.encrypt("--symmetric", "--passphrase", "x", "--pinentry-mode", "loopback")
    for enc, match in ((plain, "not an encrypted message"), (secret, "protected by a passphrase")):
        with pytest.raises(IntegrityError, match=match):
            mine.provider().unwrap(wrapped(enc))


@needs_gpg
def test_a_message_that_unpacks_to_far_too_much_is_refused(mine):
    enc = mine.encrypt("--encrypt", "--recipient", PRIMARY, data=bytes(5_000_000))
    with pytest.raises(IntegrityError, match="more than a key"):
        mine.provider().unwrap(wrapped(enc))


@needs_gpg
def test_own_recipients_are_told_in_every_spelling(mine, theirs):
    provider = mine.provider()
    for number in (PRIMARY, SUBKEY):
        for text in (number, number.lower(), f"{number}!", number[-16:], number[-16:].lower()):
            assert provider.owns(pgp(text)), text
    assert not provider.owns(pgp("A" * 40))
    assert not provider.owns(pgp("no fingerprint"))
    assert not theirs.provider().owns(pgp(PRIMARY))


@needs_gpg
def test_a_locked_key_opens_with_its_passphrase(locked):
    locked.answers("right")
    provider = locked.provider()
    key = provider.wrap(pgp(locked.fingerprint), SECRET)
    assert locked.asked == 0
    assert provider.unwrap(key) == SECRET
    assert locked.asked == 1


@needs_gpg
@pytest.mark.parametrize(
    ("answer", "match"), [("cancel", "prompt .* was cancelled"), ("wrong", "passphrase or PIN .* was wrong")]
)
def test_a_refused_passphrase_is_said_and_not_asked_for_again(locked, answer, match):
    locked.answers(answer)
    provider = locked.provider()
    for _ in range(2):
        key = provider.wrap(pgp(locked.fingerprint), SECRET)
        with pytest.raises(IdentityError, match=match) as caught:
            provider.unwrap(key)
        assert caught.value.hint
    assert locked.asked == (1 if answer == "cancel" else 3)


@needs_gpg
@needs_sops
def test_sops_reads_what_is_wrapped_here(mine, environment, monkeypatch, tmp_path):
    monkeypatch.setenv("GNUPGHOME", str(mine.home))
    (tmp_path / ".sops.yaml").write_text(f"creation_rules:\n  - pgp: {PRIMARY}\n", encoding="utf-8")
    file = tmp_path / "secret.yaml"
    file.write_bytes(fluxsecrets.encrypt(b"password: throwaway\n", path=file))
    command = ["sops", "decrypt", file.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (b"password: throwaway\n", 0), done.stderr.decode()


@needs_gpg
@needs_sops
def test_what_sops_wraps_is_read_here(mine, environment, monkeypatch, tmp_path):
    monkeypatch.setenv("GNUPGHOME", str(mine.home))
    file = tmp_path / "secret.yaml"
    file.write_text("password: throwaway\n", encoding="utf-8")
    command = ["sops", "encrypt", "-i", "--pgp", PRIMARY, file.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert fluxsecrets.load(file) == {"password": "throwaway"}


# Without one.

MALFORMED = [
    "", "-", "--output=/tmp/x", "-rALICE", f"-{PRIMARY}", "alice@example.com", PRIMARY[:39], PRIMARY + "0",
    PRIMARY[-8:], f"{PRIMARY}\n", f"{PRIMARY}\0", f"{PRIMARY}!!", "G" * 40, "０" * 40, f"{PRIMARY},{SUBKEY}",
]  # fmt: skip


@needs_scripts
@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_fingerprint_never_reaches_gpg(fake, text):
    provider = fake.provider()
    for action in (provider.check, lambda recipient: provider.wrap(recipient, SECRET)):
        with pytest.raises(RecipientError, match="not the fingerprint of a PGP key") as caught:
            action(pgp(text))
        assert caught.value.hint
        assert not text.strip() or text not in str(caught.value)
    assert fake.calls == []


@needs_scripts
@pytest.mark.parametrize("text", MALFORMED)
def test_decrypting_passes_nothing_of_the_file_as_an_argument(fake, text):
    fake.tell(out="k" * 32, status=["DECRYPTION_OKAY"])
    assert fake.provider().unwrap(wrapped(recipient=text)) == b"k" * 32
    assert [call["args"] for call in fake.calls] == [["--status-fd", "2", "--skip-verify", "--decrypt"]]


def test_checking_a_recipient_needs_no_gpg():
    make_providers({})["pgp"].check(pgp())


def test_without_gpg_nothing_is_mine_and_wrapping_says_what_to_install(tmp_path):
    for environ, said in (
        ({"PATH": str(tmp_path)}, "gpg is not installed"),
        ({"PATH": ""}, "gpg is not installed"),
        ({"SOPS_GPG_EXEC": str(tmp_path / "gpg2")}, "the gpg that SOPS_GPG_EXEC names is not there"),
    ):
        provider = make_providers(environ)["pgp"]
        assert provider.looked_in() == ()
        assert provider.unwrap(wrapped()) == NotMine(said)
        assert provider.looked_in()[0].endswith(f"({said})")
        assert not provider.owns(pgp())
        with pytest.raises(RecipientError, match=said) as caught:
            provider.wrap(pgp(), SECRET)
        assert "SOPS_GPG_EXEC" in caught.value.hint


@needs_scripts
def test_a_gpg_in_the_working_directory_is_not_run(fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_gpg({"PATH": os.pathsep.join(["", "."])}) is None
    assert find_gpg({"PATH": str(tmp_path)}) == str(fake.path)
    assert find_gpg({"SOPS_GPG_EXEC": "./gpg"}) == str(fake.path)
    fake.path.rename(tmp_path / "gpg2")
    assert find_gpg({"PATH": str(tmp_path), "SOPS_GPG_EXEC": "gpg2"}) == str(tmp_path / "gpg2")


@needs_scripts
def test_who_has_no_keyring_gets_none_made(fake, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    for environ, place in (
        ({"HOME": str(home)}, "~/.gnupg"),
        ({"HOME": str(home), "GNUPGHOME": str(home / "no")}, "GNUPGHOME"),
    ):
        provider = PgpProvider({"PATH": str(tmp_path), **environ}, platform="linux")
        assert provider.unwrap(wrapped()) == NotMine("no PGP secret key was found")
        assert not provider.owns(pgp())
        assert provider.looked_in() == (f"{place} (missing)",)
    assert fake.calls == []
    assert list(home.iterdir()) == []


@needs_scripts
def test_a_key_that_is_not_mine_is_asked_for_once(fake):
    fake.tell(LISTING, code=2, status=[f"NO_SECKEY {STRANGER[-16:]}", "DECRYPTION_FAILED"])
    provider = fake.provider()
    for _ in range(3):
        assert provider.unwrap(wrapped(message(STRANGER))) == NotMine("not among your secret keys")
    assert [call["args"][-1] for call in fake.calls] == ["--decrypt", "--list-secret-keys"]
    fake.tell(LISTING, out="k" * 32, status=["DECRYPTION_OKAY"])
    assert provider.unwrap(wrapped()) == b"k" * 32


@needs_scripts
def test_a_recipient_is_looked_up_once(fake):
    fake.tell(LISTING.replace("sec:", "pub:"), out=message(SUBKEY), status=["END_ENCRYPTION"])
    provider = fake.provider()
    for _ in range(3):
        assert provider.wrap(pgp(), SECRET).enc == message(SUBKEY)
    assert sum("--list-keys" in call["args"] for call in fake.calls) == 1
    assert fake.calls[1]["args"][-2:] == ["--recipient", PRIMARY]


@needs_scripts
@pytest.mark.parametrize(
    ("codes", "error", "match"),
    [
        ([67108875], IdentityError, "was wrong"),
        ([83886179], IdentityError, "was cancelled"),
        ([83886278], IdentityError, "was cancelled"),
        ([67108926], IdentityError, "nobody answered"),
        ([67108949], IdentityError, "pinentry does not work"),
        ([100663408], IdentityError, "smart card"),
        ([33554450], IntegrityError, "damaged"),
        ([33554450, 67108875], IdentityError, "was wrong"),
        ([67141741], IdentityError, "could not use the secret key"),
    ],
)
def test_what_the_agent_answers_is_told_apart(fake, codes, error, match):
    status = [*(f"ERROR pkdecrypt_failed {code}" for code in codes), "DECRYPTION_FAILED"]
    fake.tell(LISTING, code=2, status=status, log="gpg: public key decryption failed\n")
    with pytest.raises(error, match=match) as caught:
        fake.provider().unwrap(wrapped())
    assert caught.value.hint


@needs_scripts
@pytest.mark.parametrize(
    ("reply", "error", "match"),
    [
        (
            {"code": 2, "status": ["NEED_PASSPHRASE X X 1 0"]},
            IdentityError,
            "could not ask for the passphrase",
        ),
        ({"code": 2, "status": ["DECRYPTION_KEY X X -"]}, IntegrityError, "damaged"),
        ({"code": 2, "status": ["BADMDC"]}, IntegrityError, "damaged"),
        ({"code": 2, "status": ["NODATA 3"]}, IntegrityError, "cannot read it"),
        ({"code": 0, "status": ["DECRYPTION_OKAY"]}, IntegrityError, "damaged"),
        ({"code": 2, "log": "gpg: bad option\n"}, IdentityError, "ended with exit code 2"),
        ({"code": 0, "out": "k" * 32}, IdentityError, "gpg does not work"),
        ({"code": 2, "out": "k" * 32, "status": ["DECRYPTION_OKAY"]}, IntegrityError, "damaged"),
        ({"out": "k" * 4096, "times": 99, "status": ["DECRYPTION_OKAY"]}, IntegrityError, "more than a key"),
    ],
)
def test_a_failed_decryption_gives_no_key(fake, reply, error, match):
    fake.tell(LISTING, **reply)
    with pytest.raises(error, match=match) as caught:
        fake.provider().unwrap(wrapped())
    assert caught.value.hint
    assert "k" * 32 not in repr(vars(caught.value))


@needs_scripts
def test_an_agent_that_cannot_be_reached_is_no_missing_key(fake):
    fake.tell(list_code=2, code=2, status=[f"NO_SECKEY {SUBKEY[-16:]}"])
    provider = fake.provider()
    with pytest.raises(IdentityError, match="cannot read its secret keys"):
        provider.unwrap(wrapped())
    assert not provider.owns(pgp())
    assert "could not list" in provider.looked_in()[0]


@needs_scripts
def test_a_gpg_that_never_ends_is_ended_and_not_waited_for_again(fake):
    fake.tell(sleep=600)
    provider = fake.provider(timeout=0.5)
    for _ in range(2):
        with pytest.raises(IdentityError, match="did not answer within") as caught:
            provider.unwrap(wrapped())
        assert "prompt" in caught.value.hint
    assert len(fake.calls) <= 1


@needs_scripts
def test_a_gpg_that_reads_nothing_is_no_trouble(fake):
    fake.tell(read=False, out="k" * 32, status=["DECRYPTION_OKAY"])
    enc = message(SUBKEY).replace("\n\n", "\nComment: " + "x" * 60_000 + "\n\n", 1)
    assert fake.provider().unwrap(wrapped(enc)) == b"k" * 32


@needs_scripts
@pytest.mark.parametrize(
    ("reply", "match"),
    [
        ({"code": 2, "status": ["INV_RECP 10 X"], "log": "gpg: no\x1b[31m\n"}, "ended with exit code 2"),
        ({"out": message(SUBKEY)}, "does not encrypt"),
        ({"out": "", "status": ["END_ENCRYPTION"]}, "did not give an encrypted message"),
        ({"out": message(SUBKEY, STRANGER), "status": ["END_ENCRYPTION"]}, "encrypted for keys other than"),
        ({"out": message(STRANGER), "status": ["END_ENCRYPTION"]}, "encrypted for keys other than"),
        ({"out": "x" * 70_000, "status": ["END_ENCRYPTION"]}, "wrote too much"),
    ],
)
def test_what_gpg_gives_is_checked_before_it_is_used(fake, reply, match):
    fake.tell(LISTING, **reply)
    with pytest.raises(RecipientError, match=match) as caught:
        fake.provider().wrap(pgp(), SECRET)
    assert caught.value.hint
    assert all(line.isprintable() for line in caught.value.details)


@needs_scripts
def test_a_key_id_that_stands_for_two_keys_is_refused(fake):
    fake.tell(LISTING + LISTING)
    with pytest.raises(RecipientError, match="stands for 2 PGP keys"):
        fake.provider().wrap(pgp(PRIMARY[-16:]), SECRET)


@needs_scripts
@pytest.mark.parametrize(("letter", "match"), [("e", "expired"), ("r", "was revoked")])
def test_a_key_whose_only_subkey_that_encrypts_is_lost_is_refused(fake, letter, match):
    fake.tell(LISTING.replace("ssb:u", f"sub:{letter}").replace("scESC", "scSC"))
    with pytest.raises(RecipientError, match=f"its subkey for that {match}"):
        fake.provider().wrap(pgp(), SECRET)


@needs_scripts
def test_a_broken_gpg_is_said_to_be_one(fake):
    fake.path.write_text("#!/nonexistent/python\n", encoding="utf-8")
    with pytest.raises(IdentityError, match="could not be started"):
        fake.provider().unwrap(wrapped())
    with pytest.raises(RecipientError, match="could not look up"):
        fake.provider().wrap(pgp(), SECRET)


@needs_scripts
def test_the_agent_gets_the_terminal_but_no_other_keys(fake):
    fake.tell(out="k" * 32, status=["DECRYPTION_OKAY"])
    environ = {**fake.environ, "GPG_TTY": "/dev/pts/7", "GNUPGHOME": "/g", "SOPS_AGE_KEY": "throw-away"}
    provider = PgpProvider(environ)
    provider.unwrap(wrapped())
    seen = fake.calls[0]["env"]
    assert (seen["GPG_TTY"], seen["GNUPGHOME"]) == ("/dev/pts/7", "/g")
    assert "SOPS_AGE_KEY" not in seen
    assert "throw-away" not in repr(provider)


@needs_scripts
def test_a_worker_process_knows_what_was_found_out_before(fake):
    fake.tell(LISTING, code=2, status=[f"NO_SECKEY {SUBKEY[-16:]}"])
    provider = fake.provider()
    answer = provider.unwrap(wrapped())
    calls = len(fake.calls)
    assert pickle.loads(pickle.dumps(provider)).unwrap(wrapped()) == answer
    assert len(fake.calls) == calls


def test_offline_primary_keys_and_cards_count_as_secret_keys():
    offline = LISTING.replace("scESC:::+", "scESC:::#")
    (block,) = parse_key_blocks(offline.encode())
    assert block.secret
    (block,) = parse_key_blocks(offline.replace("e:::+", "e:::#").encode())
    assert not block.secret
    (block,) = parse_key_blocks(offline.replace("e:::+", "e:::D2760001240102010006").encode())
    assert block.secret


@pytest.mark.parametrize("listing", [b"", b"\n:::\n", b"fpr:::::::::X:\n", b"pub:u\nsub:u\n", b"\xff\xfe\0"])
def test_rubbish_in_a_listing_is_no_key(listing):
    assert parse_key_blocks(listing) == ()


def test_the_time_is_in_utc():
    from fluxsecrets.keys.pgp import utc_now

    assert utc_now().tzinfo is UTC


# Exporting a secret key.


@pytest.fixture
def another(_keyrings):
    """A keyring with nothing in it."""
    return _keyrings()


@needs_gpg
def test_a_secret_key_is_exported_and_opens_elsewhere(mine, another):
    text, protected = export_secret_key(mine.environ, PRIMARY)
    assert text.startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----\n")
    assert text.rstrip().endswith("-----END PGP PRIVATE KEY BLOCK-----")
    assert protected is False
    another.gpg("--import", data=text.encode())
    assert another.provider().unwrap(mine.provider().wrap(pgp(), SECRET)) == SECRET


@needs_gpg
def test_a_passphrase_that_stays_on_an_exported_key_is_told(locked):
    locked.answers("right")
    text, protected = export_secret_key(locked.environ, locked.fingerprint)
    assert text.startswith("-----BEGIN PGP PRIVATE KEY BLOCK-----\n")
    assert protected is True


@needs_gpg
def test_a_secret_key_that_is_not_there_is_not_exported(theirs):
    with pytest.raises(IdentityError, match=f"gpg did not export the secret key {PRIMARY}") as caught:
        export_secret_key(theirs.environ, PRIMARY)
    assert "gpg --list-secret-keys" in caught.value.hint


def test_nothing_is_exported_without_gpg(tmp_path):
    with pytest.raises(IdentityError, match="gpg is not installed") as caught:
        export_secret_key({"PATH": str(tmp_path)}, PRIMARY)
    assert "SOPS_GPG_EXEC" in caught.value.hint


ARMOURED = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nthrow-away\n-----END PGP PRIVATE KEY BLOCK-----\n"


@needs_scripts
@pytest.mark.parametrize(
    ("packets", "protected"),
    [
        # What GnuPG 2.2 and 2.4 list for the throw-away key of the vectors, and for one with a passphrase
        (
            ":secret key packet:\n\tversion 4, algo 22, created 1, expires 0\n\tskey[2]: [v4 protected]\n",
            True,
        ),
        (":secret key packet:\n\tversion 4\n\titer+salt S2K, algo: 7, SHA1 protection, hash: 2\n", True),
        (":secret key packet:\n\tversion 4\n\tskey[2]: [255 bits]\n\tchecksum: 0f1e\n", False),
        # What cannot be told counts as protected
        ("", True),
        (":public key packet:\n\tversion 4\n", True),
    ],
)
def test_whether_a_passphrase_protects_a_key_is_told_from_its_packets(fake, packets, protected):
    fake.tell_of("--export-secret-keys", out=ARMOURED)
    fake.tell_of("--list-packets", out=packets)
    assert export_secret_key(fake.environ, PRIMARY) == (ARMOURED, protected)
    export, listing = fake.calls
    assert export["args"][-2:] == ["--export-secret-keys", PRIMARY]
    assert listing["args"][-1] == "--list-packets"


@needs_scripts
@pytest.mark.parametrize("out", ["", "gpg: no\n", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"])
def test_what_is_no_secret_key_is_not_handed_on(fake, out):
    fake.tell_of("--export-secret-keys", out=out, log="gpg: no such key\n")
    with pytest.raises(IdentityError, match="did not export the secret key"):
        export_secret_key(fake.environ, PRIMARY)
    assert len(fake.calls) == 1


# What gpg opened, kept.


@pytest.fixture
def brief(_keyrings):
    """A keyring with that secret key, for a test that deletes it."""
    keyring = _keyrings()
    keyring.gpg("--import", str(VECTORS / "keys" / "pgp.asc"))
    return keyring


@needs_gpg
def test_what_gpg_opened_is_kept_until_the_keyring_changes(brief, theirs):
    keyring = brief
    key, other = (theirs.provider().wrap(pgp(), secret) for secret in (SECRET, bytes(33)))
    kept = Unlocked()
    with keeping(kept):
        assert keyring.provider().unwrap(key) == SECRET
        assert keyring.provider().unwrap(other) == bytes(33)
    assert kept.counts == {"PGP": 2}
    kept.asks = False
    with keeping(kept):
        assert keyring.provider().unwrap(key) == SECRET
        assert keyring.provider().unwrap(other) == bytes(33)
        again = theirs.provider()
        with pytest.raises(NeedsPersonError):
            again.wrap(pgp(), SECRET)
    changed = replace(key, enc=other.enc.replace("\n", "\n\n", 1))
    with keeping(kept), pytest.raises(NeedsPersonError):
        keyring.provider().unwrap(changed)
    keyring.gpg("--yes", "--delete-secret-keys", PRIMARY)
    with keeping(kept), pytest.raises(NeedsPersonError):
        keyring.provider().unwrap(key)


@needs_gpg
def test_that_gpg_lacks_a_key_is_kept_too_until_the_keyring_changes(_keyrings, mine, theirs):  # noqa: PT019
    """Files for many people are tried with all of their keys."""
    key = mine.provider().wrap(pgp(), SECRET)
    empty = _keyrings()
    for keyring, reason in ((theirs, "not among your secret keys"), (empty, "no PGP secret key was found")):
        kept = Unlocked()
        with keeping(kept):
            assert keyring.provider().unwrap(key) == NotMine(reason)
        kept.asks = False
        with keeping(kept):
            assert keyring.provider().unwrap(key) == NotMine(reason)
    empty.gpg("--import", str(VECTORS / "keys" / "pgp.asc"))
    with keeping(kept), pytest.raises(NeedsPersonError):
        empty.provider().unwrap(key)
    kept.asks = True
    with keeping(kept):
        assert empty.provider().unwrap(key) == SECRET


@needs_gpg
def test_what_gpg_opened_counts_for_this_keyring_and_this_gpg_alone(mine, theirs, environment):
    key = theirs.provider().wrap(pgp(), SECRET)
    kept = Unlocked()
    with keeping(kept):
        assert mine.provider().unwrap(key) == SECRET
    kept.asks = False
    elsewhere = {**mine.environ, "GNUPGHOME": str(theirs.home)}
    without = {**mine.environ, "PATH": "/nowhere"}
    missing = {**mine.environ, "GNUPGHOME": str(mine.home / "missing")}
    with keeping(kept):
        with pytest.raises(NeedsPersonError):
            PgpProvider(elsewhere).unwrap(key)
        # What needs nobody is answered as ever.
        assert PgpProvider(without).unwrap(key) == NotMine("gpg is not installed")
        with pytest.raises(NeedsPersonError):  # the answer would list the keys that gpg has
            mine.provider().owns(pgp())
        assert PgpProvider(missing).owns(pgp()) is False


@needs_scripts
def test_a_refusal_of_gpg_is_not_kept(fake):
    fake.tell(LISTING, code=2, status=["ERROR pkdecrypt_failed 11"])
    kept = Unlocked()
    with keeping(kept), pytest.raises(IdentityError, match="PIN"):
        fake.provider().unwrap(wrapped())
    assert not kept


@needs_scripts
def test_an_answer_of_gpg_that_is_no_data_key_is_not_kept(fake):
    fake.tell(LISTING, status=["DECRYPTION_OKAY"], out="short")
    kept = Unlocked()
    with keeping(kept):
        assert fake.provider().unwrap(wrapped()) == b"short"
    assert not kept
