"""`masked`: a tool sees the repository without one secret, and nothing of its copy is left."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from conftest import PLAIN

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands in here are POSIX's")

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
SEALED = """\
# sealed for the shop
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: shop
  namespace: shop
spec:
  encryptedData:
    # the key of the API
    api-key: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq
    tls.crt: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEr
  template:
    metadata:
      labels:
        app: shop
    type: Opaque
"""
EXTERNAL = """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: shop-external
  namespace: shop
spec:
  secretStoreRef:
    name: vault
    kind: ClusterSecretStore
  target:
    name: shop-db
    template:
      type: kubernetes.io/basic-auth
      metadata:
        labels:
          app: shop
      data:
        username: shop
        password: "{{ .password }}"
        url: "{{ .password | b64enc }}"
  data:
    - secretKey: password
      remoteRef:
        key: shop/db
"""


@pytest.fixture
def tree(cli, tmp_path):
    """Makes a masked tree in a folder, and returns the folder and the result of the run."""
    count = 0

    def make(*options, code=0):
        nonlocal count
        count += 1
        out = tmp_path / f"tree{count}"
        result = cli("masked", "--output", str(out), *options)
        assert result.exit_code == code, result.stderr
        return out, result

    return make


def encrypted(cli, folder, name, text, *, rules=None):
    if rules is not None:
        folder.rules(rules)
    folder.write(name, text)
    assert cli("encrypt", "--allow-invalid", "-i", name).exit_code == 0


def texts(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


# --- the whole repository


def test_no_secret_and_no_ciphertext_of_the_example_is_in_its_tree(encrypted_waddle, tree):
    out, result = tree()
    found = texts(out)
    assert len(found) > 80
    assert not [path for path, data in found.items() if PLAIN.search(data) and not path.endswith(".md")]
    assert not [path for path, data in found.items() if b"ENC[AES256_GCM" in data]
    assert not any(path.startswith(".git/") for path in found)
    assert "74 values masked" in result.stderr


def test_the_example_in_plain_text_is_masked_as_well(waddle, tree):
    out, _ = tree()
    assert not [path for path, data in texts(out).items() if PLAIN.search(data) and not path.endswith(".md")]


def test_rendered_from_the_masked_tree_all_is_the_same_but_the_values(encrypted_waddle, tree):
    from fluxsecrets.repo.kustomize.build import Builder
    from fluxsecrets.repo.tree import open_tree

    masked, plain = tree()[0], tree("--show-values")[0]
    folders = sorted(path.parent.relative_to(masked) for path in masked.rglob("kustomization.yaml"))
    assert len(folders) > 15

    def built(root, folder):
        return [
            (each.kind, each.namespace, each.name, without_values(each.data))
            for each in Builder(open_tree(root)).build(folder.as_posix()).objects
        ]

    for folder in folders:
        assert built(masked, folder) == built(plain, folder)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
@pytest.mark.parametrize("folder", ["apps/spicedb/overlays/staging", "clusters/staging/infrastructure"])
def test_kubectl_renders_the_same_but_the_values(encrypted_waddle, cli, folder):
    made = []
    for options in ((), ("--show-values",)):
        result = cli.process("masked", "--quiet", *options, "--", "kubectl", "kustomize", f"{{}}/{folder}")
        assert result.exit_code == 0, result.stderr
        assert bool(PLAIN.search(result.stdout_bytes)) == bool(options)
        made.append([without_values(each) for each in yaml.safe_load_all(result.stdout_bytes)])
    for masked, plain in zip(*made, strict=True):
        masked["metadata"]["name"], plain["metadata"]["name"] = (
            each["metadata"]["name"].rpartition("-")[0]
            if each["kind"] == "Secret"
            else each["metadata"]["name"]
            for each in (masked, plain)
        )
        assert masked == plain or masked["kind"] == "Deployment"


def without_values(data):
    """An object without the values of a Secret, and those of the ConfigMap that is encrypted."""
    if data.get("kind") == "Secret" or data.get("metadata", {}).get("name") == "cluster-settings":
        return {
            **data,
            **{field: sorted(data[field] or ()) for field in ("data", "stringData") if field in data},
        }
    return data


def test_an_environment_leaves_out_what_is_another_ones_alone(encrypted_waddle, tree):
    found = texts(tree("--env", "staging")[0])
    assert "apps/spicedb/overlays/staging/registry.json" in found
    assert "README.md" in found
    assert "infrastructure-k8s/cert-manager/cloudflare-secret.yaml" in found
    assert not any("overlays/production" in path or path.startswith("clusters/production") for path in found)


def test_an_unknown_environment_is_refused(encrypted_waddle, cli):
    result = cli("masked", "--env", "stagging", "--", "true")
    assert result.exit_code == 2
    assert "staging" in result.stderr


# --- files


def test_the_text_around_values_stays(folder, cli, tree):
    text = (
        "# plain comment above\nuser: admin   # beside\n"
        'password: "hunter2-throwaway"\nlist: [ hunter2-throwaway, 7 ]\nenabled: true\n'
    )
    encrypted(cli, folder, "conf.enc.yaml", text)
    out, _ = tree()
    found = (out / "conf.enc.yaml").read_text()
    assert found.startswith("user: ")
    assert "sops" not in found
    assert "#" not in found
    data = yaml.safe_load(found)
    assert list(data) == ["user", "password", "list", "enabled"]
    assert [type(each) for each in (data["password"], data["list"][1], data["enabled"])] == [str, int, bool]
    assert data["password"] == data["list"][0] != data["user"]
    assert f'password: "{data["password"]}"\n' in found


def test_plain_values_and_comments_of_an_encrypted_file_stay(folder, cli, tree):
    rules = f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^(data|stringData)$\n"
    more = "  # about the next\n  other: |\n    hunter2-throwaway\n    more\n"
    text = f"# about the Secret\n{folder.secret}{more}"
    encrypted(cli, folder, "secret.yaml", text, rules=rules)
    found = (tree()[0] / "secret.yaml").read_text()
    assert found.startswith(text.partition("hunter2")[0] + "masked-")
    assert "about the next" not in found
    assert list(yaml.safe_load(found)["stringData"]) == ["password", "other"]


def dotenv(text):
    return dict(line.split("=") for line in text.split())


def ini(text):
    return text.startswith("[s]\nA = masked-")


@pytest.mark.parametrize(
    ("name", "text", "parse"),
    [
        ("a.enc.json", '{"a": {"b": "hunter2-throwaway"}, "c": 7}\n', json.loads),
        (
            "a.enc.env",
            "# comment\nA=hunter2-throwaway\nB=x\n",
            dotenv,
        ),
        (
            "a.enc.ini",
            "; comment\n[s]\nA = hunter2-throwaway\n",
            ini,
        ),
        ("a.enc.pgpass", "host:5432:*:me:hunter2-throwaway\n", str),
    ],
)
def test_each_format_is_masked(folder, cli, tree, name, text, parse):
    encrypted(cli, folder, name, text)
    out, result = tree()
    found = (out / name).read_text()
    assert parse(found)
    assert "sops" not in found
    assert "ENC[" not in found
    assert not folder.leaks(found, result.stderr)


def test_base64_is_masked_inside(folder, cli, tree):
    secret = base64.b64encode(b"hunter2-throwaway").decode()
    text = f"{SECRET}data:\n  a: {secret}\n  b: {secret}\nstringData:\n  c: hunter2-throwaway\n"
    encrypted(cli, folder, "s.yaml", text)
    found = yaml.safe_load((tree()[0] / "s.yaml").read_text())
    assert base64.b64decode(found["data"]["a"], validate=True).decode() == found["stringData"]["c"]
    assert found["data"]["a"] == found["data"]["b"] != secret


def test_without_an_identity_it_is_the_ciphertext_that_counts(encrypted, tree, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    one, result = tree()
    other, _ = tree()
    assert "1 value masked by the ciphertext, in 1 file that no identity decrypts" in result.stderr
    assert texts(one) == texts(other)
    assert yaml.safe_load((one / "secret.yaml").read_text())["stringData"]["password"]


def test_a_wrong_mac_is_an_error_and_the_tree_is_masked_all_the_same(encrypted, cli, tree):
    text = encrypted.read("secret.yaml").replace(b"name: db", b"name: changed")
    encrypted.write("secret.yaml", text)
    out, result = tree(code=1)
    assert "the MAC does not match" in result.stderr
    assert "secret.yaml: masked by the ciphertext" in result.stderr
    assert not encrypted.leaks(*texts(out).values())
    assert cli("masked", "--", "true").exit_code == 1
    assert cli("masked", "--", "sh", "-c", "exit 7").exit_code == 7


def test_a_plain_secret_beside_encrypted_ones_is_masked(encrypted, tree):
    encrypted.write("secret.yaml", encrypted.read("secret.yaml") + b"---\n" + encrypted.secret.encode())
    out, result = tree(code=1)
    assert "should be encrypted and is plain text" in result.stderr
    assert not encrypted.leaks(*texts(out).values())


def test_a_value_that_was_added_to_an_encrypted_file_by_hand_is_masked(encrypted, tree, monkeypatch):
    encrypted.write(
        "secret.yaml",
        encrypted.read("secret.yaml").replace(b"stringData:\n", b"stringData:\n  b: hunter2-throwaway\n"),
    )
    assert not encrypted.leaks(*texts(tree(code=1)[0]).values())
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert not encrypted.leaks(*texts(tree()[0]).values())


def test_comments_among_the_values_of_a_plain_secret_are_gone(folder, tree):
    folder.write(
        "a.yaml", f"# about it\n{folder.secret}  # was hunter2-throwaway\n  b: x # hunter2-throwaway\n"
    )
    out, _ = tree()
    assert not folder.leaks(*texts(out).values())
    assert (out / "a.yaml").read_text().startswith("# about it\n")


def test_what_may_be_a_secret_and_cannot_be_parsed_is_left_out(folder, cli, tree):
    folder.write("broken.yaml", f"{folder.secret}  - [\n")
    folder.write("fine.yaml", "a: 1\n")
    out, result = tree(code=1)
    assert "broken.yaml: left out of the tree" in result.stderr
    assert "broken.yaml" not in texts(out)
    assert "fine.yaml" in texts(out)
    assert not folder.leaks(result.stderr)


COPY = '{"stringData": {"a": "hunter2-throwaway"}}'
PLAIN_SECRETS = {
    "list": "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Secret\n"
    "    metadata: {name: a}\n    stringData: {a: hunter2-throwaway}\n",
    "folded": f"{SECRET}stringData:\n  a: >-\n    hunter2-throwaway\n    b\n  c: |\n    hunter2-throwaway\n",
    "alias": f"x: &x hunter2-throwaway\n{SECRET}stringData: {{a: *x}}\n",
    "applied": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n"
    f"    kubectl.kubernetes.io/last-applied-configuration: '{COPY}'\nstringData: {{a: hunter2-throwaway}}\n",
    "crlf": f"{SECRET}stringData:\n  a: hunter2-throwaway\n".replace("\n", "\r\n"),
    "json": f'{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "a"}}, {COPY[1:]}',
}


@pytest.mark.parametrize("case", PLAIN_SECRETS)
def test_plain_secrets_are_masked_however_they_are_written(folder, tree, case):
    folder.write("a.yaml", PLAIN_SECRETS[case])
    out, result = tree()
    found = (out / "a.yaml").read_bytes()
    assert not folder.leaks(found, result.stderr)
    assert (b"\r\n" in found) == (case == "crlf")
    data = yaml.safe_load(found)
    secret = data["items"][0] if case == "list" else data
    assert "masked" in secret["stringData"]["a"]


def test_references_in_plain_secrets_stay(folder, tree):
    folder.write("a.yaml", folder.secret + "  token: ${TOKEN}\n")
    assert "token: ${TOKEN}\n" in (tree()[0] / "a.yaml").read_text()


KUSTOMIZATION = """\
secretGenerator:
  - name: a
    literals:
      - password=hunter2-throwaway
      - reference=${X}
    files:
      - conf.json
      - key=plain.txt
    envs: [plain.properties]
patches:
  - patch: |
      apiVersion: v1
      kind: Secret
      metadata:
        name: b
      stringData:
        a: hunter2-throwaway
  - target: {kind: Secret, name: c}
    patch: |
      - op: add
        path: /stringData/a
        value: hunter2-throwaway
  - target: {kind: Secret, name: c}
    path: operations.yaml
  - target: {kind: Deployment}
    patch: '[{"op": "remove", "path": "/spec/replicas"}]'
"""


def test_generators_and_patches_are_masked(folder, tree):
    folder.write("kustomization.yaml", KUSTOMIZATION)
    folder.write("conf.json", '{"token": "hunter2-throwaway", "port": 80}')
    folder.write("plain.txt", "hunter2-throwaway\n")
    folder.write("plain.properties", "# about\nA=hunter2-throwaway\n")
    folder.write("operations.yaml", "- op: replace\n  path: /data/a\n  value: aHVudGVyMi10aHJvd2F3YXk=\n")
    out, result = tree()
    assert not folder.leaks(result.stderr, *texts(out).values())
    found = yaml.safe_load((out / "kustomization.yaml").read_text())
    literals = found["secretGenerator"][0]["literals"]
    assert literals[0].startswith("password=masked-")
    assert literals[1] == "reference=${X}"
    assert yaml.safe_load(found["patches"][0]["patch"])["metadata"] == {"name": "b"}
    assert yaml.safe_load(found["patches"][1]["patch"])[0]["path"] == "/stringData/a"
    assert found["patches"][3] == yaml.safe_load(KUSTOMIZATION)["patches"][3]
    assert base64.b64decode(yaml.safe_load((out / "operations.yaml").read_text())[0]["value"], validate=True)
    assert (out / "plain.properties").read_text().startswith("A=masked-")


# --- SealedSecrets and ExternalSecrets


def test_a_sealed_secret_becomes_the_secret_that_it_stands_for(folder, tree):
    folder.write("sealed.yaml", SEALED)
    out, result = tree()
    text = (out / "sealed.yaml").read_text()
    found = yaml.safe_load(text)
    assert "# sealed for the shop" in text
    assert "# the key of the API" in text
    assert (found["apiVersion"], found["kind"], found["type"]) == ("v1", "Secret", "Opaque")
    assert found["metadata"] == {"name": "shop", "namespace": "shop", "labels": {"app": "shop"}}
    values = {key: base64.b64decode(value, validate=True) for key, value in found["data"].items()}
    assert list(values) == ["api-key", "tls.crt"]
    assert values["api-key"] != values["tls.crt"]
    assert "1 Secret in place of SealedSecrets and ExternalSecrets" in result.stderr
    assert (tree("--as-is")[0] / "sealed.yaml").read_text() == SEALED


def test_an_external_secret_becomes_the_secret_that_it_makes(folder, tree):
    folder.write("external.yaml", EXTERNAL)
    found = yaml.safe_load((tree()[0] / "external.yaml").read_text())
    assert (found["kind"], found["type"]) == ("Secret", "kubernetes.io/basic-auth")
    assert found["metadata"] == {"name": "shop-db", "namespace": "shop", "labels": {"app": "shop"}}
    values = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    assert values["username"].startswith("masked-")  # plain text of a template is not shown either
    assert set(values) == {"username", "password", "url"}
    assert "{{" not in "".join(values.values())


def test_keys_that_the_type_of_a_secret_requires_are_there_even_if_only_the_store_knows_them(folder, tree):
    folder.write(
        "external.yaml",
        """\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: web, namespace: shop}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: vault}
  target: {template: {type: kubernetes.io/tls}}
  dataFrom:
    - extract: {key: shop/web}
""",
    )
    found = yaml.safe_load((tree()[0] / "external.yaml").read_text())
    assert set(found["data"]) == {"tls.crt", "tls.key"}
    assert base64.b64decode(found["data"]["tls.crt"]).startswith(b"-----BEGIN CERTIFICATE-----")


def test_in_a_list_they_become_secrets_too(folder, tree):
    items = [
        yaml.safe_load(SEALED),
        yaml.safe_load(EXTERNAL),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
    ]
    folder.write("all.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    found = json.loads((tree()[0] / "all.json").read_text())["items"]
    assert [each["kind"] for each in found] == ["Secret", "Secret", "ConfigMap"]


def test_what_is_not_known_is_said(folder, tree):
    text = EXTERNAL.partition("    template")[0] + "  dataFrom:\n    - extract:\n        key: shop/all\n"
    folder.write("external.yaml", text)
    folder.write("merged.yaml", text.replace("name: shop-db", "creationPolicy: Merge"))
    out, result = tree()
    assert "external.yaml: only the store knows all keys" in result.stderr
    assert "merged.yaml: an ExternalSecret makes no Secret of its own" in result.stderr
    assert yaml.safe_load((out / "external.yaml").read_text())["kind"] == "Secret"
    assert yaml.safe_load((out / "merged.yaml").read_text())["kind"] == "ExternalSecret"


def test_what_kustomize_patches_stays_what_it_is(folder, tree):
    folder.write("external.yaml", EXTERNAL)
    folder.write("sealed.yaml", SEALED)
    patch = EXTERNAL.partition("  namespace")[0] + "spec: {refreshInterval: 1h}\n"
    folder.write("patch.yaml", patch)
    folder.write(
        "kustomization.yaml", "resources: [external.yaml, sealed.yaml]\npatches:\n  - path: patch.yaml\n"
    )
    out, _ = tree()
    assert (out / "external.yaml").read_text() == EXTERNAL
    assert (out / "patch.yaml").read_text() == patch
    assert yaml.safe_load((out / "sealed.yaml").read_text())["kind"] == "Secret"


# --- what is in the tree


def test_links_and_modes(folder, tree):
    folder.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    (folder.path / "inside").symlink_to("run.sh")
    (folder.path / "outside").symlink_to("/etc/passwd")
    (folder.path / "above").symlink_to("../../x")
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "up").symlink_to("..")
    (folder.path / "through").symlink_to("sub/up/..")
    out, result = tree()
    assert (out / "inside").readlink() == Path("run.sh")
    assert os.access(out / "run.sh", os.X_OK)
    assert not any(os.path.lexists(out / name) for name in ("outside", "above", "through"))
    assert (
        "above, outside, through: a symbolic link that leads out of the repository is left out"
        in result.stderr
    )


def test_a_private_key_is_in_no_tree(folder, identity, tree):
    rows = ("BEGIN PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIGh1bnRlcjItdGhyb3dhd2F5", "END PRIVATE KEY")
    pem = "".join(f"{row:-^{len(row) + 10}}\n" if " " in row else f"{row}\n" for row in rows)
    folder.write("age.txt", f"# public key: {identity.recipient}\n{identity.secret}\n")
    folder.write("tls.key", pem)
    folder.write("values.yaml", f"a: 1\nkey: |\n  {pem.replace(chr(10), chr(10) + '  ').rstrip()}\nb: 2\n")
    out, result = tree()
    found = texts(out)
    assert identity.secret.encode() not in found["age.txt"]
    assert not any(b"MC4CAQAwBQYDK2VwBCIE" in data for data in found.values())
    values = yaml.safe_load(found["values.yaml"])
    assert values.keys() == {"a", "key", "b"}
    assert values["key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "age.txt, tls.key, values.yaml: a private key in plain text is masked" in result.stderr


def test_what_git_ignores_is_not_in_the_tree(folder, git, tree):
    git(folder.path, "init", "--quiet")
    folder.write(".gitignore", "*.log\n")
    folder.write("a.log", "x")
    folder.write("new.yaml", "a: 1\n")
    assert set(texts(tree()[0])) == {".gitignore", ".sops.yaml", "new.yaml"}


def test_what_git_crypt_unlocked_is_masked(folder, git, tree):
    git(folder.path, "init", "--quiet")
    folder.write(".gitattributes", "private/** filter=git-crypt diff=git-crypt\n")
    folder.write("private/a.txt", "hunter2-throwaway\n")
    folder.write("private/b.yaml", "a: hunter2-throwaway\n")
    assert not folder.leaks(*texts(tree()[0]).values())


def test_names_of_all_kinds(folder, git, tree):
    git(folder.path, "init", "--quiet")
    for name in (b"a\nb.yaml", b"\xff.yaml", "ü b.yaml".encode(), b"-o.yaml"):
        folder.write(name)
    out, _ = tree()
    assert len(texts(out)) == 5
    assert not folder.leaks(*texts(out).values())


def test_a_crafted_commit_writes_nowhere_else(folder, git, tree, tmp_path):
    git(folder.path, "init", "--quiet")
    folder.write("fine.yaml", "a: 1\n")
    git(folder.path, "add", "--all")
    blob = git(folder.path, "hash-object", "-w", "fine.yaml").strip()
    rows = [f"100644 blob {blob}\t{name}" for name in ("fine.yaml", "..", ".git", "a")]
    made = subprocess.run(
        ["git", "mktree"], cwd=folder.path, input="\n".join(rows).encode(), capture_output=True, check=True
    )
    inner = made.stdout.decode().strip()
    rows = [f"040000 tree {inner}\t{name}" for name in ("..", ".git", "deep")]
    made = subprocess.run(
        ["git", "mktree"], cwd=folder.path, input="\n".join(rows).encode(), capture_output=True, check=True
    )
    commit = git(folder.path, "commit-tree", "-m", "x", made.stdout.decode().strip()).strip()
    out, _ = tree(commit)
    assert set(texts(out)) == {"deep/a", "deep/fine.yaml"}
    assert not (tmp_path / "fine.yaml").exists()


# --- revisions


@pytest.fixture
def history(encrypted, cli, git):
    """A repository of two commits, which differ in the value of one of two Secrets."""
    encrypted.write("other.yaml", encrypted.secret.replace("name: db", "name: other"))
    assert cli("encrypt", "other.yaml").exit_code == 0
    git(encrypted.path, "init", "--quiet")
    for value in (None, "another-throwaway"):
        if value is not None:
            assert cli("set", "secret.yaml", "stringData.password", value).exit_code == 0
        git(encrypted.path, "add", "--all")
        git(encrypted.path, "commit", "--quiet", "--message", "x")
    return encrypted


def test_two_revisions_differ_where_a_value_does(history, cli, tmp_path):
    shown = tmp_path / "diff"
    result = cli(
        "masked", "HEAD~1", "HEAD", "--", "sh", "-c", f'diff -r "$1" "$2" > {shown}', "sh", "{}", "{}"
    )
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "HEAD~1: 3 files, 2 with secrets: 2 values masked",
        "HEAD: 3 files, 2 with secrets: 2 values masked",
    ]
    lines = [line for line in shown.read_text().splitlines() if not line.startswith("diff")]
    assert len(lines) == 4
    assert "another" not in shown.read_text()


def test_a_revision_is_taken_from_git(history, tree):
    history.write("secret.yaml", "a: 1\n")
    found = yaml.safe_load((tree("HEAD")[0] / "secret.yaml").read_text())
    assert found["stringData"]["password"].startswith("masked-")


def test_a_message_names_the_revision(history, git, cli):
    history.write("secret.yaml", history.read("secret.yaml").replace(b"name: db", b"name: changed"))
    git(history.path, "commit", "--quiet", "--all", "--message", "x")
    result = cli("masked", "HEAD~1", "HEAD", "--", "true", "{}", "{}")
    assert result.exit_code == 1
    assert "error: HEAD:secret.yaml: the MAC does not match" in result.stderr
    assert "warning: HEAD: secret.yaml: masked by the ciphertext" in result.stderr
    assert "HEAD: there is no environment 'x'" in cli("masked", "--env", "x", "HEAD", "--", "true").stderr


def test_a_revision_with_many_files_is_read_by_one_process(history, git, tree):
    for number in range(400):
        history.write(f"many/{number}.yaml", f"{SECRET}stringData: {{a: hunter2-throwaway-{number}}}\n")
    git(history.path, "add", "--all")
    git(history.path, "commit", "--quiet", "--message", "many")
    out, _ = tree("HEAD")
    assert len(texts(out)) == 403
    assert not history.leaks(*texts(out).values())


def test_stable_placeholders_are_the_same_in_each_run(history, tree):
    assert texts(tree("--stable")[0]) == texts(tree("--stable")[0])
    assert texts(tree()[0]) != texts(tree()[0])


def test_stable_placeholders_follow_the_recipe_and_no_order(history, tree, identity, monkeypatch, act_as):
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    from fluxsecrets.placeholders.key import PlaceholderKey
    from fluxsecrets.placeholders.values import placeholder

    secrets = sorted((identity.secret, act_as("bob").secret))
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setenv("SOPS_AGE_KEY", "\n".join(reversed(secrets)))
    key = HKDF(SHA256(), 32, None, b"fluxsecrets masked --stable v1").derive("\n".join(secrets).encode())
    expected = placeholder("another-throwaway", PlaceholderKey.derived(key), name="password")
    found = yaml.safe_load((tree("--stable")[0] / "secret.yaml").read_text())
    assert found["stringData"]["password"] == expected


def test_stable_takes_an_identity_from_the_keyring(history, cli, tree, os_keyring, monkeypatch, identity):
    at_hand = texts(tree("--stable")[0])
    assert cli("keys", "import", "--store", "keyring", str(identity.path)).exit_code == 0
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert texts(tree("--stable")[0]) == at_hand


def test_stable_needs_an_identity(history, cli, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    result = cli("masked", "--stable", "--", "true")
    assert result.exit_code == 2
    assert "--stable derives its key from your age identities" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("HEAD", "HEAD", "--", "diff", "{}"), "two revisions need two {} in the command, and it has 1"),
        (("nowhere", "--", "true"), "there is no commit 'nowhere' here"),
        (("a", "b", "c", "--", "true"), "3 revisions were given"),
        ((), "there is no command to run"),
        (("HEAD", "HEAD", "--output", "../x"), "--output takes one tree"),
        (("--output", "../x", "--", "true"), "--output and a command exclude each other"),
        (("--output", "x"), "is inside the repository, and git does not ignore it"),
        (("--output", ".git/x"), "this is where git keeps the repository"),
        (("--output", "."), "this folder is not empty"),
        (("--output", "secret.yaml"), "exists, and is not a folder"),
        (("--output", "../no/x"), "the folder above it does not exist"),
    ],
)
def test_wrong_usage_is_refused(history, cli, arguments, message):
    before = history.files()
    result = cli("masked", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert history.files() == before
    assert not (history.path.parent / "x").exists()


def test_a_folder_that_git_ignores_can_be_written_to(history, cli):
    history.write(".gitignore", "/out/\n")
    assert cli("masked", "--output", "out").exit_code == 0
    assert (history.path / "out" / "secret.yaml").exists()


# --- the command


def test_it_gets_the_path_and_nothing_is_left(encrypted, cli, tmp_path):
    shown = tmp_path / "shown"
    result = cli(
        "masked",
        "--quiet",
        "--",
        "sh",
        "-c",
        f"cp {{}}/secret.yaml {shown}; echo {{}} >> {shown}; pwd >> {shown}",
    )
    assert (result.exit_code, result.stderr) == (0, "")
    *text, root, folder = shown.read_text().splitlines()
    assert not encrypted.leaks("\n".join(text))
    assert text
    assert not Path(root).exists()
    assert folder == str(encrypted.path)


def test_a_shell_gets_the_paths_as_words(history, cli, tmp_path, monkeypatch):
    shown, odd = tmp_path / "shown", tmp_path / "a b'c"
    odd.mkdir()
    monkeypatch.setattr("fluxsecrets.files.private._memory_folder", lambda: str(odd))
    text = f"ls {{}} {{}}/secret.yaml | sort > {shown}"
    assert cli("masked", "--shell", "HEAD~1", "HEAD", "--", text).exit_code == 0
    assert any(line.endswith("/after/secret.yaml") for line in shown.read_text().splitlines())
    assert list(odd.iterdir()) == []
    assert "--shell takes the whole command as one text" in cli("masked", "--shell", "--", "a", "b").stderr


def test_without_a_path_it_runs_inside(encrypted, cli, tmp_path, git, monkeypatch):
    shown = tmp_path / "shown"
    git(encrypted.path, "init", "--quiet")
    encrypted.write("deep/er/a.yaml", "a: 1\n")
    monkeypatch.chdir(encrypted.path / "deep")
    assert (
        cli("masked", "--", "sh", "-c", f"pwd > {shown}; cat er/a.yaml ../secret.yaml >> {shown}").exit_code
        == 0
    )
    root, *text = shown.read_text().splitlines()
    assert root.endswith("/tree/deep")
    assert text[0] == "a: 1"
    assert not encrypted.leaks(shown.read_bytes())


def test_it_has_no_variable_that_leads_to_a_key(encrypted, cli, tmp_path, monkeypatch, identity):
    shown = tmp_path / "shown"
    monkeypatch.setenv("SOPS_AGE_KEY", identity.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "throwaway")
    monkeypatch.setenv("VAULT_TOKEN", "throwaway")
    monkeypatch.setenv("OTHER", "stays")
    assert cli("masked", "--keep-env", "VAULT_TOKEN", "--", "sh", "-c", f"env > {shown}").exit_code == 0
    names = {line.partition("=")[0] for line in shown.read_text().splitlines()}
    assert {"OTHER", "PATH", "HOME", "VAULT_TOKEN"} <= names
    assert not {"AWS_SESSION_TOKEN", "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE"} & names


def test_its_exit_code_is_passed_on(encrypted, cli):
    assert cli("masked", "--", "sh", "-c", "exit 7").exit_code == 7
    assert cli("masked", "--", "sh", "-c", "kill -9 $$").exit_code == 137
    result = cli("masked", "--", "no-such-program")
    assert result.exit_code == 127
    assert "there is no command 'no-such-program'" in result.stderr


def test_showing_values_is_loud(encrypted, cli, tree, tmp_path):
    shown = tmp_path / "shown"
    result = cli("masked", "--show-values", "--quiet", "--", "cp", "{}/secret.yaml", str(shown))
    assert result.exit_code == 0
    assert encrypted.leaks(shown.read_bytes())
    result = cli("masked", "--show-values", "--", "true")
    assert "warning: --show-values: encrypted files are plain text in this tree" in result.stderr
    out, result = tree("--show-values")
    assert f"plain text is written to {os.path.relpath(out)}" in result.stderr
    assert (out.stat().st_mode & 0o777, (out / "secret.yaml").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_tree_that_fits_nowhere_is_refused_before_it_is_written(encrypted, cli, monkeypatch):
    from fluxsecrets.files.newfolder import Room

    monkeypatch.setattr("fluxsecrets.ops.masked.run.room_in", lambda folder: Room(2**12, 5))
    result = cli("masked", "--", "true")
    assert result.exit_code == 2
    assert "the tree needs up to 1 MiB for 2 files, and 0 MiB are free" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_it_when_it_is_killed(encrypted, cli, tmp_path, number):
    ready = tmp_path / "ready"
    script = f"echo {{}} > {ready}.new; mv {ready}.new {ready}; exec sleep 60"
    process = subprocess.Popen(
        [cli.executable, "masked", "--", "sh", "-c", script],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not ready.exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        root = Path(ready.read_text().strip())
        assert not encrypted.leaks(*texts(root).values())
        process.send_signal(number)
        assert process.wait(60) == (143 if number == signal.SIGTERM else -9)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    cli.process("status", "secret.yaml")
    assert not root.parent.exists()
