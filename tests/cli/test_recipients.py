"""`fluxsecrets recipients`: in line with the rules, with a new key only where somebody goes."""

import json
import re
import shutil
import subprocess

import pytest

KEYS = ("alice", "bob", "cluster")


@pytest.fixture
def keys(act_as):
    """Public keys by name, with alice acting again."""
    found = {name: act_as(name).recipient for name in KEYS}
    act_as("alice")
    return found


def rule_for(*recipients):
    return f"creation_rules:\n  - age: {','.join(recipients)}\n"


def ciphertexts(data):
    return set(re.findall(rb"ENC\[AES256_GCM[^\]]*\]", data))


def sync(cli, *arguments):
    result = cli("recipients", "sync", "--format", "json", *arguments)
    return result, json.loads(result.stdout)["files"]


def test_in_line_is_unchanged(encrypted, cli):
    before = encrypted.files()
    result = cli("recipients", "sync", "--check", "secret.yaml")
    assert (result.exit_code, result.stderr) == (0, "1 file: 1 unchanged\n")
    assert cli("recipients", "sync", "secret.yaml").exit_code == 0
    assert encrypted.files() == before


def test_addition_keeps_the_data_key(encrypted, cli, keys, act_as):
    before = encrypted.read("secret.yaml")
    encrypted.rules(rule_for(keys["alice"], keys["bob"]))
    result, (shown,) = sync(cli, "secret.yaml")
    assert result.exit_code == 0
    assert (shown["outcome"], len(shown["added"]), shown["removed"], shown["new_data_key"]) == (
        "synced",
        1,
        [],
        False,
    )
    after = encrypted.read("secret.yaml")
    assert ciphertexts(after) == ciphertexts(before)
    act_as("bob")
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret


def test_removal_gives_a_new_data_key(encrypted, cli, keys, act_as):
    encrypted.rules(rule_for(keys["alice"], keys["bob"]))
    sync(cli, "secret.yaml")
    before = encrypted.read("secret.yaml")
    encrypted.rules(rule_for(keys["alice"], keys["cluster"]))
    result = cli("recipients", "sync", "secret.yaml")
    assert result.exit_code == 0
    assert "new data key" in result.stdout
    assert "in git's history" in result.stderr
    assert not ciphertexts(before) & ciphertexts(encrypted.read("secret.yaml"))
    act_as("bob")
    assert cli("decrypt", "secret.yaml").exit_code == 2
    act_as("cluster")
    assert cli("decrypt", "secret.yaml").stdout == encrypted.secret


@pytest.mark.parametrize(("option", "code"), [("--check", 1), ("--dry-run", 0)])
def test_check_and_dry_run_need_no_identity_and_write_nothing(
    encrypted, cli, keys, option, code, monkeypatch
):
    encrypted.rules(rule_for(keys["bob"], keys["alice"]))
    before = encrypted.files()
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    result, (shown,) = sync(cli, option, "secret.yaml")
    assert result.exit_code == code
    assert shown["outcome"] == "would sync"
    assert encrypted.files() == before


def test_order_means_nothing(encrypted, cli, keys):
    encrypted.rules(rule_for(keys["alice"], keys["bob"]))
    sync(cli, "secret.yaml")
    before = encrypted.read("secret.yaml")
    encrypted.rules(rule_for(keys["bob"], keys["alice"]))
    assert cli("encrypt", "--check", "secret.yaml").exit_code == 0
    assert cli("recipients", "sync", "--check", "secret.yaml").exit_code == 0
    _, (shown,) = sync(cli, "secret.yaml")
    assert shown["outcome"] == "unchanged"
    assert encrypted.read("secret.yaml") == before


def test_groups_and_threshold_come_from_the_rule(encrypted, cli, keys):
    groups = "\n".join(f"      - age: [{keys[name]}]" for name in ("alice", "cluster", "bob"))
    encrypted.rules(f"creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n{groups}\n")
    _, (shown,) = sync(cli, "secret.yaml")
    assert shown["new_data_key"] is True
    assert "shamir_threshold: 2" in encrypted.read("secret.yaml").decode()
    assert cli("recipients", "sync", "--check", "secret.yaml").exit_code == 0
    assert cli("decrypt", "secret.yaml").exit_code == 2  # alice alone is one group of two


def test_injected_recipient_is_thrown_out(encrypted, cli, keys):
    encrypted.rules(rule_for(keys["alice"], keys["bob"]))
    sync(cli, "secret.yaml")
    encrypted.rules(rule_for(keys["alice"]))
    assert cli("recipients", "sync", "secret.yaml").exit_code == 0
    assert keys["bob"].encode() not in encrypted.read("secret.yaml")


def test_changed_file_is_not_wrapped_for_anybody(encrypted, cli, keys):
    changed = encrypted.read("secret.yaml").replace(b"name: db", b"name: hijacked")
    encrypted.write("secret.yaml", changed)
    encrypted.rules(rule_for(keys["alice"], keys["bob"]))
    result, (shown,) = sync(cli, "secret.yaml")
    assert result.exit_code == 2
    assert "MAC" in shown["error"]["message"]
    assert encrypted.read("secret.yaml") == changed


def test_other_selector_is_refused_until_it_is_accepted(encrypted, cli, keys):
    encrypted.rules(f"{rule_for(keys['alice'], keys['bob'])}    encrypted_regex: ^password$\n")
    before = encrypted.read("secret.yaml")
    result, (shown,) = sync(cli, "secret.yaml")
    assert result.exit_code == 2
    assert any("the file's selector is" in line for line in shown["error"]["details"])
    assert encrypted.read("secret.yaml") == before
    result, (shown,) = sync(cli, "secret.yaml", "--accept-recipients")
    assert result.exit_code == 0
    assert any("the file's selector is" in warning for warning in shown["warnings"])
    assert b"encrypted_regex: ^(data|stringData)$" in encrypted.read("secret.yaml")


def test_file_without_a_rule_fails_and_the_others_go_on(encrypted, cli, keys):
    encrypted.write("other/secret.yaml", encrypted.read("secret.yaml"))
    encrypted.rules(rule_for(keys["alice"], keys["bob"]).replace("- age", "- path_regex: ^secret\n    age"))
    result, shown = sync(cli, ".")
    assert result.exit_code == 2
    assert sorted(each["outcome"] for each in shown) == ["failed", "synced"]


def test_must_be_told_what(encrypted, cli):
    result = cli("recipients", "sync")
    assert result.exit_code == 2
    assert "--all" in result.stderr


def test_list_counts_files_and_shows_differences(encrypted, cli, keys, monkeypatch):
    encrypted.write("keys/bob.pub", f"{keys['bob']}\n")
    encrypted.rules(f"people:\n  - &alice {keys['alice']}\n{rule_for(keys['alice'], keys['bob'])}")
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    encrypted.write("plain.yaml")
    result = cli("recipients", "list", ".")
    assert result.exit_code == 0, result.stderr
    rows = [re.split(r"  +", line) for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["alice", "bob"]
    assert rows[0][2] == "1 file"
    assert rows[1][-2:] == ["0 files", "1 file missing by the rules"]
    assert "recipients sync" in result.stderr
    data = json.loads(cli("recipients", "list", "--format", "json", ".").stdout)
    assert [row["missing"] for row in data["recipients"]] == [[], ["secret.yaml"]]


def test_list_of_an_environment(waddle, cli):
    assert cli("encrypt").exit_code == 0
    data = json.loads(cli("recipients", "list", "--env", "staging", "--format", "json").stdout)
    names = {row["name"]: len(row["files"]) for row in data["recipients"]}
    assert names["alice"] == data["files"] > names["bob"] > 0
    assert not any(row["missing"] or row["not_in_rule"] for row in data["recipients"])


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read it")
@pytest.mark.parametrize("people", [("alice", "bob"), ("alice",)])
def test_sops_reads_it_and_finds_nothing_to_do(encrypted, cli, keys, people):
    encrypted.rules(rule_for(keys["alice"], keys["bob"], keys["cluster"]))
    sync(cli, "secret.yaml")
    encrypted.rules(rule_for(*(keys[name] for name in people)))
    assert sync(cli, "secret.yaml")[0].exit_code == 0
    command = ["sops", "-d", "--extract", '["stringData"]["password"]', "secret.yaml"]
    done = subprocess.run(command, cwd=encrypted.path, capture_output=True, timeout=60, check=False)
    assert done.stdout.decode() == encrypted.marker, done.stderr
    command = ["sops", "updatekeys", "--yes", "secret.yaml"]
    done = subprocess.run(command, cwd=encrypted.path, capture_output=True, timeout=60, check=False)
    assert b"already up to date" in done.stderr
