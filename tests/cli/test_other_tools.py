"""Repositories that other tools than Flux apply: what is not known is said, and nothing is called right."""

import json

import pytest

from audit_tree import ALICE, CLUSTER, RULES, cluster, encrypted, secret, write

KSOPS = "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: secrets}\nfiles: [./db.enc.yaml]\n"
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec: {source: {repoURL: https://github.com/example/repo, path: apps/web}}
"""
PLACEHOLDER = secret("web", "web", values={"password": '"<path:secret/data/web#password>"'})
APPS = {
    ".sops.yaml": RULES,
    "apps/web/kustomization.yaml": "generators: [ksops.yaml]\n",
    "apps/web/ksops.yaml": KSOPS,
    "apps/web/db.enc.yaml": encrypted(secret("db", "web"), selector=("unencrypted_suffix", "_unencrypted")),
    "apps/web/vault.yaml": PLACEHOLDER,
    "argocd/web.yaml": APPLICATION,
    "keys/alice.pub": f"{ALICE}\n",
    "keys/cluster-production.pub": f"{CLUSTER}\n",
}
ONLY_ARGO = {**APPS, "clusters/production/web.yaml": APPLICATION}


@pytest.fixture
def made(tmp_path, act_as, monkeypatch, git):
    """Writes files of a repository, and makes the test be alice in it."""

    def made(files):
        git(tmp_path, "init", "-q", ".")
        write(tmp_path, files)
        monkeypatch.chdir(tmp_path)
        act_as("alice")

    return made


def data(result):
    return json.loads(result.stdout)


def test_status_names_what_decrypts_a_file(made, cli):
    made(APPS)
    result = cli("status")
    assert "for ksops (apps/web/ksops.yaml:1)" in result.stdout
    assert "not analysed: Argo CD" in result.stderr
    (file,) = data(cli("status", "--format", "json"))["files"]
    assert file["decrypted_by"] == {"tool": "ksops", "path": "apps/web/ksops.yaml", "line": 1}


def test_placeholders_of_the_vault_plugin_are_references(made, cli):
    made(APPS)
    assert "apps/web/vault.yaml" not in cli("status").stdout
    assert cli("scan").exit_code == 0


@pytest.mark.parametrize("command", [("scan",), ("audit",), ("audit", "--env", "production")])
def test_findings_come_with_what_is_not_analysed(command, made, cli):
    made(ONLY_ARGO)
    notes = [note["message"] for note in data(cli(*command, "--format", "json"))["notes"]]
    assert any(message.startswith("not analysed: Argo CD") for message in notes)
    assert "not analysed: Argo CD" in cli(*command).stderr


def test_what_flux_can_not_read_is_right_for_others(made, cli):
    made(APPS)
    found = data(cli("audit", "--format", "json"))["findings"]
    assert not {"selector-hits-metadata", "secret-in-list", "kustomization-fails"} & {
        each["rule"] for each in found
    }


@pytest.mark.parametrize(("more", "exit_code"), [((), 0), (("--strict",), 1)])
def test_a_folder_that_only_argo_may_apply_is_not_judged(more, exit_code, made, cli):
    made({**ONLY_ARGO, "clusters/production/db.yaml": secret("db", "web")})
    result = cli("verify", "--env", "production", *more)
    assert result.exit_code == exit_code
    assert "Argo CD may apply it" in result.stdout
    assert "nothing is wrong" not in result.stderr
    found = data(cli("verify", "--env", "production", "--format", "json"))
    assert [each["verdict"] for each in found["kustomizations"]] == ["unknown"]


def test_what_flux_syncs_is_judged_beside_argo(made, cli):
    made({**APPS, **cluster("production"), "clusters/production/argocd.yaml": APPLICATION})
    result = cli("verify", "--env", "production", "--strict")
    assert (result.exit_code, "applied" in result.stdout) == (1, True)
    assert "1 cannot be told" in result.stderr


def test_without_an_environment_the_tools_are_named(made, cli):
    made(APPS)
    for command in (("verify",), ("status", "--env", "production"), ("env", "list"), ("env", "suggest")):
        assert "not analysed: Argo CD" in cli(*command).stderr
    assert cli("verify").exit_code == 2


def test_environments_show_what_is_not_analysed(made, cli):
    made(ONLY_ARGO)
    assert "not analysed: Argo CD" in cli("env", "list").stderr
    assert "not analysed: Argo CD" in cli("env", "show", "production").stderr


def test_doctor_and_init_say_it(made, cli):
    made(ONLY_ARGO)
    assert "not analysed: Argo CD" in cli("doctor").stdout
    assert "not analysed: Argo CD" in cli("init", "--dry-run", merged=True).stdout
