import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from fluxsecrets.errors import FileAccessError, IdentityError
from fluxsecrets.files.locks import exclusive
from fluxsecrets.keys.generate import (
    append_identity,
    default_key_file,
    generate_identity,
    identity_text,
    remove_identity,
)
from fluxsecrets.keys.keyfile import parse_keys

NOW = datetime(2026, 11, 23, 14, 35, 10, 999, tzinfo=UTC)


def held(path):
    return [one.recipient for one in parse_keys(path.read_bytes(), origin="", path="").identities]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def test_a_generated_identity_reads_back():
    identity = generate_identity(NOW)
    text = identity_text(identity)
    first, second, third, end = text.split("\n")
    assert first == "# created: 2026-11-23T14:35:10Z"
    assert second == f"# public key: {identity.recipient}"
    assert third == identity.secret
    assert end == ""
    (read,) = parse_keys(text.encode(), origin="x", path="x").identities
    assert (read.secret, read.recipient) == (identity.secret, identity.recipient)
    assert identity.secret not in repr(identity)


def test_a_post_quantum_identity_reads_back():
    identity = generate_identity(NOW, post_quantum=True)
    assert identity.recipient.startswith("age1pq1")
    (read,) = parse_keys(identity_text(identity).encode(), origin="x", path="x").identities
    assert (read.secret, read.recipient, read.kind) == (identity.secret, identity.recipient, "post-quantum")
    assert identity.secret not in repr(identity)


def test_every_identity_is_another():
    assert generate_identity(NOW).recipient != generate_identity(NOW).recipient


def test_the_time_keeps_its_zone():
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    assert generate_identity(local).created == "2026-11-23T16:35:10+02:00"


keygen = shutil.which("age-keygen")


@pytest.mark.skipif(keygen is None, reason="the age-keygen executable is not on PATH")
@pytest.mark.parametrize("post_quantum", [False, True])
def test_age_keygen_agrees_on_the_recipient(tmp_path, request, post_quantum):
    if post_quantum:
        request.getfixturevalue("postquantum_age")
    identity = generate_identity(NOW, post_quantum=post_quantum)
    path = tmp_path / "keys.txt"
    append_identity(path, identity)
    ran = subprocess.run([keygen, "-y", str(path)], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{identity.recipient}\n"


@posix
def test_a_new_key_file_is_private_and_so_are_its_folders(tmp_path):
    path = tmp_path / "sops" / "age" / "keys.txt"
    assert append_identity(path, generate_identity(NOW)) is True
    assert mode(path) == 0o600
    assert mode(path.parent) == mode(path.parent.parent) == 0o700
    assert list(path.parent.iterdir()) == [path], "no lock and no temporary file stays"


def test_identities_are_added_behind_what_is_there(tmp_path, secrets, recipients):
    path = tmp_path / "keys.txt"
    old = f"# mine\n{secrets['alice']}"
    path.write_text(old, encoding="utf-8")
    identity = generate_identity(NOW)
    append_identity(path, identity)
    assert path.read_text(encoding="utf-8") == f"{old}\n{identity_text(identity)}"
    assert held(path) == [recipients["alice"], identity.recipient]


def test_an_identity_is_added_once(tmp_path):
    path = tmp_path / "keys.txt"
    identity = generate_identity(NOW)
    append_identity(path, identity)
    before = path.read_bytes()
    assert append_identity(path, identity) is False
    assert path.read_bytes() == before


@posix
def test_an_open_key_file_is_closed_to_others(tmp_path, secrets):
    path = tmp_path / "keys.txt"
    path.write_text(secrets["alice"], encoding="utf-8")
    path.chmod(0o644)
    append_identity(path, generate_identity(NOW))
    assert mode(path) == 0o600


@posix
def test_a_link_stays_a_link(tmp_path):
    real = tmp_path / "real.txt"
    real.write_text("# mine\n", encoding="utf-8")
    link = tmp_path / "keys.txt"
    link.symlink_to(real)
    identity = generate_identity(NOW)
    append_identity(link, identity)
    assert link.is_symlink()
    assert held(real) == [identity.recipient]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("password: hunter2\n", "keys.txt:1: this line is not an age identity"),
        ("age-encryption.org/v1\n-> scrypt x 18\n", "protected by a passphrase"),
        ("-----BEGIN AGE ENCRYPTED FILE-----\n", "protected by a passphrase"),
        ("#" * (1 << 20) + "#", "larger than"),
    ],
)
def test_what_is_no_key_file_is_left_alone(tmp_path, hidden, content, message):
    path = tmp_path / "keys.txt"
    path.write_text(content, encoding="utf-8")
    identity = generate_identity(NOW)
    with pytest.raises(IdentityError, match=message) as caught:
        append_identity(path, identity)
    hidden(caught.value, identity.secret, "hunter2")
    assert path.read_text(encoding="utf-8") == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_with_other_kinds_is_added_to(tmp_path, secrets):
    path = tmp_path / "keys.txt"
    path.write_text(f"{secrets['postquantum']}\n", encoding="utf-8")
    assert append_identity(path, generate_identity(NOW)) is True
    assert path.read_text(encoding="utf-8").startswith(secrets["postquantum"])


def test_two_runs_at_once_do_not_lose_a_key(tmp_path, monkeypatch):
    path = tmp_path / "keys.txt"
    append_identity(path, generate_identity(NOW))
    before = path.read_bytes()
    lock = tmp_path / "keys.txt.lock"
    identity = generate_identity(NOW)
    monkeypatch.setattr("fluxsecrets.files.locks.time.monotonic", iter(range(0, 1_000, 6)).__next__)
    with exclusive(lock):
        with pytest.raises(FileAccessError, match="another run"):
            append_identity(path, identity)
        assert path.read_bytes() == before
        assert lock.exists(), "the lock of another run is not taken away"


def test_a_lock_that_a_killed_run_left_keeps_nobody_out(tmp_path):
    path = tmp_path / "keys.txt"
    (tmp_path / "keys.txt.lock").touch()
    assert append_identity(path, generate_identity(NOW)) is True
    assert [file.name for file in tmp_path.iterdir()] == ["keys.txt"]


def test_a_file_that_cannot_be_written_is_an_error_without_the_key(tmp_path, hidden):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    identity = generate_identity(NOW)
    for path in (tmp_path / "file" / "keys.txt", tmp_path):
        with pytest.raises(FileAccessError, match=r"cannot be read|cannot write") as caught:
            append_identity(path, identity)
        hidden(caught.value, identity.secret)


def test_the_default_key_file_is_the_one_of_sops():
    home = Path("/home/ada")
    assert default_key_file({}, "linux", home) == home / ".config/sops/age/keys.txt"
    assert default_key_file({"XDG_CONFIG_HOME": "/c"}, "linux", home) == Path("/c/sops/age/keys.txt")
    assert default_key_file({}, "darwin", home) == home / "Library/Application Support/sops/age/keys.txt"
    assert default_key_file({"APPDATA": "C:/R"}, "win32", None) == Path("C:/R/sops/age/keys.txt")


@pytest.mark.parametrize(("platform", "name"), [("linux", "HOME"), ("win32", "APPDATA")])
def test_without_a_home_there_is_no_default_key_file(platform, name):
    with pytest.raises(IdentityError, match="the location of the key file is unknown") as caught:
        default_key_file({}, platform, None)
    assert name in caught.value.hint


def test_an_identity_is_taken_out_with_its_comments_and_the_rest_stays(tmp_path, secrets, recipients):
    path = tmp_path / "keys.txt"
    first, second = generate_identity(NOW), generate_identity(NOW)
    kept = f"# my keys\r\n{secrets['alice']}\r\n\r\n# for work\r\n"
    path.write_bytes(f"{kept}{identity_text(first)}\n{identity_text(second)}".encode())
    assert remove_identity(path, first.recipient) is True
    assert path.read_bytes().decode() == f"{kept}\n{identity_text(second)}"
    assert remove_identity(path, first.recipient) is False
    assert held(path) == [recipients["alice"], second.recipient]
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_file_without_any_identity_is_deleted(tmp_path):
    path = tmp_path / "keys.txt"
    identity = generate_identity(NOW)
    append_identity(path, identity)
    assert remove_identity(path, identity.recipient) is True
    assert list(tmp_path.iterdir()) == []
    assert remove_identity(path, identity.recipient) is False


@pytest.mark.parametrize("content", ["age-encryption.org/v1\n-> scrypt x 18\n", "rubbish\n"])
def test_nothing_is_taken_out_of_what_is_not_understood(tmp_path, content):
    path = tmp_path / "keys.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(IdentityError):
        remove_identity(path, "age1x")
    assert path.read_text(encoding="utf-8") == content
