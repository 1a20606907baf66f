"""`fluxsecrets rotate`: new data keys, recipients added and removed, strangers refused, kills survived."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

MANY = 64
IN_BATCHES_OF_16 = """
import sys
from fluxsecrets.ops import batches
from fluxsecrets.cli.entry import main
batches.BATCH = 16
main()
"""


@pytest.fixture
def bob(act_as):
    """Bob's public key, with alice acting again."""
    recipient = act_as("bob").recipient
    act_as("alice")
    return recipient


def ciphertexts(data):
    return set(re.findall(rb"ENC\[[^\]]*\]", data))


def rule_for(*recipients):
    return f"creation_rules:\n  - age: {','.join(recipients)}\n    encrypted_regex: ^(data|stringData)$\n"


def test_new_key_same_plain_text(encrypted, cli):
    before = encrypted.read("secret.yaml")
    result = cli("rotate", "secret.yaml")
    assert (result.exit_code, result.stderr) == (0, "1 file: 1 rotated\n")
    assert "rotated" in result.stdout
    assert not ciphertexts(before) & ciphertexts(encrypted.read("secret.yaml"))
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret


def test_layout_outside_of_ciphertexts_stays(folder, cli):
    folder.write("secret.yaml", f"# top\n\n{folder.secret}  second:   'two'   # why\n")
    cli("encrypt", "secret.yaml")

    def shape():
        text = re.sub(rb"ENC\[[^\]]*\]", b"ENC", folder.read("secret.yaml"))
        return re.sub(rb"-----BEGIN.*?END[^\n]*", b"KEY", text.partition(b"lastmodified")[0], flags=re.DOTALL)

    before = shape()
    assert cli("rotate", "secret.yaml").exit_code == 0
    assert shape() == before


@pytest.mark.parametrize("arguments", [(), ("--all", "secret.yaml"), ("--all", "--env", "staging")])
def test_what_is_meant_must_be_said_in_one_way(encrypted, cli, arguments):
    before = encrypted.files()
    result = cli("rotate", *arguments)
    assert result.exit_code == 2
    assert "name what is meant" in result.stderr
    assert encrypted.files() == before


def test_plain_file_is_an_error_if_named_and_left_out_in_a_folder(encrypted, cli):
    encrypted.write("plain.yaml")
    result = cli("rotate", "plain.yaml")
    assert result.exit_code == 2
    assert "not encrypted" in result.stderr
    result = cli("rotate", ".")
    assert result.exit_code == 0
    assert "1 secret is in plain text and left out" in result.stderr
    assert encrypted.read("plain.yaml").decode() == encrypted.secret


def test_changed_file_is_refused_and_the_others_go_on(folder, cli):
    for name in ("a.yaml", "bad.yaml", "c.yaml"):
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    bad = folder.read("bad.yaml").replace(b"name: db", b"name: hijacked")
    folder.write("bad.yaml", bad)
    before = folder.read("a.yaml")
    result = cli("rotate", ".")
    assert result.exit_code == 2
    assert "MAC" in result.stderr
    assert "3 files: 2 rotated, 1 failed" in result.stderr.replace(
        "1 failed, 2 rotated", "2 rotated, 1 failed"
    )
    assert folder.read("bad.yaml") == bad
    assert folder.read("a.yaml") != before


def test_stranger_is_refused_unless_accepted(encrypted, cli, bob):
    folder = encrypted
    folder.rules(rule_for(folder.recipient, bob))
    assert cli("recipients", "sync", "secret.yaml").exit_code == 0
    folder.rules(rule_for(folder.recipient))
    before = folder.read("secret.yaml")
    result = cli("rotate", "secret.yaml")
    assert result.exit_code == 2
    assert "in the file, not in the rule: age1wxj77awl" in result.stderr
    assert folder.read("secret.yaml") == before
    # Taking the stranger out needs no permission; keeping it does.
    assert cli("rotate", "--accept-recipients", "--dry-run", "secret.yaml").exit_code == 0
    result = cli("rotate", "--rm-age", bob, "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert bob.encode() not in folder.read("secret.yaml")
    assert "stays readable for whoever was removed" in result.stderr


def test_add_and_remove(encrypted, cli, bob, act_as):
    result = cli("rotate", "--add-age", bob, "--format", "json", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    (shown,) = json.loads(result.stdout)["files"]
    assert (shown["outcome"], len(shown["added"]), shown["removed"], shown["new_data_key"]) == (
        "rotated",
        1,
        [],
        True,
    )
    assert any("does not name" in warning for warning in shown["warnings"])
    act_as("bob")
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret
    result = cli("rotate", "--rm-age", encrypted.recipient, "--add-age", bob, "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert "also names" in result.stderr
    act_as("alice")
    assert cli("decrypt", "secret.yaml").exit_code == 2


def test_nobody_left_is_refused(encrypted, cli):
    before = encrypted.read("secret.yaml")
    result = cli("rotate", "--rm-age", encrypted.recipient, "secret.yaml")
    assert result.exit_code == 2
    assert "nobody would be left" in result.stderr
    assert encrypted.read("secret.yaml") == before


def test_removing_who_was_never_there_is_said(encrypted, cli, bob):
    result = cli("rotate", "--rm-age", bob, "secret.yaml")
    assert result.exit_code == 0
    assert "nobody was removed" in result.stderr


def test_for_others_only_is_a_warning(encrypted, cli, bob):
    result = cli("rotate", "--rm-age", encrypted.recipient, "--add-age", bob, "secret.yaml")
    assert result.exit_code == 0
    assert "none of your identities opens it" in result.stderr


def test_dry_run_writes_nothing(encrypted, cli):
    before = encrypted.files()
    result = cli("rotate", "--dry-run", ".")
    assert result.exit_code == 0
    assert "would rotate" in result.stdout
    assert encrypted.files() == before


def test_malformed_recipient_changes_nothing(encrypted, cli):
    before = encrypted.files()
    result = cli("rotate", "--add-age", "age1nonsense", "secret.yaml")
    assert result.exit_code == 2
    assert "malformed age recipient" in result.stderr
    assert encrypted.files() == before


def test_environment_with_shared_and_generated_files(waddle, cli):
    assert cli("encrypt").exit_code == 0
    before = {path: path.read_bytes() for path in waddle.rglob("*") if path.is_file()}
    result = cli("rotate", "--env", "staging", "--format", "json")
    assert result.exit_code == 0, result.stderr
    shown = {each["path"] for each in json.loads(result.stdout)["files"]}
    changed = {
        path.relative_to(waddle).as_posix()
        for path, data in before.items()
        if ".git" not in path.parts and path.read_bytes() != data
    }
    assert changed == shown
    assert "infrastructure-k8s/storage/proxmox-csi-secret.yaml" in shown
    assert not any("production" in path for path in shown)


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0,
    reason="root may write into any folder; Windows has no modes",
)
def test_folder_that_cannot_be_written(encrypted, cli):
    before = encrypted.read("secret.yaml")
    encrypted.path.chmod(0o500)
    try:
        result = cli("rotate", "secret.yaml")
    finally:
        encrypted.path.chmod(0o700)
    assert result.exit_code == 2
    assert "permission denied" in result.stderr
    assert encrypted.read("secret.yaml") == before


def test_files_that_cannot_be_replaced_fail_alone(folder, cli, monkeypatch):
    for name in ("a.yaml", "b.yaml"):
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    before = folder.read("a.yaml")
    replace = os.replace

    def no_a(source, target, **options):
        if os.fspath(target).endswith("a.yaml"):
            raise PermissionError(13, "Permission denied")
        return replace(source, target, **options)

    monkeypatch.setattr(os, "replace", no_a)
    result = cli("rotate", ".")
    assert result.exit_code == 2
    assert "permission denied" in result.stderr
    assert folder.read("a.yaml") == before
    for name in ("a.yaml", "b.yaml"):
        assert cli("decrypt", name).stdout == folder.secret


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_stopped_in_the_middle_every_file_opens(folder, cli, number):
    for each in range(MANY):
        folder.write(f"{each:03}.yaml")
    assert cli("encrypt", "-q", ".").exit_code == 0
    before = folder.read("000.yaml")
    process = subprocess.Popen(
        [sys.executable, "-c", IN_BATCHES_OF_16, "rotate", "."],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while process.poll() is None and folder.read("000.yaml") == before:
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.001)
    process.send_signal(number)
    process.communicate(timeout=60)
    states = json.loads(cli("status", "--format", "json", ".").stdout)["files"]
    assert len(states) == MANY
    assert {(state["state"], state["openable"]) for state in states} == {("encrypted", True)}
    for name in ("000.yaml", f"{MANY // 2:03}.yaml", f"{MANY - 1:03}.yaml"):
        assert cli("decrypt", name).stdout == folder.secret
    # Once more, to the end.
    assert cli("rotate", "-q", ".").exit_code == 0
    assert not [path for path in folder.files() if path.endswith(".tmp")]


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
def test_sops_reads_it(encrypted, cli, bob):
    assert cli("rotate", "--add-age", bob, "secret.yaml").exit_code == 0
    command = ["sops", "-d", "--extract", '["stringData"]["password"]', "secret.yaml"]
    done = subprocess.run(command, cwd=encrypted.path, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode() == encrypted.marker, done.stderr
