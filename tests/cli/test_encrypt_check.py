"""`encrypt --check`: offenders only, what may stay plain, and files that are not as their rules say."""

import json
import shlex
import subprocess
from datetime import UTC, datetime

import pytest

from allowances import allowing
from fluxsecrets.keys.generate import generate_identity

ALLOW = "allow:\n  - {rule: plain-secret, path: 'docs/**', reason: made up}\n"


def new_recipient():
    return generate_identity(datetime(2026, 1, 1, tzinfo=UTC)).recipient


@pytest.fixture
def repository(folder, git):
    git(folder.path, "init", "--quiet")
    return folder


def test_offenders_only_are_shown(repository, cli):
    repository.write("done.yaml")
    assert cli("encrypt", "-q", "done.yaml").exit_code == 0
    repository.write("new.yaml")
    result = cli("encrypt", "--check")
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["new.yaml"]
    assert result.stderr == "2 files: 1 would encrypt, 1 unchanged\n"


def test_what_is_allowed_is_no_offender(repository, cli):
    repository.write("docs/example.yaml")
    repository.write("docs/noted.yaml", f"# {allowing('plain-secret')}\n{repository.secret}")
    assert cli("encrypt", "--check").exit_code == 1
    repository.write(".fluxsecrets.yaml", ALLOW)
    result = cli("encrypt", "--check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "2 files: 2 allowed\n"
    assert cli("encrypt", "--check", "docs/example.yaml").exit_code == 0
    repository.write("new.yaml")
    assert cli("encrypt", "--check").exit_code == 1


def test_an_allowed_file_needs_no_rule(repository, cli):
    repository.rules(f"creation_rules:\n  - path_regex: ^apps/\n    age: {repository.recipient}\n")
    repository.write("docs/example.yaml")
    assert cli("encrypt", "--check").exit_code == 2
    repository.write(".fluxsecrets.yaml", ALLOW)
    assert cli("encrypt", "--check").exit_code == 0


def test_one_value_that_is_not_allowed_is_enough(repository, cli):
    more = repository.secret.replace("password:", "other: 9d8f7g6h5j\n  password:")
    noted = more.replace("  other", f"  # {allowing('plain-secret')}\n  other")
    repository.write("a.yaml", noted)
    assert cli("scan").exit_code == cli("encrypt", "--check").exit_code == 1


def test_the_baseline_counts(repository, cli):
    repository.write("a.yaml")
    assert cli("scan", "--update-baseline").exit_code == 0
    assert cli("encrypt", "--check").exit_code == 0
    assert (
        cli("audit", "--fail-on", "low", "--rule", "plain-secret", "--rule", "plain-secret-file").exit_code
        == 0
    )
    repository.write("b.yaml")
    result = cli("encrypt", "--check")
    assert (result.exit_code, result.stdout.split()[0]) == (1, "b.yaml")


def test_a_damaged_file_is_not_allowed(repository, cli):
    path = repository.write("docs/a.yaml")
    assert cli("encrypt", "-q", "docs/a.yaml").exit_code == 0
    text = path.read_text()
    path.write_text(text + f"---\n{repository.secret}")
    repository.write(".fluxsecrets.yaml", ALLOW)
    assert cli("encrypt", "--check").exit_code == 2


@pytest.mark.parametrize("text", ["allow: [1]\n", "unknown: 1\n"])
def test_settings_that_cannot_be_read_allow_nothing(repository, cli, text):
    repository.write("a.yaml")
    repository.write(".fluxsecrets.yaml", text)
    assert cli("encrypt", "--check").exit_code == 2


def two_groups(one, two, threshold):
    return (
        f"creation_rules:\n  - shamir_threshold: {threshold}\n    key_groups:\n"
        f"      - age: [{one}]\n      - age: [{two}]\n      - age: [{new_recipient()}]\n"
    )


DRIFTS = {
    "one more in the rule": ("recipients", lambda old, _: old + "," + new_recipient()),
    "others": ("recipients", lambda _, me: f"creation_rules:\n  - age: {new_recipient()}\n"),
    "one more before the others": ("recipients", lambda old, me: old.replace(me, f"{new_recipient()},{me}")),
    "key groups": ("recipients", lambda _, me: two_groups(me, new_recipient(), 2)),
    "the selector": ("selector", lambda old, _: old.rstrip() + "\n    encrypted_regex: ^stringData$\n"),
}


def test_a_rule_that_is_refused_is_not_to_be_followed(repository, cli):
    repository.write("a.yaml")
    repository.write("b.yaml")
    assert cli("encrypt", "-q", "a.yaml", "b.yaml").exit_code == 0
    rules = repository.read(".sops.yaml").decode().rstrip("\n")
    repository.rules(f"{rules}\n    encrypted_regex: data|stringData\n")
    result = cli("encrypt", "--check")
    assert result.exit_code == 1
    assert "2 files: the rule can't be followed: .sops.yaml:" in result.stderr
    assert "decrypt -i" not in result.stderr  # encrypting again would be refused
    assert "2 files: 2 differ from their rule" in result.stderr
    assert json.loads(cli("status", "--format", "json").stdout)["files"][0]["drift"] == ["rule"]


@pytest.mark.parametrize(("what", "change"), DRIFTS.values(), ids=DRIFTS)
def test_a_file_that_differs_from_its_rule_is_named(repository, cli, what, change):
    path = repository.write("a.yaml")
    assert cli("encrypt", "-q", "a.yaml").exit_code == 0
    before = path.read_bytes()
    rules = repository.read(".sops.yaml").decode().rstrip("\n")
    repository.rules(change(rules, repository.recipient))

    result = cli("encrypt")
    assert result.exit_code == 0
    assert "a.yaml   differs from its rule" in result.stdout
    command = "recipients sync a.yaml" if what == "recipients" else "decrypt -i a.yaml"
    assert f"`fluxsecrets {command}`" in result.stderr
    assert path.read_bytes() == before

    result = cli("encrypt", "--check")
    assert (result.exit_code, "a.yaml   differs from its rule" in result.stdout) == (1, True)
    result = cli("status", "--format", "json")
    assert json.loads(result.stdout)["files"][0]["drift"] == [what]
    assert f"`fluxsecrets {command}`" in cli("status").stderr


def test_the_command_that_is_named_mends_it(repository, cli):
    repository.write("a b.yaml")
    assert cli("encrypt", "-q").exit_code == 0
    rules = repository.read(".sops.yaml").decode().rstrip("\n")
    repository.rules(f"{rules},{new_recipient()}\n")
    hint = cli("encrypt").stderr.rpartition("`fluxsecrets ")[2].partition("`")[0]
    done = subprocess.run([cli.executable, *shlex.split(hint)], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    result = cli("encrypt", "--check")
    assert (result.exit_code, result.stdout) == (0, "")


def test_the_threshold_counts(repository, cli):
    one, two = repository.recipient, new_recipient()
    rules = two_groups(one, two, 2)
    repository.rules(rules)
    repository.write("a.yaml")
    assert cli("encrypt", "-q", "--for-others", "a.yaml").exit_code == 0
    assert cli("encrypt", "--check").exit_code == 0
    repository.rules(rules.replace("shamir_threshold: 2", "shamir_threshold: 3"))
    assert cli("encrypt", "--check").exit_code == 1


def test_without_a_rule_nothing_differs_and_with_invalid_ones_nobody_knows(repository, cli):
    repository.write("a.yaml")
    assert cli("encrypt", "-q", "a.yaml").exit_code == 0
    repository.rules(f"creation_rules:\n  - path_regex: ^b$\n    age: {repository.recipient}\n")
    assert cli("encrypt", "--check", "a.yaml").exit_code == 0
    repository.rules("creation_rules:\n  - path_regex: (\n")
    assert cli("encrypt", "--check", "a.yaml").exit_code == 2
    assert cli("status", "a.yaml").exit_code == 2


def test_recipients_of_the_command_line_are_not_the_rules(repository, cli):
    repository.write("a.yaml")
    assert cli("encrypt", "-q", "a.yaml").exit_code == 0
    result = cli("encrypt", "--age", new_recipient(), "a.yaml")
    assert result.stdout == "a.yaml   unchanged\n"


def test_no_rules_at_all_is_one_message(waddle, cli):
    (waddle / ".sops.yaml").unlink()
    result = cli("encrypt")
    assert result.exit_code == 2
    assert result.stderr.count("there is no .sops.yaml") == result.stderr.count("hint:") == 1
    assert "error: 18 files: " in result.stderr
    errors = [item["error"] for item in json.loads(cli("encrypt", "--format", "json").stdout)["files"]]
    assert len(errors) == 18
    assert all("there is no .sops.yaml" in error["message"] for error in errors)
