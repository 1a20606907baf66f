"""`fluxsecrets seal`, `unseal` and `reseal`: what is written, what stays, and what is refused."""

import json
import os
import re
import shutil
import subprocess
from base64 import b64decode

import pytest

from fluxsecrets.sealed.keys import parse_keys
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.yaml import load_documents
from sealing import VECTORS, key_file, make_certificate

SECRET = """\
# for the database
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: apps
  labels: {app: db}
type: Opaque
stringData:
  # changed every month
  password: hunter2-throwaway # not a joke
  user: app
"""
SETTINGS = "environments:\n  staging:\n    sealing_certificates: [certs/staging.pem]\n"
CIPHERTEXT = re.compile(rb"\bAg[A-Za-z0-9+/=]{600,}")


def ciphertexts(data):
    return CIPHERTEXT.findall(data)


def secret_data(data):
    return [
        {key: b64decode(text) for key, text in (each.get("data") or {}).items()}
        | {key: text.encode() for key, text in (each.get("stringData") or {}).items()}
        for each in map(to_data, load_documents(data))
    ]


@pytest.fixture
def sealing(folder):
    """The folder with the vectors' keys and a Secret."""
    for name in ("sealing.crt", "sealing.key", "sealing-new.crt", "sealing-new.key"):
        folder.write(name, key_file(name))
    folder.write("secret.yaml", SECRET)
    return folder


def test_in_place_with_everything_around_the_values_kept(sealing, cli, snapshot):
    result = cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml")
    assert result.exit_code == 0, result.stderr
    data = sealing.read("secret.yaml")
    assert not sealing.leaks(data, result.stdout, result.stderr)
    assert CIPHERTEXT.sub(b"<sealed>", data).decode() == snapshot
    assert result.stdout + result.stderr == snapshot
    assert cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml").stdout.split() == [
        "secret.yaml",
        "unchanged",
    ]
    opened = cli("unseal", "--private-key", "sealing.key", "secret.yaml")
    assert opened.stdout == SECRET


@pytest.mark.parametrize("scope", ["strict", "namespace-wide", "cluster-wide"])
@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_to_a_file_in_each_scope_and_format(sealing, cli, scope, suffix):
    out = f"sealed.{suffix}"
    assert cli("seal", "--cert", "sealing.crt", "--scope", scope, "-o", out, "secret.yaml").exit_code == 0
    assert sealing.read("secret.yaml").decode() == SECRET
    made = sealing.read(out)
    assert made.startswith(b"{") is (suffix == "json")
    annotations = {} if scope == "strict" else {f"sealedsecrets.bitnami.com/{scope}": "true"}
    (data,) = map(to_data, load_documents(made))
    assert data["metadata"].get("annotations", {}) == annotations
    opened = cli("unseal", "--private-key", "sealing.key", out)
    assert secret_data(opened.stdout_bytes) == [{"password": b"hunter2-throwaway", "user": b"app"}]
    if shutil.which("kubeseal"):
        theirs = subprocess.run(
            ["kubeseal", "--recovery-unseal", "--recovery-private-key", "sealing.key", "-o", "json"],
            input=made, capture_output=True, timeout=60, check=True, cwd=sealing.path,
        )  # fmt: skip
        assert secret_data(theirs.stdout) == secret_data(opened.stdout_bytes)


@pytest.mark.skipif(
    shutil.which("kubeseal") is None, reason="kubeseal is not on PATH: it is not asked to seal"
)
def test_what_kubeseal_sealed_now_is_opened(sealing, cli):
    command = ["kubeseal", "--cert", "sealing.crt", "-o", "yaml"]
    made = subprocess.run(
        command, input=SECRET.encode(), capture_output=True, timeout=60, check=True, cwd=sealing.path
    )
    opened = cli("unseal", "-", "--private-key", "sealing.key", stdin=made.stdout)
    assert secret_data(opened.stdout_bytes)[-1] == {"password": b"hunter2-throwaway", "user": b"app"}


def test_standard_input_to_standard_output(sealing, cli):
    result = cli("seal", "--cert", "sealing.crt", "--output-type", "json", "-", stdin=SECRET.encode())
    assert json.loads(result.stdout)["kind"] == "SealedSecret"
    assert not sealing.leaks(result.stdout, result.stderr)
    two = SECRET.replace("db", "one") + "---\n" + SECRET.replace("db", "two")
    made = cli("seal", "--cert", "sealing.crt", "-", stdin=two.encode())
    assert [each["metadata"]["name"] for each in map(to_data, load_documents(made.stdout_bytes))] == [
        "one",
        "two",
    ]
    refused = cli("seal", "--cert", "sealing.crt", "--output-type", "json", "-", stdin=two.encode())
    assert "JSON holds one object" in refused.stderr


def test_a_list_becomes_documents(sealing, cli):
    body = "".join(f"    {line}\n" for line in SECRET.splitlines()[1:]).replace("    api", "  - api", 1)
    sealing.write("secret.yaml", f"apiVersion: v1\nkind: List\nitems:\n{body}")
    assert cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml").exit_code == 0
    assert b"kind: List" not in sealing.read("secret.yaml")


SCOPES = {
    "namespace-wide": {"sealedsecrets.bitnami.com/namespace-wide": "true"},
    "cluster-wide": {"sealedsecrets.bitnami.com/cluster-wide": "true"},
    "both": {
        "sealedsecrets.bitnami.com/namespace-wide": "true",
        "sealedsecrets.bitnami.com/cluster-wide": "true",
    },
    "strict": {"sealedsecrets.bitnami.com/cluster-wide": "false"},
}


@pytest.mark.parametrize("annotations", SCOPES.values(), ids=SCOPES)
def test_the_scope_survives_unseal_and_seal(sealing, cli, annotations):
    sealing.write("secret.yaml", SECRET.replace("type:", f"  annotations: {json.dumps(annotations)}\ntype:"))
    sealed = cli("seal", "--cert", "sealing.crt", "-", stdin=sealing.read("secret.yaml"))
    opened = cli("unseal", "--private-key", "sealing.key", "-", stdin=sealed.stdout_bytes)
    again = cli("seal", "--cert", "sealing.crt", "-", stdin=opened.stdout_bytes)
    assert CIPHERTEXT.sub(b"", again.stdout_bytes) == CIPHERTEXT.sub(b"", sealed.stdout_bytes)
    (data,) = map(to_data, load_documents(opened.stdout_bytes))
    assert data["metadata"]["annotations"] == annotations
    if shutil.which("kubeseal"):
        theirs = subprocess.run(
            ["kubeseal", "--recovery-unseal", "--recovery-private-key", "sealing.key", "-o", "json"],
            input=again.stdout_bytes, capture_output=True, timeout=60, check=True, cwd=sealing.path,
        )  # fmt: skip
        recovered = json.loads(theirs.stdout)
        assert recovered["metadata"]["annotations"] == annotations
        assert secret_data(theirs.stdout) == secret_data(opened.stdout_bytes)


@pytest.mark.parametrize(
    ("own", "template"), [("cluster-wide", None), (None, "cluster-wide"), ("namespace-wide", "cluster-wide")]
)
def test_a_scope_in_one_place_only_is_neither_lost_nor_widened(sealing, cli, own, template):
    """The controller follows the SealedSecret's own annotations, whatever the template has."""
    (data,) = map(to_data, load_documents((VECTORS / "sealed" / f"{own or 'strict'}.json").read_bytes()))
    data["metadata"]["annotations"] = SCOPES[own] if own else {}
    data["spec"]["template"]["metadata"]["annotations"] = SCOPES[template] if template else {}
    opened = cli("unseal", "--private-key", "sealing.key", "-", stdin=json.dumps(data).encode())
    (secret,) = map(to_data, load_documents(opened.stdout_bytes))
    assert secret["metadata"].get("annotations", {}) == (SCOPES[own] if own else {})


def test_raw(sealing, cli):
    raw = ("seal", "--raw", "--cert", "sealing.crt", "--name", "db")
    result = cli(*raw, "--namespace", "apps", stdin=b"hunter2-throwaway")
    assert result.exit_code == 0
    assert not result.stdout.endswith("\n")
    sealing.write(
        "sealed.yaml",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: apps}\n"
        f"spec: {{encryptedData: {{a: {result.stdout}}}}}\n",
    )
    opened = cli("unseal", "--private-key", "sealing.key", "sealed.yaml")
    assert secret_data(opened.stdout_bytes) == [{"a": b"hunter2-throwaway"}]
    assert "binds a value to a namespace" in cli(*raw, stdin=b"x").stderr
    assert "the value is missing" in cli(*raw, "--namespace", "apps").stderr
    missing = cli("seal", "--raw", "--cert", "sealing.crt", "--namespace", "apps", stdin=b"x")
    assert "binds a value to the Secret's name" in missing.stderr


@pytest.mark.parametrize("given", ["item=value", "value", "stdin"])
def test_raw_from_a_file_as_kubectl_names_it(sealing, cli, given):
    sealing.write("value", b"hunter2-throwaway\n")
    raw = ("--raw", "--name", "db", "-n", "apps", "--from-file", "/dev/stdin" if given == "stdin" else given)
    made = cli("seal", "--cert", "sealing.crt", *raw, stdin=sealing.read("value"))
    opened = cli("unseal", "--private-key", "sealing.key", *raw[:-2], stdin=made.stdout_bytes)
    assert opened.stdout_bytes == b"hunter2-throwaway\n"
    assert "--raw takes one value" in cli("seal", "--cert", "sealing.crt", *raw, "--from-file", "x").stderr
    assert "--from-file is for one value" in cli("seal", "secret.yaml", "--from-file", "value").stderr


def test_a_merge_does_not_move_a_sealed_secret(sealing, cli):
    sealing.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    before = sealing.read("sealed.yaml")
    args = ("seal", "--cert", "sealing.crt", "--merge-into", "sealed.yaml", "-")
    for other in (("--scope", "cluster-wide"), ("--namespace", "x"), ("--name", "x")):
        result = cli(*args, *other, stdin=SECRET.encode())
        assert (result.exit_code, "was requested" in result.stderr) == (2, True)
    assert sealing.read("sealed.yaml") == before
    assert cli(*args, "--scope", "strict", "--namespace", "apps", stdin=SECRET.encode()).exit_code == 0


def test_the_certificate_of_kubeseals_variable(sealing, cli, monkeypatch):
    monkeypatch.setenv("SEALED_SECRETS_CERT", (sealing.path / "sealing.crt").as_uri())
    result = cli("seal", "-", stdin=SECRET.encode())
    assert result.exit_code == 0, result.stderr
    assert "sealing for sealing.crt (from SEALED_SECRETS_CERT): C3:F9" in result.stderr


def test_merge_into_keeps_all_else(sealing, cli, snapshot):
    sealing.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes() + b"    # the end\n")
    before = sealing.read("sealed.yaml")
    new = "kind: Secret\napiVersion: v1\nmetadata: {labels: {t: b}}\nstringData: {password: s3cr3t, new: x}\n"
    args = ("seal", "--cert", "sealing.crt", "--merge-into", "sealed.yaml", "-")
    result = cli(*args, "--private-key", "sealing.key", stdin=new.encode())
    assert result.exit_code == 0, result.stderr
    after = sealing.read("sealed.yaml")
    assert [each in ciphertexts(after) for each in ciphertexts(before)] == [True, True, True]
    assert CIPHERTEXT.sub(b"<sealed>", after).decode() == snapshot
    assert result.stderr == snapshot
    opened = cli("unseal", "--private-key", "sealing.key", "sealed.yaml")
    assert secret_data(opened.stdout_bytes)[-1]["new"] == b"x"
    # Without a key nothing shows that a value is the same, so it is sealed anew.
    assert "2 changed" in cli(*args, stdin=new.encode()).stderr
    assert (
        "the file to merge into does not exist"
        in cli(*args[:3], "--merge-into", "no.yaml", "-", stdin=new.encode()).stderr
    )


def test_unchanged_values_keep_their_ciphertext(sealing, cli, git):
    git(sealing.path, "init", "--quiet")
    args = ("seal", "--cert", "sealing.crt", "-o", "sealed.yaml", "secret.yaml")
    assert cli(*args).exit_code == 0
    git(sealing.path, "add", "--all")
    git(sealing.path, "commit", "--quiet", "--message", "sealed")
    first = sealing.read("sealed.yaml")
    # HEAD has the Secret and its sealed form: that shows it.
    sealing.write("secret.yaml", SECRET.replace("user: app", "user: other"))
    result = cli(*args)
    assert "sealed 2 values, 1 of them unchanged" in result.stderr
    kept = set(ciphertexts(first)) & set(ciphertexts(sealing.read("sealed.yaml")))
    assert len(kept) == 1
    assert cli(*args, "--renew").exit_code == 0
    assert not set(ciphertexts(first)) & set(ciphertexts(sealing.read("sealed.yaml")))
    # In place, only the private key can tell.
    sealing.write("secret.yaml", first)
    git(sealing.path, "commit", "--all", "--quiet", "--message", "in place")
    for extra, count in (((), 0), (("--private-key", "sealing.key"), 1)):
        sealing.write("secret.yaml", SECRET.replace("user: app", "user: other"))
        assert cli("seal", "--for-others", "--cert", "sealing.crt", *extra, "secret.yaml").exit_code == 0
        assert len(set(ciphertexts(first)) & set(ciphertexts(sealing.read("secret.yaml")))) == count


def test_from_a_file_that_sops_encrypted(sealing, cli):
    assert cli("encrypt", "secret.yaml").exit_code == 0
    encrypted = sealing.read("secret.yaml")
    refused = cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml")
    assert "encrypted with SOPS" in refused.stderr
    result = cli("seal", "--cert", "sealing.crt", "-o", "sealed.yaml", "secret.yaml")
    assert result.exit_code == 0
    assert "2 comments were encrypted and can be read now" in result.stderr
    assert sealing.read("secret.yaml") == encrypted
    assert cli("seal", "--cert", "sealing.crt", "-o", "bare.yaml", "--comments", "drop", "secret.yaml").stderr
    assert b"every month" not in sealing.read("bare.yaml")


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# hunter2-throwaway, as before", "holds the value of 'password'"),
        ("# aHVudGVyMi10aHJvd2F3YXk=", "holds the value of 'password'"),
        ("# password: hunter1-throwaway", "commented out"),
    ],
)
def test_comments_that_would_leak_are_refused(sealing, cli, comment, words):
    sealing.write("secret.yaml", SECRET.replace("# changed every month", comment))
    before = sealing.files()
    result = cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "secret.yaml:10" in result.stderr
    assert not sealing.leaks(result.stdout, result.stderr)
    assert sealing.files() == before
    assert (
        cli("seal", "--for-others", "--cert", "sealing.crt", "--comments", "drop", "secret.yaml").exit_code
        == 0
    )
    assert b"# for the database" in sealing.read("secret.yaml")
    assert comment.encode() not in sealing.read("secret.yaml")


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        (("  namespace: apps\n", ""), (), "has no namespace"),
        (("  name: db\n", ""), (), "has no name"),
        (("", ""), ("--namespace", "other"), "is in the namespace 'apps', but 'other' was requested"),
        (
            SECRET.partition("stringData")[1:] and (SECRET[SECRET.index("stringData") :], ""),
            (),
            "has no values",
        ),
        (("kind: Secret", "kind: ConfigMap"), (), "it contains no Secret"),
        (("user: app", "user: 5"), (), "'user' is not a string"),
        (("stringData:", "stringData: ["), (), "not valid YAML"),
    ],
    ids=["namespace", "name", "other namespace", "empty", "no secret", "number", "no yaml"],
)
def test_what_is_refused_changes_nothing(sealing, cli, change, arguments, words):
    sealing.write("secret.yaml", SECRET.replace(*change) if change[0] else SECRET)
    before = sealing.files()
    result = cli("seal", "--cert", "sealing.crt", *arguments, "secret.yaml")
    assert result.exit_code == 2
    assert words.lower() in result.stderr.lower()
    assert "secret.yaml" in result.stderr
    assert not sealing.leaks(result.stdout, result.stderr)
    assert sealing.files() == before


def test_given_names_and_empty_data(sealing, cli):
    sealing.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {}\ndata: {a: ''}\n")
    args = (
        "seal",
        "--for-others",
        "--cert",
        "sealing.crt",
        "secret.yaml",
        "--name",
        "db",
        "--namespace",
        "apps",
    )
    assert cli(*args).exit_code == 0
    opened = cli("unseal", "--private-key", "sealing.key", "secret.yaml")
    assert secret_data(opened.stdout_bytes) == [{"a": b""}]
    sealing.write("secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {}\n")
    assert cli(*args, "--allow-empty-data").exit_code == 0
    assert b"encryptedData: {}" in sealing.read("secret.yaml")


@pytest.mark.parametrize(("start", "end", "words"), [(-9, -1, "expired on"), (1, 9, "not valid before")])
def test_certificates_that_are_not_valid_now(sealing, cli, start, end, words):
    sealing.write("old.crt", make_certificate(start, end))
    result = cli("seal", "--for-others", "--cert", "old.crt", "secret.yaml")
    assert result.exit_code == 2
    assert words in result.stderr
    assert sealing.read("secret.yaml").decode() == SECRET


def test_a_certificate_that_ends_soon_is_told_of(sealing, cli):
    sealing.write("old.crt", make_certificate(-9, 3))
    assert (
        "warning: the certificate old.crt expires in 2 days"
        in cli("seal", "--for-others", "--cert", "old.crt", "secret.yaml").stderr
    )


def test_values_that_flux_would_have_changed_are_told_of(sealing, cli):
    sealing.write("secret.yaml", SECRET.replace("user: app", "user: app-${name}\n  ref: op://vault/item"))
    result = cli("seal", "--for-others", "--cert", "sealing.crt", "secret.yaml")
    assert "user: contains ${…}" in result.stderr
    assert "ref: is a reference" in result.stderr


@pytest.fixture
def waddle_sealing(waddle):
    """The example, with a sealing certificate for staging."""
    (waddle / "certs").mkdir(exist_ok=True)
    (waddle / "certs" / "staging.pem").write_bytes(key_file("sealing.crt"))
    (waddle / ".fluxsecrets.yaml").write_text(SETTINGS)
    (waddle / "old.key").write_bytes(key_file("sealing.key"))
    return waddle


def test_the_environment_names_the_certificate(waddle_sealing, cli):
    path = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    result = cli("seal", path)
    assert result.exit_code == 0, result.stderr
    assert "sealing for certs/staging.pem: C3:F9:E8:44:B9:B5:F2:80…, 4096 bits, until 2036" in result.stderr
    other = cli("seal", "apps/cloudnative-pg/overlays/production/secrets.yaml")
    assert "no certificate to seal for" in other.stderr
    assert "has no sealing certificate" in cli("seal", "--env", "production").stderr
    assert "there is no environment 'stagin'" in cli("seal", "--env", "stagin").stderr


def test_an_environment_and_what_it_shares(waddle_sealing, cli):
    shared = waddle_sealing / "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    before = shared.read_bytes()
    result = cli("seal", "--env", "staging")
    assert result.exit_code == 0, result.stderr
    assert shared.read_bytes() == before
    assert "not sealed: production uses it too" in result.stderr
    assert "7 files: 5 sealed, 2 unchanged" in result.stderr
    assert (
        "SealedSecret"
        in (waddle_sealing / "clusters/staging/infrastructure/cluster-settings.yaml").read_text()
    )
    named = cli("seal", "--cert", "certs/staging.pem", shared)
    assert "production uses it, and can't open what is sealed" in named.stderr
    assert b"SealedSecret" in shared.read_bytes()


def test_the_namespace_is_the_one_that_kustomize_sets(waddle_sealing, cli):
    path = waddle_sealing / "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    path.write_text(
        path.read_text().replace("  namespace: databases\n", "", 1).replace("databases", "elsewhere")
    )
    result = cli("seal", "--for-others", path.relative_to(waddle_sealing))
    assert result.exit_code == 0, result.stderr
    assert "sealed for the namespace databases" in result.stderr
    sealed = [to_data(each) for each in load_documents(path.read_bytes()) if to_data(each)]
    assert {each["metadata"]["namespace"] for each in sealed} == {"databases"}
    assert cli("unseal", "--private-key", "old.key", path).exit_code == 0


def test_a_name_that_kustomize_changes_is_refused(waddle_sealing, cli):
    kustomization = waddle_sealing / "apps/cloudnative-pg/overlays/staging/kustomization.yaml"
    kustomization.write_text(kustomization.read_text() + "namePrefix: x-\n")
    path = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    assert "is called 'x-postgres-superuser' in the cluster" in cli("seal", path).stderr
    assert cli("seal", "--scope", "namespace-wide", path).exit_code == 0


def test_unseal_says_what_is_missing(sealing, cli):
    sealing.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    assert "no private key of a controller" in cli("unseal", "sealed.yaml").stderr
    wrong = cli("unseal", "--private-key", "sealing-new.key", "sealed.yaml")
    assert "none of the private keys opens multi, password, raw" in wrong.stderr
    assert "sealing-new.key: 4096 bits" in wrong.stderr
    assert "contains no SealedSecret" in cli("unseal", "--private-key", "sealing.key", "secret.yaml").stderr


def test_keys_from_the_environment_and_from_an_encrypted_backup(sealing, cli, monkeypatch):
    sealing.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    pem = "".join(f"    {line}\n" for line in key_file("sealing.key").decode().splitlines())
    sealing.write(
        "backup.yaml",
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData:\n  tls.key: |\n{pem}",
    )
    assert cli("encrypt", "backup.yaml").exit_code == 0
    assert len(parse_keys(key_file("sealing.key"), "x")) == 1
    monkeypatch.setenv("FLUXSECRETS_SEALING_KEYS", os.pathsep.join(["sealing-new.key", "backup.yaml"]))
    opened = cli("unseal", "--output-type", "json", "sealed.yaml")
    assert json.loads(opened.stdout)["stringData"]["password"] == "s3cr3t"


def test_reseal_changes_the_values_alone(waddle_sealing, cli, git, snapshot):
    (waddle_sealing / "certs" / "new.pem").write_bytes(key_file("sealing-new.crt"))
    (waddle_sealing / "new.key").write_bytes(key_file("sealing-new.key"))
    path = waddle_sealing / "apps/observability/overlays/staging/grafana-oauth-sealed.yaml"
    before = path.read_bytes()
    args = ("reseal", "--env", "staging", "--cert", "certs/new.pem", "--private-key", "old.key")
    assert "would reseal" in cli(*args, "--dry-run").stdout
    assert path.read_bytes() == before
    result = cli(*args)
    assert (result.exit_code, result.stdout + result.stderr) == (0, snapshot)
    after = path.read_bytes()
    assert CIPHERTEXT.sub(b"", after) == CIPHERTEXT.sub(b"", before)
    assert not set(ciphertexts(before)) & set(ciphertexts(after))
    # The old key alone does not open it any more; with the new one there is nothing to do.
    failed = cli(*args)
    assert (failed.exit_code, "none of the private keys opens" in failed.stderr) == (2, True)
    again = cli(*args, "--private-key", "new.key")
    assert (again.exit_code, "1 unchanged" in again.stderr) == (0, True)
    assert path.read_bytes() == after


def test_reseal_to_another_place(sealing, cli, snapshot):
    sealing.write("sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    args = ("reseal", "--cert", "sealing.crt", "--private-key", "sealing.key", "sealed.yaml")
    result = cli(*args, "--namespace", "other", "--name", "db2", "--scope", "namespace-wide")
    assert result.exit_code == 0, result.stderr
    assert CIPHERTEXT.sub(b"<sealed>", sealing.read("sealed.yaml")).decode() == snapshot
    assert cli("unseal", "--private-key", "sealing.key", "sealed.yaml").exit_code == 0
    assert cli(*args, "--scope", "strict").exit_code == 0
    assert b"namespace-wide" not in sealing.read("sealed.yaml")
    assert cli("unseal", "--private-key", "sealing.key", "sealed.yaml").exit_code == 0


def test_reseal_lists_what_does_not_open_and_does_the_others(sealing, cli):
    good = (VECTORS / "sealed" / "strict.yaml").read_bytes()
    sealing.write("sealed/good.yaml", good)
    sealing.write("sealed/moved.yaml", good.replace(b"name: db", b"name: other"))
    sealing.write("sealed/cut.yaml", good.replace(ciphertexts(good)[0][:-40], ciphertexts(good)[0][:400]))
    sealing.write(
        "sealed/configmap.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: SealedSecret}\n"
    )
    result = cli("reseal", "--cert", "sealing-new.crt", "--private-key", "sealing.key", "sealed")
    assert result.exit_code == 2
    assert "3 files: 1 resealed, 2 failed" in result.stderr
    assert "sealed/cut.yaml:9: the value of 'multi'" in result.stderr
    assert cli("unseal", "--private-key", "sealing-new.key", "sealed/good.yaml").exit_code == 0


def test_a_list_of_sealed_secrets_is_sealed_anew_in_its_place(sealing, cli):
    item = json.loads((VECTORS / "sealed" / "strict.json").read_text())
    sealing.write(
        "list.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [item, item]}, indent=1)
    )
    args = ("reseal", "--cert", "sealing-new.crt", "--private-key", "sealing.key", "list.json")
    assert "list.json   resealed   6 values" in cli(*args).stdout
    assert "can't be moved" in cli(*args, "--private-key", "sealing-new.key", "--namespace", "x").stderr


def test_an_interrupted_run_is_told_of_and_ended(sealing, cli, monkeypatch):
    sealing.write("a.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    sealing.write("b.yaml", (VECTORS / "sealed" / "cluster-wide.yaml").read_bytes())
    before = sealing.files()
    from fluxsecrets.ops.run import settling

    def die(*_args, **_options):
        raise KeyboardInterrupt

    args = ("reseal", "--cert", "sealing-new.crt", "--private-key", "sealing.key", "a.yaml", "b.yaml")
    with monkeypatch.context() as patch:
        patch.setattr(settling, "_replace", die)
        assert cli(*args).exit_code == 130
    assert "was interrupted here" in cli(*args).stderr
    assert cli("reseal", "--abort").stderr == "2 files: taken back\n"
    after = {name: data for name, data in sealing.files().items() if not name.startswith(".fluxsecrets")}
    assert after == before
    with monkeypatch.context() as patch:
        patch.setattr(settling, "_replace", die)
        cli(*args)
    assert cli("reseal", "--resume").exit_code == 0
    assert cli("unseal", "--private-key", "sealing-new.key", "a.yaml").exit_code == 0
    assert "nothing was interrupted" in cli("reseal", "--resume").stderr
