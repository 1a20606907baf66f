"""`fluxsecrets convert --to external` per kind of store: manifests that fit, and not a word of values."""

import json
import sys
from base64 import b64decode

import pytest

from azuresecrets import Secrets as AzureSecrets
from connectserver import TOKEN as CONNECT_TOKEN
from connectserver import connect_server
from fluxsecrets.external.stores import STORES
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.yaml import load_documents
from googleserver import TOKEN as GOOGLE_TOKEN
from motoserver import moto_server, variables
from secretmanager import PROJECT, secret_manager
from vaultserver import TOKEN, vault_server

MANIFEST = """apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {{name: s}}
spec: {{provider: {{{provider}: {{}}}}}}
"""
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: db.main, namespace: apps}
stringData:
  password: hunter2-throwaway
  ref: "${OTHER}"
  tls.crt: " padded"
data:
  bin: AP8=
"""


@pytest.fixture
def committed(folder, git):
    folder.write("secret.yaml", SECRET)
    git(folder.path, "init", "--quiet")
    git(folder.path, "add", "--all")
    git(folder.path, "commit", "--quiet", "--message", "all")
    return folder


def entries(folder):
    data = to_data(load_documents(folder.read("secret.yaml"))[0])
    return {each["secretKey"]: each["remoteRef"] for each in data["spec"]["data"]}


BASE64 = {"decodingStrategy": "Base64"}
EXPECTED = {
    "bitwarden": {
        "password": {"key": "apps/db.main/password"},
        "ref": {"key": "apps/db.main/ref"},
        "tls.crt": {"key": "apps/db.main/tls.crt"},
        "bin": {"key": "apps/db.main/bin", **BASE64},
    },
    "infisical": {
        "password": {"key": "apps/db-main/password"},
        "ref": {"key": "apps/db-main/ref", **BASE64},
        "tls.crt": {"key": "apps/db-main/tls-crt", **BASE64},
        "bin": {"key": "apps/db-main/bin", **BASE64},
    },
    "doppler": {
        "password": {"key": "APPS_DB_MAIN_PASSWORD"},
        "ref": {"key": "APPS_DB_MAIN_REF", **BASE64},
        "tls.crt": {"key": "APPS_DB_MAIN_TLS_CRT", **BASE64},
        "bin": {"key": "APPS_DB_MAIN_BIN", **BASE64},
    },
    "kubernetes": {
        name: {"key": "db.main", "property": name} for name in ("password", "ref", "tls.crt", "bin")
    },
}


def test_every_store_without_a_client_has_a_case():
    assert set(EXPECTED) == {kind.name for kind in STORES.values() if kind.open is None}


@pytest.mark.parametrize("provider", EXPECTED)
@pytest.mark.parametrize("named", ["option", "manifest"])
def test_manifests_fit_how_the_store_holds_values(committed, cli, provider, named):
    args = ["convert", "secret.yaml", "--to", "external", "--store", "s"]
    if named == "option":
        args += ["--provider", provider]
    else:
        committed.write("store.yaml", MANIFEST.format(provider=STORES[provider].providers[0]))
    before = committed.files()
    pushed = cli(*args, "--push")
    assert (pushed.exit_code, committed.files()) == (2, before)
    assert f"fluxsecrets can't read or write {STORES[provider].title}" in pushed.stderr
    assert "convert without --push" in pushed.stderr
    result = cli(*args)
    assert result.exit_code == 0, result.stderr
    assert entries(committed) == EXPECTED[provider]
    listed = [line for line in result.stderr.splitlines() if line.startswith("note: create in ")]
    for name, reference in EXPECTED[provider].items():
        (line,) = (line for line in listed if f": {reference['key']}:" in line and name in line)
        assert (f"{name} in base64" in line) == ("decodingStrategy" in reference)
    assert "hunter2" not in result.stdout + result.stderr
    back = cli("convert", "secret.yaml", "--to", "plain", *args[6:])
    assert (back.exit_code, "can't read or write" in back.stderr) == (2, True)


def test_an_unknown_provider_is_said_to_be_one(committed, cli):
    committed.write("store.yaml", MANIFEST.format(provider="akeyless"))
    args = ("convert", "secret.yaml", "--to", "external", "--store", "s")
    assert "is of the unsupported kind akeyless" in cli(*args, "--push").stderr
    result = cli(*args)
    assert result.exit_code == 0
    assert "of the kind akeyless, which fluxsecrets does not know" in result.stderr
    assert entries(committed)["tls.crt"] == {"key": "apps/db.main", "property": "tls.crt"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--provider", "doppler", "--key-template", "{name}"), "holds one value per key"),
        (("--provider", "doppler", "--key-template", "a-{key}"), "'a-PASSWORD' is not a key for Doppler"),
        (
            ("--provider", "kubernetes", "--key-template", "{name}/{key}"),
            "does not support {key} for Kubernetes",
        ),
        (("--provider", "vault", "--region", "x", "--push"), "--region is not for Vault"),
        (("--provider", "vault", "--push"), "the mount of s is not known"),
        (("--provider", "vault", "--key-template", "a/../{name}"), "is not a key for Vault"),
    ],
)
def test_what_does_not_fit_is_refused(committed, cli, arguments, words):
    before = committed.files()
    result = cli("convert", "secret.yaml", "--to", "external", "--store", "s", *arguments)
    assert (result.exit_code, committed.files()) == (2, before)
    assert words in result.stderr


def test_two_values_under_one_key_are_refused(committed, cli, git):
    committed.write("secret.yaml", SECRET + "  tls_crt: eA==\n")
    git(committed.path, "commit", "--all", "--quiet", "--message", "two")
    result = cli("convert", "secret.yaml", "--to", "external", "--store", "s", "--provider", "doppler")
    assert "two Secrets have different values for 'tls_crt' under APPS_DB_MAIN_TLS_CRT" in result.stderr
    assert result.exit_code == 2


# --- stores that can be read and written -----------------------------------------------------------------


def vault_bench(_request, monkeypatch):
    with vault_server() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield ("--mount", "kv"), "apps/db.main", server.newest, server.put


def onepassword_bench(_request, monkeypatch):
    with connect_server() as server:
        monkeypatch.setenv("OP_CONNECT_HOST", server.address)
        monkeypatch.setenv("OP_CONNECT_TOKEN", CONNECT_TOKEN)

        def put(key, values):
            server.add(key, list(values.items()))

        yield ("--vault", "Prod"), "apps/db.main", server.fields, put


def gcp_bench(request, monkeypatch):
    with secret_manager(request.getfixturevalue("tmp_path")) as (google, secrets):
        monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", google.address)
        monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", GOOGLE_TOKEN)

        def newest(key):
            return json.loads(secrets.newest(key))

        def put(key, values):
            secrets.put(key, json.dumps(values).encode())

        yield ("--project", PROJECT), "apps_db_main", newest, put


def azure_bench(request, _monkeypatch):
    azure = request.getfixturevalue("azure")
    secrets = AzureSecrets()
    azure.collections["secrets"] = secrets.answer

    def newest(key):
        return json.loads(secrets.newest(key)["value"])

    def put(key, values):
        secrets.put(key, json.dumps(values))

    yield ("--vault", "https://team.vault.azure.net"), "apps-db-main", newest, put


def aws_bench(request, monkeypatch):
    boto3 = pytest.importorskip("boto3")
    for name, text in variables(request.getfixturevalue("aws_address")).items():
        monkeypatch.setenv(name, text)
    client = boto3.client("secretsmanager", region_name="eu-central-1")

    def newest(key):
        return json.loads(client.get_secret_value(SecretId=key)["SecretString"])

    def put(key, values):
        client.create_secret(Name=key, SecretString=json.dumps(values))

    yield ("--region", "eu-central-1"), "apps/db.main", newest, put
    client.delete_secret(SecretId="apps/db.main", ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def aws_address(aws_descriptions):
    pytest.importorskip("moto.server", reason="moto is not installed: AWS is not tried")
    with moto_server() as address:
        yield address


BENCHES = {
    "aws": aws_bench,
    "azure": azure_bench,
    "gcp": gcp_bench,
    "onepassword": onepassword_bench,
    "openbao": vault_bench,
    "vault": vault_bench,
}


@pytest.fixture(params=BENCHES)
def bench(request, environment, monkeypatch):
    """A store: its name, the options for it, a key, and functions that read and put values."""
    for name in ("VAULT_NAMESPACE", "VAULT_CACERT", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*" if request.param != "azure" else "")
    for parts in BENCHES[request.param](request, monkeypatch):
        yield request.param, *parts


def test_every_store_with_a_client_has_a_bench():
    assert set(BENCHES) == {kind.name for kind in STORES.values() if kind.open is not None}


TEXTS = {"password": "hunter2-throwaway", "ref": "${OTHER}", "tls.crt": " padded", "bin": "AP8="}


def test_a_secret_goes_to_each_store_and_comes_back(bench, committed, cli):
    name, options, key, newest, _ = bench
    provider = ("--provider", name, *options)
    result = cli("convert", "secret.yaml", "--to", "external", "--store", "s", *provider, "--push")
    assert result.exit_code == 0, result.stderr
    assert newest(key) == TEXTS
    assert "hunter2" not in result.stdout + result.stderr
    assert b"hunter2" not in committed.read("secret.yaml")
    again = cli("convert", "secret.yaml", "--to", "plain", *provider)
    assert again.exit_code == 0, again.stderr
    assert secret_values(committed) == {name: text.encode() for name, text in TEXTS.items()} | {
        "bin": b"\0\xff"
    }


def secret_values(folder):
    """The values of the plain Secret in the folder."""
    secret = to_data(load_documents(folder.read("secret.yaml"))[0])
    values = {key: text.encode() for key, text in secret["stringData"].items()}
    return values | {key: b64decode(text) for key, text in secret["data"].items()}


def test_no_store_is_overwritten_without_leave(bench, committed, cli):
    name, options, key, newest, put = bench
    before = {"password": "theirs-throwaway", "more": "kept"}
    put(key, before)
    files = committed.files()
    args = (
        "convert",
        "secret.yaml",
        "--to",
        "external",
        "--store",
        "s",
        "--provider",
        name,
        *options,
        "--push",
    )
    planned = cli(*args, "--dry-run")
    assert planned.exit_code == 0, planned.stderr
    assert f"{key}: 3 new, overwrites password" in planned.stderr
    result = cli(*args)
    assert (result.exit_code, committed.files(), newest(key)) == (2, files, before)
    assert "would be overwritten" in result.stderr
    assert not any(text in result.stdout + result.stderr for text in ("hunter2", "theirs"))
    done = cli(*args, "--overwrite")
    assert done.exit_code == 0, done.stderr
    assert newest(key) == {**TEXTS, "more": "kept"}


EXTRAS = {
    "aws": ("botocore.exceptions", "aws"),
    "azure": ("azure.keyvault.keys", "azure"),
    "gcp": ("google.auth", "gcp"),
    "onepassword": ("onepasswordconnectsdk.client", "onepassword"),
    "openbao": ("hvac", "vault"),
    "vault": ("hvac", "vault"),
}


def test_a_missing_library_is_named(bench, committed, cli, monkeypatch):
    name, options, *_ = bench
    module, extra = EXTRAS[name]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, module, None)
        result = cli(
            "convert",
            "secret.yaml",
            "--to",
            "external",
            "--store",
            "s",
            "--provider",
            name,
            *options,
            "--push",
        )
    assert result.exit_code == 2
    assert f"pip install 'fluxsecrets[{extra}]'" in result.stderr


MANIFESTS = {
    "azure": "azurekv: {vaultUrl: 'https://team.vault.azure.net'}",
    "gcp": f"gcpsm: {{projectID: {PROJECT}}}",
    "onepassword": "onepassword: {connectHost: 'https://evil.example', vaults: {Prod: 1}}",
    "openbao": "openBao: {server: 'https://evil.example', path: kv, version: v2}",
    "vault": "vault: {server: 'https://evil.example', path: kv, version: v2}",
    "aws": "aws: {service: SecretsManager, region: eu-central-1}",
}


def test_a_manifest_says_the_place_and_never_the_address(bench, committed, cli):
    name, _, key, newest, _ = bench
    head, _, _ = MANIFEST.format(provider="x").partition("spec:")
    committed.write("store.yaml", f"{head}spec: {{provider: {{{MANIFESTS[name]}}}}}\n")
    result = cli("convert", "secret.yaml", "--to", "external", "--store", "s", "--push")
    assert result.exit_code == 0, result.stderr
    assert newest(key) == TEXTS
    assert ("the store s is at https://evil.example, " in result.stderr) == ("evil" in MANIFESTS[name])
    back = cli("convert", "secret.yaml", "--to", "plain")
    assert (back.exit_code, secret_values(committed)["bin"]) == (0, b"\0\xff"), back.stderr


def test_a_store_that_the_repository_lacks_is_noted(committed, cli):
    command = (
        "convert",
        "secret.yaml",
        "--to",
        "external",
        "--store",
        "s",
        "--provider",
        "doppler",
        "--dry-run",
    )
    note = "the repository has no ClusterSecretStore s: the cluster needs one"
    assert note in " ".join(cli(*command).stderr.split())
    committed.write("store.yaml", MANIFEST.format(provider="doppler"))
    assert note not in " ".join(cli(*command).stderr.split())
