"""One cause, one message: what many files have in common fits on a screen, and nothing is buried by it."""

import json

import pytest

NUMBER = 40
SECRET = """apiVersion: v1
kind: Secret
metadata: {{name: s{0:02}, namespace: default}}
stringData: {{password: throwaway-{0:02}-xk39dk2m}}
"""
SYNC = """apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec:
  path: ./clusters/staging
  sourceRef: {kind: GitRepository, name: flux-system}
  decryption: {provider: sops, secretRef: {name: sops-age}}
"""
SCREEN = 24


@pytest.fixture
def many(folder, git):
    """A cluster with many Secrets in plain text, which the folder's rule is for."""
    git(folder.path, "init", "--quiet")
    for number in range(NUMBER):
        folder.write(f"clusters/staging/s{number:02}.yaml", SECRET.format(number))
    folder.write("clusters/staging/flux-system/gotk-sync.yaml", SYNC)
    folder.write(
        ".sops.yaml",
        f"creation_rules: [{{age: {folder.recipient}, encrypted_regex: ^(data|stringData)$}}]\n",
    )
    return folder


def lines(result):
    return [*result.stdout.splitlines(), *result.stderr.splitlines()]


def test_findings_of_a_rule_in_many_files(many, cli):
    many.write("odd.env", "password=throwaway-9-hTgk2Lq8\n")
    shown = cli("scan")
    assert len(lines(shown)) < SCREEN
    assert "plain-secret: 37 findings in 37 more files; --all lists them" in shown.stdout
    assert "clusters/staging/s02.yaml" in shown.stdout
    assert "clusters/staging/s03.yaml" not in shown.stdout
    everything = cli("scan", "--all")
    assert "clusters/staging/s39.yaml" in everything.stdout
    assert "more files" not in everything.stdout
    assert len(json.loads(cli("scan", "--format", "json").stdout)["findings"]) >= NUMBER


def test_a_hook_names_a_command_that_lists_them(many, cli, git):
    git(many.path, "add", "--all")
    assert "; `fluxsecrets scan --staged --all` lists them" in cli("hook", "run", "pre-commit").stdout
    assert "clusters/staging/s39.yaml" in cli("scan", "--staged", "--all").stdout


def test_an_audit(many, cli):
    assert len(lines(cli("audit"))) < 2 * SCREEN
    assert "clusters/staging/s39.yaml" in cli("audit", "--all").stdout


@pytest.mark.parametrize("encrypted", [True, False])
def test_objects_with_one_verdict(many, cli, encrypted):
    if encrypted:
        assert cli("encrypt").exit_code == 0
    shown = cli("verify", "--env", "staging")
    assert len(lines(shown)) < SCREEN
    assert "and 37 more objects like clusters/staging/s02.yaml: see them with --all" in shown.stdout
    assert "clusters/staging/s39.yaml" in cli("verify", "--env", "staging", "--all").stdout


def test_files_that_nobody_here_can_open_and_one_that_is_broken(many, cli, monkeypatch, tmp_path_factory):
    assert cli("encrypt").exit_code == 0
    broken = many.read("clusters/staging/s20.yaml").decode()
    many.write("clusters/staging/s20.yaml", broken.replace("lastmodified: ", "last: "))
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path_factory.mktemp("none") / "keys.txt"))
    shown = cli("rotate", "--all")
    assert shown.exit_code == 2
    assert len(lines(shown)) < SCREEN
    many_failed, broken_one = (
        shown.stderr.index("none of your identities"),
        shown.stderr.index("s20.yaml:"),
    )
    assert many_failed < broken_one, "the rare error is next to the summary"
    assert len(json.loads(cli("rotate", "--all", "--format", "json").stdout)["files"]) == NUMBER


def test_a_status_of_files_that_are_all_damaged(many, cli):
    assert cli("encrypt").exit_code == 0
    for number in range(NUMBER):
        name = f"clusters/staging/s{number:02}.yaml"
        many.write(name, many.read(name).decode().replace("lastmodified: ", "last: "))
    shown = cli("status")
    assert shown.exit_code == 2
    assert len(lines(shown)) < SCREEN
    assert "37 more files" in shown.stdout
    assert "37 more like this one" in shown.stderr
    assert len(json.loads(cli("status", "--format", "json").stdout)["files"]) == NUMBER


def test_warnings_about_what_is_applied(many, cli):
    assert cli("encrypt").exit_code == 0
    shown = cli("render", "--env", "staging")
    assert "37 more like this one; --format json lists all" in shown.stderr
    assert len(shown.stderr.splitlines()) < SCREEN
