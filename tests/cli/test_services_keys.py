"""What verify, env show and explain say of files whose keys services hold; nothing is asked."""

import json

import pytest

from audit_tree import aws_key, build, for_services, kustomization, repository, secret
from fluxsecrets.flux.permissions import credentials_for, permission_for
from fluxsecrets.repo.flux import Decryption
from fluxsecrets.sops.recipients import Recipient, azure_kv, hc_vault, kms

ARN = "arn:aws:kms:eu-central-1:111122223333:key/example"
ROLE = "arn:aws:iam::111122223333:role/example"
DB = "clusters/staging/db.yaml"
ROOT = "clusters/staging/flux-system/gotk-sync.yaml"


@pytest.fixture
def shown(tmp_path, git, cli, monkeypatch):
    """Makes a repository and says what a command prints there, with all blanks alike."""

    def shown(files, *command, code=0):
        case = repository().changed(files)
        git(tmp_path, "init", "--quiet")
        build(tmp_path, case, git)
        monkeypatch.chdir(tmp_path)
        result = cli(*command)
        assert result.exit_code == code, result.stderr + result.stdout
        return " ".join(result.stdout.split())

    return shown


def with_decryption(text):
    files = repository().files
    return {ROOT: files[ROOT].replace("{provider: sops, secretRef: {name: sops-age}}", text)}


@pytest.mark.parametrize(
    ("decryption", "by"),
    [
        ("{provider: sops}", "the controller's own identity"),
        ("{provider: sops, serviceAccountName: kms}", "service account flux-system/kms"),
        (
            "{provider: sops, serviceAccountName: kms, secretRef: {name: keys}}",
            "sops.aws-kms in Secret keys, or else service account flux-system/kms",
        ),
    ],
)
def test_verify_says_what_the_controller_needs(shown, decryption, by):
    files = {DB: for_services(kms=[aws_key(role=ROLE)]), **with_decryption(decryption)}
    out = shown(files, "verify", "--env", "staging")
    assert (
        "to decrypt, the controller of staging needs: "
        f"kms:Decrypt on {ARN} through the role {ROLE} with {by}, for 1 file"
    ) in out


def test_a_secret_in_the_repository_tells_which_credentials_it_has(shown):
    held = secret("sops-age", "flux-system", values={"sops.aws-kms": "x", "a.agekey": "y"})
    files = {DB: for_services(kms=[aws_key()]), "clusters/staging/keys.yaml": held}
    out = shown(files, "verify", "--env", "staging", "--format", "json", code=1)
    (need,) = json.loads(out)["needs"]
    assert need == {
        "environment": "staging",
        "action": "kms:Decrypt",
        "key": ARN,
        "role": None,
        "by": "sops.aws-kms in Secret sops-age",
        "files": [DB],
    }


def test_nothing_is_needed_for_files_that_the_clusters_own_key_opens(shown):
    assert "needs:" not in shown(
        {DB: for_services(kms=[aws_key()], beside=True)}, "verify", "--env", "staging"
    )


def test_a_key_of_the_cluster_that_nothing_tells_would_be_enough(shown):
    files = {DB: for_services(kms=[aws_key()], beside=True), "keys/cluster-staging.pub": None}
    out = shown(files, "verify", "--env", "staging")
    assert "unless the cluster has an age or PGP key of the file, for 1 file" in out


def test_env_show_names_the_service_account(shown):
    files = {
        "clusters/staging/apps.yaml": kustomization("apps", "apps/web").replace(
            "secretRef: {name: sops-age}", "serviceAccountName: kms, secretRef: {name: sops-age}"
        ),
        "apps/web/db.yaml": for_services("web", kms=[aws_key()]),
    }
    assert "decrypts with sops-age and the role of service account kms" in shown(
        files, "env", "show", "staging"
    )


def test_explain_says_what_flux_needs(shown):
    files = {
        DB: for_services(kms=[aws_key(role=ROLE)]),
        ".sops.yaml": f"creation_rules:\n  - kms: {ARN}+{ROLE}\n    encrypted_regex: ^(data|stringData)$\n",
    }
    assert f"permission kms:Decrypt on {ARN}, through the role {ROLE}" in shown(files, "explain", DB)


@pytest.mark.parametrize(
    ("kind", "held", "by"),
    [
        ("azure_kv", None, "sops.azure-kv in Secret keys, or else service account apps/sa"),
        ("azure_kv", ("a.agekey",), "service account apps/sa"),
        ("gcp_kms", ("sops.gcp-kms",), "sops.gcp-kms in Secret keys"),
        (
            "hc_vault",
            ("sops.aws-kms",),
            "a login of service account apps/sa, if the controller allows this address",
        ),
        ("hckms", None, "service account apps/sa"),
    ],
)
def test_whose_credentials_the_controller_uses(kind, held, by):
    assert credentials_for(kind, Decryption("sops", "keys", "sa"), "apps", held) == by


def test_what_each_kind_takes():
    vault = hc_vault("https://vault.example/v1/sops/keys/flux")
    assert permission_for(vault).key == "sops/decrypt/flux at https://vault.example"
    assert permission_for(azure_kv("https://v", "n", "1")).action == "keys/decrypt"
    assert permission_for(Recipient("age", "age1q")) is None
    hostile = permission_for(kms(f"{ARN}\nerror: \x1b[2J", role="r\n"))
    assert hostile.key.isprintable()
    assert hostile.role.isprintable()


def test_the_account_of_the_controller_counts_where_a_kustomization_names_none():
    assert (
        credentials_for("kms", Decryption("sops", None, None), "apps", (), "tenant")
        == "service account apps/tenant"
    )
    own = credentials_for("kms", Decryption("sops", None, "sa"), "apps", (), "tenant")
    assert own == "service account apps/sa"
