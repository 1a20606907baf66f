"""`fluxsecrets convert`: the same Secrets in every form, with what refers to them, and nothing lost."""

import json
import re
from base64 import b64decode

import pytest

from fluxsecrets.errors import FileAccessError
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.yaml import load_documents
from sealing import VECTORS, key_file
from vaultserver import KV1, TOKEN, vault_server

pytest.importorskip("hvac")

CIPHERTEXT = re.compile(r"\bAg[A-Za-z0-9+/=]{600,}|ENC\[[^\]]*\]")
SETTINGS = "environments:\n  staging:\n    sealing_certificates: [certs/staging.pem]\n"
RULES = "creation_rules:\n  - path_regex: {}\n    encrypted_regex: ^(data|stringData)$\n    age: {}\n"


@pytest.fixture
def vault(monkeypatch):
    for name in ("VAULT_NAMESPACE", "VAULT_CACERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    with vault_server() as server:
        monkeypatch.setenv("VAULT_ADDR", server.address)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield server


@pytest.fixture
def infra(waddle, monkeypatch):
    """The example with everything that staging needs to be sealed, its Secrets encrypted and committed."""
    (waddle / "certs").mkdir(exist_ok=True)
    (waddle / "certs" / "staging.pem").write_bytes(key_file("sealing.crt"))
    (waddle / ".fluxsecrets.yaml").write_text(SETTINGS)
    key = waddle.parent / "sealing.key"
    key.write_bytes(key_file("sealing.key"))
    monkeypatch.setenv("FLUXSECRETS_SEALING_KEYS", str(key))
    return waddle


@pytest.fixture
def encrypted_infra(infra, cli, git):
    assert cli("encrypt", "--env", "staging").exit_code == 0
    git(infra, "add", "--all")
    git(infra, "commit", "--quiet", "--message", "encrypted")
    return infra


@pytest.fixture
def sealing(folder, monkeypatch):
    """The folder with the vectors' keys, a rule for all YAML files, and git."""
    folder.write("sealing.crt", key_file("sealing.crt"))
    key = folder.write("sealing.key", key_file("sealing.key"))
    monkeypatch.setenv("FLUXSECRETS_SEALING_KEYS", str(key))
    folder.rules(RULES.format(r"\.(yaml|json)$", folder.recipient))
    return folder


def secrets_of(cli, root):
    """What the cluster would get of all Secrets: values, type, labels and annotations, by place."""
    found = {}
    for path in sorted(root.rglob("*.yaml")) + sorted(root.rglob("*.json")):
        if b"Secret" not in path.read_bytes() or path.name.startswith("."):
            continue
        shown = cli("decrypt", path)
        data = shown.stdout_bytes if shown.exit_code == 0 else path.read_bytes()
        for each in map(to_data, load_documents(data)):
            if not isinstance(each, dict) or each.get("kind") != "Secret":
                continue
            values = {key: b64decode(text) for key, text in (each.get("data") or {}).items()}
            values |= {key: text.encode() for key, text in (each.get("stringData") or {}).items()}
            metadata = each["metadata"]
            place = (str(path.parent.relative_to(root)), metadata.get("namespace"), metadata["name"])
            rest = (each.get("type", "Opaque"), metadata.get("labels"), metadata.get("annotations"))
            found[place] = (values, rest)
    return found


def ok(result):
    assert result.exit_code == 0, result.stdout + result.stderr
    return result


def test_an_environment_to_each_form_and_back_is_the_same(encrypted_infra, cli, vault):
    root = encrypted_infra
    before = secrets_of(cli, root)
    external = (
        "--to",
        "external",
        "--store",
        "vault-backend",
        "--key-template",
        "{environment}/{namespace}/{name}",
    )
    ok(cli("convert", "--env", "staging", "--to", "sealed", "--plain-others"))
    sealed = secrets_of(cli, root)
    assert set(before) - set(sealed) == {
        ("apps/cloudnative-pg/overlays/staging", "databases", "backup-store"),
        ("apps/cloudnative-pg/overlays/staging", "databases", "postgres-app"),
        ("apps/cloudnative-pg/overlays/staging", "databases", "postgres-superuser"),
        ("apps/observability/overlays/staging", "observability", "alertmanager-config"),
        ("apps/observability/overlays/staging", "observability", "grafana-admin"),
        ("apps/spicedb/overlays/staging", "spicedb", "waddle-registry"),
        ("clusters/staging/infrastructure", "flux-system", "cluster-secrets"),
        ("clusters/staging/infrastructure", "kube-system", "cilium-bgp-auth"),
    }
    ok(cli("convert", "--env", "staging", "--to", "sops"))
    back = secrets_of(cli, root)
    oauth = back.pop(("apps/observability/overlays/staging", "observability", "grafana-oauth"))
    assert back == before
    assert oauth[0].keys() == {"GF_AUTH_GENERIC_OAUTH_CLIENT_ID", "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET"}
    # A file that production uses, too, can't have a key with one of the two in it.
    shared = root / "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    kept = shared.read_bytes()
    result = cli("convert", "--env", "staging", *external, "--push", "--plain-others")
    assert (result.exit_code, shared.read_bytes()) == (2, kept)
    assert result.stderr.count("error:") == result.stderr.count("production and staging share this file")
    assert vault.newest("staging/databases/postgres-app")["username"] == "spicedb"
    assert not [place for place in secrets_of(cli, root) if "staging" in place[0]]
    ok(cli("convert", "--env", "staging", "--to", "sops"))
    again = secrets_of(cli, root)
    assert again.pop(("apps/observability/overlays/staging", "observability", "grafana-oauth")) == oauth
    assert again == before


def test_one_secret_through_all_forms_keeps_its_text(encrypted_infra, cli, vault, snapshot):
    path = encrypted_infra / "apps/cloudnative-pg/overlays/staging/secrets.yaml"
    plain = cli("decrypt", path).stdout
    args = ("convert", path.relative_to(encrypted_infra), "--to")
    shown = []
    for form in (
        ("sealed",),
        ("sops",),
        ("external", "--store", "vault-backend", "--push"),
        ("sops",),
        ("plain",),
    ):
        result = ok(cli(*args, *form))
        shown.append(
            CIPHERTEXT.sub("<hidden>", result.stdout + result.stderr.replace(vault.address, "VAULT"))
        )
        if form[0] in ("sealed", "external"):
            shown.append(CIPHERTEXT.sub("<hidden>", path.read_text()))
    assert "\n".join(shown) == snapshot
    # Quotes and `data` become what is simplest; comments, order and values stay.
    assert re.findall("#.*", path.read_text()) == re.findall("#.*", plain)
    assert "yaml   converted   7 values   sops → plain" in result.stdout
    assert "plain text is on disk now" in result.stderr


def test_names_and_kustomizations_follow(infra, cli, git):
    ok(cli("convert", "apps/observability/overlays/staging/grafana-oauth-sealed.yaml", "--to", "sops"))
    kustomization = infra / "apps/observability/overlays/staging/kustomization.yaml"
    assert "  - grafana-oauth.yaml\n" in kustomization.read_text()
    diff = git(infra, "diff", "--numstat", "--", str(kustomization))
    assert diff.split()[:2] == ["1", "1"]
    assert not kustomization.with_name("grafana-oauth-sealed.yaml").exists()


def test_dry_run_says_it_all_and_writes_nothing(infra, cli, vault, git, snapshot):
    path = "apps/observability/overlays/staging/grafana-oauth-sealed.yaml"
    result = ok(cli("convert", path, "--to", "external", "--store", "vault-backend", "--push", "--dry-run"))
    assert (result.stdout + result.stderr.replace(vault.address, "VAULT")) == snapshot
    assert git(infra, "status", "--short", "--", "apps") == ""
    assert not vault.secrets


@pytest.mark.parametrize(
    ("old", "to", "new"),
    [
        ("db.sops.yaml", "sealed", "db.sealed.yaml"),
        ("db.enc.json", "plain", "db.json"),
        ("db-sealed.yaml", "external", "db-external.yaml"),
        ("db-external.yaml", "sops", "db.yaml"),
        ("sealed-db.yaml", "sops", "db.yaml"),
        ("db.sealed.yaml", "sops", "db.sops.yaml"),
        ("unsealed.yaml", "sops", "unsealed.yaml"),
        ("db-sealedsecret.yaml", "plain", "db.yaml"),
        ("a.sops.d/db.yaml", "sealed", "a.sops.d/db.yaml"),
    ],
)
def test_names_that_say_what_is_in_them(old, to, new):
    from fluxsecrets.ops.convert.forms import Form
    from fluxsecrets.ops.convert.naming import renamed

    assert renamed(old, Form(to)) == new


def test_a_name_is_made_to_fit_the_rule(sealing, cli):
    sealing.rules(RULES.format(r"\.sops\.yaml$", sealing.recipient))
    sealing.write("db-sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    sealing.write("taken.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    ok(cli("convert", "db-sealed.yaml", "--to", "sops"))
    assert b"sops:" in sealing.read("db.sops.yaml")
    assert "no creation rule of .sops.yaml matches" in cli("convert", "taken.yaml", "--to", "sops").stderr
    sealing.write("a-sealed.yaml", sealing.read("taken.yaml"))
    sealing.write("a.sops.yaml", "kind: x\n")
    assert "that file exists" in cli("convert", "a-sealed.yaml", "--to", "sops").stderr
    assert "no creation rule" in cli("convert", "a-sealed.yaml", "--to", "sops", "--keep-names").stderr


def test_flux_gets_decryption_where_it_has_none(infra, cli, git):
    target = infra / "clusters/staging/infrastructure.yaml"
    text = target.read_text()
    block = text[text.index("  # For infrastructure/cluster-settings.yaml") :]
    target.write_text(text.replace(block, ""))
    ok(cli("convert", "clusters/staging/infrastructure/cluster-settings.yaml", "--to", "sealed"))
    git(infra, "commit", "--all", "--quiet", "--message", "sealed")
    result = ok(cli("convert", "clusters/staging/infrastructure/cluster-settings.yaml", "--to", "sops"))
    assert "the Kustomization infrastructure gets `decryption` with the Secret sops-age" in result.stderr
    added = "  decryption:\n    provider: sops\n    secretRef:\n      name: sops-age\n"
    assert target.read_text() == text.replace(block, "") + added
    changed = git(infra, "diff", "--name-only").split()
    assert changed == [
        "clusters/staging/infrastructure.yaml",
        "clusters/staging/infrastructure/cluster-settings.yaml",
    ]


def test_what_two_clusters_use_is_not_sealed_for_one(encrypted_infra, cli):
    path = encrypted_infra / "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    before = path.read_bytes()
    result = ok(cli("convert", "--env", "staging", "--to", "sealed", "--plain-others"))
    assert path.read_bytes() == before
    assert "production uses it too" in result.stderr
    assert "2 left as it is" in result.stderr
    assert "3 files that secretGenerators read stay unchanged: apps/spicedb" in result.stderr
    # Where both are known to have the same certificate, it can be.
    entry = SETTINGS.partition("\n")[2]
    settings = SETTINGS + entry.replace("staging:", "production:")
    (encrypted_infra / ".fluxsecrets.yaml").write_text(settings)
    ok(cli("convert", "--env", "staging", "--to", "sealed"))
    assert b"SealedSecret" in path.read_bytes()


def test_neighbours_that_sops_hides_are_not_shown_without_leave(encrypted_infra, cli):
    path = "clusters/staging/infrastructure/cluster-settings.yaml"
    before = (encrypted_infra / path).read_bytes()
    result = cli("convert", path, "--to", "sealed")
    assert result.exit_code == 2
    assert "ConfigMap cluster-settings in it is encrypted with SOPS too" in result.stderr
    assert (encrypted_infra / path).read_bytes() == before


@pytest.mark.parametrize("scope", ["strict", "namespace-wide", "cluster-wide"])
@pytest.mark.parametrize("form", ["sops", "plain", "external"])
def test_the_scope_survives_each_form_and_back(sealing, cli, vault, scope, form):
    before = (VECTORS / "sealed" / f"{scope}.yaml").read_bytes()
    sealing.write("sealed.yaml", before)
    store = ("--provider", "vault", "--mount", "kv")
    ok(cli("convert", "sealed.yaml", "--to", form, *store, "--store", "v", "--push", "--for-others"))
    back = ok(cli("convert", "sealed.yaml", "--to", "sealed", "--cert", "sealing.crt", *store))
    assert scope in back.stdout

    def metadata(data):
        found = to_data(load_documents(data)[-1])
        return (
            found["metadata"],
            found["spec"]["template"]["metadata"],
            sorted(found["spec"]["encryptedData"]),
        )

    assert metadata(sealing.read("sealed.yaml")) == metadata(before)


def test_what_the_store_has_is_shown_and_not_overwritten(sealing, cli, vault):
    args = (
        "convert",
        "secret.yaml",
        "--to",
        "external",
        "--store",
        "v",
        "--provider",
        "vault",
        "--mount",
        "kv",
    )
    template = ("--key-template", "apps/{name}", "--push")
    sealing.write("secret.yaml", sealing.secret + "  user: app\n  same: x\n")
    before = sealing.files()
    vault.put("apps/db", {"password": "other", "same": "x", "more": "kept"})
    result = cli(*args, *template)
    assert result.exit_code == 2
    assert "apps/db: 1 new, overwrites password, 1 already there" in result.stderr
    assert "would be overwritten" in result.stderr
    assert not sealing.leaks(result.stdout, result.stderr)
    assert (sealing.files(), len(vault.secrets["kv", "apps/db"])) == (before, 1)
    ok(cli(*args, *template, "--overwrite"))
    expected = {"password": sealing.marker, "same": "x", "more": "kept", "user": "app"}
    assert vault.newest("apps/db") == expected
    assert b"kind: ExternalSecret" in sealing.read("secret.yaml")
    assert not sealing.leaks(sealing.read("secret.yaml"))
    # A file that comes back needs the store, and the names of provider and mount.
    ok(cli("convert", "secret.yaml", "--to", "plain", "--provider", "vault", "--mount", "kv"))
    assert sealing.read("secret.yaml").decode() == sealing.secret + "  user: app\n  same: x\n"


def test_somebody_is_faster_and_no_file_changes(sealing, cli, vault):
    sealing.write("secret.yaml")
    before = sealing.files()
    vault.before_write = lambda: vault.put("db", {"x": "y"})
    args = ("--store", "v", "--provider", "vault", "--mount", "kv", "--key-template", "{name}", "--push")
    result = cli("convert", "secret.yaml", "--to", "external", *args)
    assert result.exit_code == 2
    assert "was changed in the store meanwhile" in result.stderr
    assert sealing.files() == before


STORE = ("--to", "external", "--store", "v", "--provider", "vault", "--mount", "kv", "--push")


def test_a_mount_of_version_1_gets_nothing(sealing, cli, vault):
    """It would take the values, and return them from where the operator doesn't look."""
    vault.mounts = {"kv": KV1}
    sealing.write("secret.yaml")
    before = sealing.files()
    result = cli("convert", "secret.yaml", *STORE, "--key-template", "{name}")
    assert result.exit_code == 2
    assert "the mount is KV version 1" in result.stderr
    assert (sealing.files(), vault.secrets) == (before, {})


def test_what_was_written_before_a_failure_is_listed_and_the_run_continues(sealing, cli, vault):
    for name in ("a", "b", "c"):
        sealing.write(f"s/{name}.yaml", sealing.secret.replace("name: db", f"name: {name}"))
    before = sealing.files()
    vault.refused = {"b"}
    args = ("convert", "s", *STORE, "--key-template", "{name}")
    result = cli(*args)
    assert result.exit_code == 2
    assert f"already written: Vault {vault.address}, kv: a\n" in result.stderr
    assert "no file was changed; run the same command again to continue" in result.stderr
    assert not sealing.leaks(result.stdout, result.stderr)
    assert sealing.files() == before
    assert [key for _, key in vault.secrets] == ["a"]
    vault.refused = set()
    again = ok(cli(*args))
    assert "kv: a: 1 already there" in again.stderr
    assert {key: len(versions) for (_, key), versions in vault.secrets.items()} == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, FileAccessError("the disk is full")])
def test_a_run_that_ends_between_store_and_files_says_what_is_written(
    sealing, cli, vault, monkeypatch, error
):
    from fluxsecrets.ops.convert import convert as module

    def fail(*_args):
        raise error

    sealing.write("secret.yaml")
    monkeypatch.setattr(module, "write_files", fail)
    result = cli("convert", "secret.yaml", *STORE, "--key-template", "{name}")
    assert result.exit_code in (2, 130)
    assert f"already written: Vault {vault.address}, kv: db\n" in result.stderr


def test_a_file_of_two_environments_has_no_path_with_one_of_them(infra, cli, vault):
    path = "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    before = (infra / path).read_bytes()
    store = ("--to", "external", "--store", "vault-backend", "--push", "--key-template")
    for chosen in ((path,), ("--env", "staging", "--plain-others")):
        result = cli("convert", *chosen, *store, "{environment}/{name}")
        assert result.exit_code == 2
        assert "production and staging share this file" in result.stderr
        assert (infra / path).read_bytes() == before
        assert not [key for _, key in vault.secrets if "proxmox" in key]
    ok(cli("convert", path, *store, "shared/{name}"))
    # A file of one environment needs no --env.
    ok(cli("convert", "apps/spicedb/overlays/production/registry.json", *store, "{environment}/{name}"))
    assert [key for _, key in vault.secrets if key.startswith("production/")]


def test_a_template_with_an_environment_needs_one(sealing, cli, vault):
    sealing.write("secret.yaml")
    result = cli("convert", "secret.yaml", *STORE, "--key-template", "{environment}/{name}")
    assert "but no environment uses this file" in result.stderr


def test_the_token_goes_where_the_environment_says(infra, cli, vault, monkeypatch):
    args = (
        "apps/cloudnative-pg/overlays/staging/secrets.yaml",
        "--to",
        "external",
        "--store",
        "vault-backend",
        "--push",
    )
    result = ok(cli("convert", *args))
    assert "the store vault-backend is at https://vault.waddle.example, VAULT_ADDR says" in result.stderr
    assert {token for _, _, token in vault.asked} == {TOKEN}
    monkeypatch.delenv("VAULT_ADDR")
    back = cli("convert", "apps/cloudnative-pg/overlays/staging/secrets.yaml", "--to", "plain")
    assert "VAULT_ADDR is not the address of a Vault" in back.stderr
    assert TOKEN not in back.stderr


def test_without_push_the_values_must_be_in_git(sealing, cli, git):
    sealing.write("secret.yaml")
    args = ("convert", "secret.yaml", "--to", "external", "--store", "v", "--key-template", "{name}")
    assert "its values would be lost" in cli(*args).stderr
    git(sealing.path, "init", "--quiet")
    sealing.write(".gitignore", "secret.yaml\n")
    assert "its values would be lost" in cli(*args).stderr
    sealing.write(".gitignore", "")
    git(sealing.path, "add", "--all")
    git(sealing.path, "commit", "--quiet", "--message", "all")
    result = ok(cli(*args))
    assert "nothing was pushed: its values are only in git's history" in result.stderr


def test_binary_values_labels_and_types_come_back(sealing, cli, vault):
    text = (
        "# top\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db # named\n  namespace: apps\n"
        "  labels: {app: db}\n  annotations:\n    # why\n    note: hi\n"
        "    kustomize.toolkit.fluxcd.io/prune: disabled\ntype: kubernetes.io/tls\nimmutable: true\n"
        "data:\n  # not text\n  bin: AP8=\n  ref: JHtWQVJ9 # ${VAR}\n"
        "stringData:\n  tls.crt: |\n    a\n    b\n"
    )
    sealing.write("secret.yaml", text)
    store = ("--store", "v", "--provider", "vault", "--mount", "kv", "--push")
    ok(cli("convert", "secret.yaml", "--to", "external", *store))
    assert vault.newest("apps/db") == {"bin": "AP8=", "ref": "${VAR}", "tls.crt": "a\nb\n"}
    data = to_data(load_documents(sealing.read("secret.yaml"))[0])
    flux = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    assert data["metadata"]["annotations"] == flux
    assert data["spec"]["target"]["immutable"] is True
    assert data["spec"]["data"][0]["remoteRef"]["decodingStrategy"] == "Base64"
    ok(cli("convert", "secret.yaml", "--to", "sealed", "--cert", "sealing.crt", *store[2:6]))
    ok(cli("convert", "secret.yaml", "--to", "plain"))
    assert sealing.read("secret.yaml").decode() == text


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", ("--to", "sops"), "no Secret in any form"),
        ("a: [\n", ("--to", "sops"), "not valid YAML"),
        (None, ("--to", "sealed"), "no certificate to seal for"),
        (None, ("--to", "external"), "needs a store"),
        (None, (), "the target form is missing"),
        (None, ("--to", "external", "--store", "v", "--push"), "no ClusterSecretStore 'v'"),
        (None, ("--to", "external", "--store", "v", "--push", "--key-template", "{x}"), "not support {x}"),
        (None, ("--to", "external", "--store", "v", "--push", "--key-template", "../{name}"), "is not a key"),
        (None, ("--to", "external", "--store", "v", "--push"), "but the Secret has none"),
        ("apiVersion: v1\nkind: List\nitems: [{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret}]\n",
         ("--to", "sops"), "is in a List"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(sealing, cli, content, arguments, words):
    namespaced = sealing.secret.replace("metadata:\n", "metadata:\n  namespace: apps\n")
    text = content if content is not None else sealing.secret if "has none" in words else namespaced
    sealing.write("secret.yaml", text)
    before = sealing.files()
    result = cli("convert", "secret.yaml", *arguments)
    assert result.exit_code == 2
    assert words.lower() in result.stderr.lower()
    assert not sealing.leaks(result.stdout, result.stderr)
    assert sealing.files() == before


HANDED = "before you push: Flux prunes"
ANNOTATIONS = {
    "prune": "kustomize.toolkit.fluxcd.io/prune: disabled",
    "managed": 'sealedsecrets.bitnami.com/managed: "true"',
}


@pytest.mark.parametrize(
    ("before", "to", "annotations", "words"),
    [
        ("plain", "sops", (), None),
        ("plain", "sealed", (), f"{HANDED} the Secret apps/db"),
        ("plain", "sealed", ("prune",), f"{HANDED} the Secret apps/db"),
        ("plain", "sealed", ("managed",), f"{HANDED} the Secret apps/db"),
        ("plain", "sealed", ("prune", "managed"), "remove the annotation kustomize.toolkit.fluxcd.io/prune"),
        ("plain", "external", ("prune",), "remove the annotation kustomize.toolkit.fluxcd.io/prune"),
        ("sealed", "sops", (), f"{HANDED} the SealedSecret apps/db"),
        ("sealed", "sops", ("prune",), "`kubectl delete sealedsecret db -n apps --cascade=orphan`"),
        ("sealed", "external", ("prune",), "`kubectl delete sealedsecret db -n apps --cascade=orphan`"),
    ],
)
def test_the_last_line_says_how_to_hand_over_in_the_cluster(
    sealing, cli, vault, before, to, annotations, words
):
    text = (
        sealing.secret.replace("metadata:\n", "metadata:\n  namespace: apps\n")
        if before == "plain"
        else (VECTORS / "sealed" / "strict.yaml").read_text()
    )
    if annotations:
        lines = "".join(f"    {ANNOTATIONS[each]}\n" for each in annotations)
        text = text.replace("metadata:\n", f"metadata:\n  annotations:\n{lines}", 1)
    sealing.write("secret.yaml", text)
    args = ("convert", "secret.yaml", "--to", to, "--cert", "sealing.crt", "--store", "v", "--push")
    for more in (("--dry-run",), ()):
        result = ok(cli(*args, "--provider", "vault", "--mount", "kv", *more))
        last = result.stderr.splitlines()[-1]
        if words is None:
            assert HANDED not in result.stderr
            assert "kubectl" not in result.stderr
        else:
            assert words in last
    assert not sealing.leaks(result.stdout, result.stderr)


def test_several_files_one_of_which_fails(sealing, cli):
    good = sealing.secret.replace("metadata:\n", "metadata:\n  namespace: apps\n")
    sealing.write("s/good.yaml", good)
    sealing.write("s/bad.yaml", good.replace("stringData", "data"))
    sealing.write("s/sealed.yaml", (VECTORS / "sealed" / "strict.yaml").read_bytes())
    result = cli("convert", "s", "--to", "sealed", "--cert", "sealing.crt", "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["summary"] == {"converted": 1, "failed": 1, "unchanged": 1}
    assert b"SealedSecret" in sealing.read("s/good.yaml")


def test_an_interrupted_run_is_taken_back_with_its_renames(infra, cli, monkeypatch, git):
    from fluxsecrets.ops.run import settling

    def die(*_args, **_options):
        raise KeyboardInterrupt

    args = ("convert", "apps/observability/overlays/staging/grafana-oauth-sealed.yaml", "--to", "sops")
    with monkeypatch.context() as patch:
        patch.setattr(settling, "_remove", die)
        assert cli(*args).exit_code == 130
    assert "was interrupted here" in cli(*args).stderr
    assert "fluxsecrets convert --resume" in cli("reseal", "--resume").stderr
    assert ok(cli("convert", "--abort")).stderr == "3 files: taken back\n"
    assert git(infra, "status", "--short", "--", "apps") == ""
    ok(cli(*args))
