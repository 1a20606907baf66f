"""`fluxsecrets convert --to external` per kind of store: manifests that fit, and not a word of values."""

import pytest

from fluxsecrets.external.stores import STORES
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.yaml import load_documents

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
