"""`fluxsecrets status` and `fluxsecrets explain`."""

import json
from pathlib import Path

import pytest

REGISTRY = "apps/spicedb/overlays/staging/registry.json"
SECRETS = "apps/cloudnative-pg/overlays/production/secrets.yaml"


def test_status_of_plain_and_encrypted_files(waddle, cli, act_as):
    assert cli("encrypt", REGISTRY, SECRETS).exit_code == 0
    act_as("bob")
    result = cli("status")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert lines[REGISTRY].split(maxsplit=1)[1] == (
        "encrypted   1 value    you can open it      alice, bob, cluster-staging"
    )
    assert lines[SECRETS].endswith("7 values   you cannot open it   alice, cluster-production")
    plain = "apps/spicedb/overlays/staging/files/pgpass.conf"
    assert "plain" in lines[plain]
    assert "read by the secretGenerator in apps/spicedb/overlays/staging/kustomization.yaml" in lines[plain]
    assert "18 files: 2 encrypted, 16 plain" in result.stderr
    assert "encrypt what is plain: fluxsecrets encrypt\n" in result.stderr


@pytest.mark.parametrize("where", [("--env", "staging"), ("apps/spicedb",), ("apps/a folder",)])
def test_status_says_the_command_that_encrypts_the_rest(waddle, cli, where):
    (waddle / "apps/a folder/overlays/staging").mkdir(parents=True)
    (waddle / "apps/a folder/overlays/staging/s.yaml").write_text((waddle / SECRETS).read_text())
    line = cli("status", *where).stderr.splitlines()[-1]
    shown = line.removeprefix("encrypt what is plain: ")
    assert shown == f"fluxsecrets encrypt {' '.join(where)}".replace("apps/a folder", "'apps/a folder'")
    assert cli("encrypt", *where).exit_code == 0
    assert "plain" not in cli("status", *where).stdout


def test_status_as_json(waddle, cli):
    assert cli("encrypt", REGISTRY).exit_code == 0
    report = json.loads(cli("status", "--format", "json", REGISTRY, SECRETS).stdout)
    encrypted, plain = report["files"]
    assert (encrypted["state"], encrypted["values"], encrypted["openable"]) == ("encrypted", 1, True)
    assert encrypted["selector"] == "encrypted_regex: ^(data|stringData)$"
    assert (plain["state"], plain["values"], plain["openable"]) == ("plain", None, None)


@pytest.fixture
def locked(monkeypatch):
    """Bob's key file is protected by a passphrase, and there is no terminal to ask for it."""
    path = Path(__file__).parents[1] / "vectors" / "age" / "locked_bob.txt"
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(path))
    monkeypatch.setattr("fluxsecrets.keys.prompt._has_terminal", lambda: False)
    return path


def test_status_does_not_say_what_only_a_passphrase_can_tell(waddle, cli, locked, act_as, monkeypatch):
    act_as("alice")
    assert cli("encrypt", REGISTRY, SECRETS).exit_code == 0
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(locked))
    result = cli("status", REGISTRY, SECRETS)
    assert result.exit_code == 0
    for line in result.stdout.splitlines():
        assert "   cannot tell   " in line
    assert "cannot open" not in result.stdout + result.stderr
    reason = f"{locked}: there is no terminal to ask for: passphrase for SOPS_AGE_KEY_FILE"
    assert f"note: cannot tell whether you can open 2 files: {reason}\n" in result.stderr
    for each in json.loads(cli("status", "--format", "json", REGISTRY, SECRETS).stdout)["files"]:
        assert (each["state"], each["openable"], each["locked"]) == ("encrypted", None, [reason])


def test_status_says_what_the_passphrase_told(waddle, cli, locked, act_as, monkeypatch):
    act_as("alice")
    assert cli("encrypt", REGISTRY, SECRETS).exit_code == 0
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(locked))
    monkeypatch.setattr("fluxsecrets.keys.prompt.ask_at_terminal", lambda question: "throw-away passphrase")
    report = json.loads(cli("status", "--format", "json", REGISTRY, SECRETS).stdout)["files"]
    assert [(each["openable"], each["locked"]) for each in report] == [(True, []), (False, [])]


def test_a_wrong_passphrase_tells_nothing(waddle, cli, locked, act_as, monkeypatch):
    act_as("alice")
    assert cli("encrypt", REGISTRY).exit_code == 0
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(locked))
    monkeypatch.setattr("fluxsecrets.keys.prompt.ask_at_terminal", lambda question: "hunter2-wrong")
    result = cli("status", REGISTRY)
    assert "cannot tell" in result.stdout
    assert "wrong passphrase for this key file" in result.stderr
    assert "hunter2" not in result.stdout + result.stderr


def test_a_file_without_ciphertext_needs_no_passphrase(waddle, cli, locked):
    result = cli("status", REGISTRY)
    assert "plain" in result.stdout
    assert "cannot tell" not in result.stdout + result.stderr


def test_explain(waddle, cli, snapshot):
    result = cli("explain", REGISTRY)
    assert result.exit_code == 0
    assert result.stdout == snapshot
    assert result.stderr == ""


def test_explain_a_file_that_is_one_value(waddle, cli):
    result = cli("explain", "apps/spicedb/overlays/staging/files/pgpass.conf")
    assert result.exit_code == 0
    assert "not used: the file is encrypted as a whole" in result.stdout


def test_explain_says_where_sops_would_look_elsewhere(waddle, cli):
    (waddle / "apps/.sops.yaml").write_text((waddle / ".sops.yaml").read_text())
    result = cli("explain", REGISTRY)
    assert "config      apps/.sops.yaml" in result.stdout
    assert "sops, started in this folder, would use .sops.yaml" in result.stderr


def test_explain_says_which_fields_have_no_effect(waddle, cli):
    rules = (waddle / ".sops.yaml").read_text()
    (waddle / ".sops.yaml").write_text(rules.replace("    encrypted_regex:", "    encryption_regex:"))
    result = cli("explain", REGISTRY)
    assert "the field 'encryption_regex' has no effect" in result.stderr
    assert "the default for a manifest" in result.stdout


def test_explain_says_that_the_file_is_for_others_than_the_rule(waddle, cli):
    assert cli("encrypt", REGISTRY).exit_code == 0
    rules = (waddle / ".sops.yaml").read_text()
    (waddle / ".sops.yaml").write_text(rules.replace("          - *bob\n", ""))
    result = cli("explain", REGISTRY)
    assert "the file is encrypted for alice, bob, cluster-staging" in result.stderr
    assert f"`fluxsecrets recipients sync {REGISTRY}`" in result.stderr
    assert "decrypt -i" not in result.stderr
    assert cli("recipients", "sync", REGISTRY).exit_code == 0
    assert "to follow the rule" not in cli("explain", REGISTRY).stderr


def test_explain_says_that_the_file_has_another_selector(waddle, cli):
    assert cli("encrypt", "--encrypted-regex", "^data$", REGISTRY).exit_code == 0
    result = cli("explain", REGISTRY)
    assert "the file is encrypted with encrypted_regex: ^data$" in result.stderr
    assert f"`fluxsecrets decrypt -i {REGISTRY}`" in result.stderr


def test_explain_as_json(waddle, cli):
    report = json.loads(cli("explain", "--format", "json", REGISTRY).stdout)
    assert report["command"] == "explain"
    assert report["groups"] == [["alice", "bob", "cluster-staging"]]
    assert [rule["matched"] for rule in report["rules"]] == [False, False, False, True]
    assert {value["key"] for value in report["values"] if value["encrypted"]} == {"data['.dockerconfigjson']"}
    assert report["problem"] is None


def test_explain_says_what_stands_in_the_way(waddle, cli):
    (waddle / "other.yaml").write_text("a: b\n")
    result = cli("explain", "other.yaml")
    assert result.exit_code == 2
    assert "no creation rule of .sops.yaml matches this file" in result.stderr
    report = json.loads(cli("explain", "--format", "json", "other.yaml").stdout)
    assert report["problem"]["message"] == "no creation rule of .sops.yaml matches this file"


def test_explain_a_folder(waddle, cli):
    result = cli("explain", "apps")
    assert result.exit_code == 2
    assert "apps: it is a folder, but this command takes one file" in result.stderr
