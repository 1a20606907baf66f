"""`fluxsecrets rotate`: new data keys, recipients added and removed, strangers refused, kills survived."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode

import pytest

MANY = 64
STOPPED_AFTER_16 = """
import time
from fluxsecrets.ops.run import settling
from fluxsecrets.cli.entry import main
settling.BATCH = 16
real, calls = settling.write_batch, []
def stopping(writes):
    calls.append(writes)
    if len(calls) == 2:
        time.sleep(60)
    return real(writes)
settling.write_batch = stopping
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
    assert "name the files" in result.stderr
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
    assert "stay readable for anyone who was removed" in result.stderr


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
    assert "none of your identities can decrypt the result" in result.stderr


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


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "permission denied"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
    ],
)
def test_where_one_cannot_be_replaced_all_are_taken_back(folder, cli, monkeypatch, number, said):
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    before = folder.files()
    from fluxsecrets.files import writing

    swap_in = writing.swap_in

    def no_b(temp, path, expected):
        if path.name == "b.yaml":
            raise OSError(number, "no")
        swap_in(temp, path, expected)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "swap_in", no_b)
        result = cli("rotate", ".")
    assert result.exit_code == 2
    assert f"b.yaml: cannot be written: {said} (3 files failed because of this)" in result.stderr
    assert "3 files: 3 failed" in result.stderr
    assert folder.files() == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "end"),
    [(signal.SIGKILL, "--resume"), (signal.SIGTERM, "--resume"), (signal.SIGKILL, "--abort")],
)
def test_stopped_in_the_middle_every_file_opens_and_it_can_be_ended(folder, cli, number, end):
    for each in range(MANY):
        folder.write(f"{each:03}.yaml")
    assert cli("encrypt", "-q", ".").exit_code == 0
    before = {name: data for name, data in folder.files().items() if name[0].isdigit()}
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_AFTER_16, "rotate", "."],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 60
    while process.poll() is None and folder.read("015.yaml") == before["015.yaml"]:
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.001)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    if number == signal.SIGTERM:
        assert b"rotate --resume" in said
    states = json.loads(cli("status", "--format", "json", ".").stdout)["files"]
    assert len(states) == MANY
    assert {(state["state"], state["openable"]) for state in states} == {("encrypted", True)}
    for name in ("000.yaml", f"{MANY // 2:03}.yaml", f"{MANY - 1:03}.yaml"):
        assert cli("decrypt", name).stdout == folder.secret
    # Whatever changes files stops until it is ended, one way or the other
    for command in (
        ("rotate", "."),
        ("encrypt", "."),
        ("decrypt", "-i", "000.yaml"),
        ("unset", "000.yaml", "a"),
    ):
        refused = cli(*command)
        assert refused.exit_code == 2
        assert "`fluxsecrets rotate` was interrupted here, and 64 files wait for it" in refused.stderr
    assert cli("rotate", end).stderr == f"64 files: {'completed' if end == '--resume' else 'taken back'}\n"
    after = {name: data for name, data in folder.files().items() if name != ".sops.yaml"}
    assert after.keys() == before.keys(), "nothing else is left behind"
    changed = {name for name in after if after[name] != before[name]}
    assert changed == (set(before) if end == "--resume" else set())
    assert cli("decrypt", "040.yaml").stdout == folder.secret
    assert cli("rotate", end).exit_code == 2, "there is nothing to end any more"


def test_a_disk_that_is_full_before_the_first_file_changes_nothing(folder, cli, monkeypatch):
    from fluxsecrets.files import writing

    for name in ("a.yaml", "b.yaml"):
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    before, real = folder.files(), writing._fill

    def full(descriptor, write, old):
        if write.path.parent.name == "journal.draft":
            raise OSError(errno.ENOSPC, "no")
        return real(descriptor, write, old)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "_fill", full)
        result = cli("rotate", ".")
    assert result.exit_code == 2
    assert "the disk is full" in result.stderr
    assert "nothing was changed" in result.stderr
    assert folder.files() == before
    assert cli("rotate", ".").exit_code == 0


def test_two_runs_at_once_exclude_each_other(folder, cli, monkeypatch):
    from fluxsecrets.ops.run import settling

    for name in ("a.yaml", "b.yaml"):
        folder.write(name)
    assert cli("encrypt", ".").exit_code == 0
    real = settling.write_batch
    inner = []

    def meanwhile(writes):
        if not inner:
            inner.append(None)
            inner[0] = cli("rotate", ".")
        return real(writes)

    monkeypatch.setattr(settling, "write_batch", meanwhile)
    assert cli("rotate", ".").exit_code == 0
    assert inner[0].exit_code == 2
    assert "interrupted here" in inner[0].stderr or "another fluxsecrets" in inner[0].stderr
    for name in ("a.yaml", "b.yaml"):
        assert cli("decrypt", name).stdout == folder.secret


def generated_secret(folder, cli, note):
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^(data|stringData)$\n")
    folder.write(
        "secret.yaml",
        f"""\
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    fluxsecrets.io/generate: {note}
data:
  token: {b64encode(folder.marker.encode()).decode()}
stringData:
  user: throwaway-admin # stays
  password: {folder.marker}
""",
    )
    assert cli("encrypt", "secret.yaml").exit_code == 0


def test_annotated_values_are_made_anew(folder, cli):
    generated_secret(folder, cli, '"password=password:40, token=hex:16"')
    before = cli("decrypt", "secret.yaml").stdout
    assert cli("rotate", "secret.yaml").exit_code == 0
    assert cli("decrypt", "secret.yaml").stdout == before, "not unless it is asked for"
    result = cli("rotate", "--values", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    assert "new: stringData.password, data.token" in result.stdout
    assert "whatever uses them" in result.stderr
    after = cli("decrypt", "secret.yaml").stdout
    assert not folder.leaks(after)
    assert "user: throwaway-admin # stays" in after
    assert re.search(r"^  password: [A-Za-z0-9]{40}$", after, re.MULTILINE)
    token = re.search(r"^  token: (\S+)$", after, re.MULTILINE)
    assert re.fullmatch(rb"[0-9a-f]{32}", b64decode(token[1]))


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("password:32", "does not say which of 3 values"),
        ("missing=hex:32", "no such value"),
        ("token=nonsense:32", "can't be generated"),
        ("token=hex:1", "8 to 4096"),
    ],
)
def test_an_annotation_that_cannot_be_followed_changes_nothing(folder, cli, note, said):
    generated_secret(folder, cli, note)
    before = folder.files()
    result = cli("rotate", "--values", "secret.yaml")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "secret.yaml" in result.stderr
    assert folder.files() == before


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
def test_sops_reads_it(encrypted, cli, bob):
    assert cli("rotate", "--add-age", bob, "secret.yaml").exit_code == 0
    command = ["sops", "-d", "--extract", '["stringData"]["password"]', "secret.yaml"]
    done = subprocess.run(command, cwd=encrypted.path, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode() == encrypted.marker, done.stderr
