"""`--all-envs` of `verify` and `audit`: every environment; a repository without one is an error."""

import json

import pytest


@pytest.mark.parametrize("command", ["verify", "audit"])
def test_without_an_environment_it_is_an_error(tmp_path, cli, git, monkeypatch, command):
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    result = cli(command, "--all-envs")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no environment" in result.stderr


@pytest.mark.parametrize("command", ["verify", "audit"])
def test_it_contradicts_one_environment(waddle, cli, command):
    result = cli(command, "--all-envs", "--env", "staging")
    assert result.exit_code == 2
    assert "--env can't be combined with --all-envs" in result.stderr


def test_verify_judges_all_as_without_an_option(encrypted_waddle, cli):
    result = cli("verify", "--all-envs", "--format", "json")
    assert json.loads(result.stdout)["environments"] == ["production", "staging"]
    assert result == cli("verify", "--format", "json")


def test_audit_answers_for_each(waddle, cli):
    """What concerns several environments is counted for each, and what none reaches apart."""
    (waddle / "elsewhere.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: a-throwaway-value}\n",
        encoding="utf-8",
    )
    result = cli("audit", "--all-envs")
    assert result.exit_code == 1
    assert "; production: 23 high; staging: 23 high; outside of all: " in result.stderr
    assert "production:" not in cli("audit").stderr


def test_plain_text_that_the_team_knows_of_fails_neither_job(waddle, cli):
    """A first use: the repository has plain Secrets, and a baseline of them."""
    assert cli("verify", "--all-envs").exit_code == 1
    assert cli("scan", "--update-baseline").exit_code == 0
    for command in (("scan",), ("encrypt", "--check"), ("verify", "--all-envs"), ("audit", "--all-envs")):
        result = cli(*command)
        assert result.exit_code == 0, (command, result.stderr)
    shown = cli("verify", "--all-envs", "--strict")
    assert shown.exit_code == 0
    assert shown.stdout.count("allowed, or known to the baseline") == 26
    assert "13 plain Secret, 1 sealed; nothing else is wrong" in shown.stderr
    assert "run `fluxsecrets encrypt" not in shown.stdout
    # A new value in a file that the baseline knows is wrong again.
    path = waddle / "infrastructure-k8s/cert-manager/cloudflare-secret.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}  another-token: a-throwaway-value\n", encoding="utf-8")
    again = cli("verify", "--all-envs")
    assert again.exit_code == 1
    assert "2 Secrets are" not in again.stdout
    assert "1 Secret is in plain text" in again.stdout


def test_the_baselines_of_scan_and_audit_settle(waddle, cli):
    """Each update keeps what the other command found, and nothing is said to be gone afterwards."""
    for command in ("scan", "audit"):
        assert cli(command, "--update-baseline").exit_code == 0
    for command in ("scan", "audit"):
        result = cli(command)
        assert result.exit_code == 0
        assert "of the baseline gone" not in result.stderr
