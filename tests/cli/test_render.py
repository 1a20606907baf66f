"""`fluxsecrets render`."""

import json
import re
import stat
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from audit_tree import cluster, encrypted, kustomization, repository, secret, write

PASSWORD = "hunter2-throwaway"


@pytest.fixture
def made(tmp_path, act_as, monkeypatch):
    """Writes files beside those of a repository, and makes the test be somebody in it."""

    def made(files=None, who="alice"):
        write(tmp_path, repository(files=files or {}).files)
        monkeypatch.chdir(tmp_path)
        act_as(who)
        return tmp_path

    return made


def documents(result):
    """The documents that were printed, by kind and name."""
    found = [each for each in yaml.safe_load_all(result.stdout) if each is not None]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def rendered(cli, *args):
    """What is printed of the environment."""
    return documents(cli("render", "--env", "staging", *args))


def owned(name, namespace="flux-system"):
    """The labels by which Flux knows what a Kustomization applies."""
    group = "kustomize.toolkit.fluxcd.io"
    return {f"{group}/name": name, f"{group}/namespace": namespace}


def test_values_are_hidden_unless_they_are_asked_for(made, cli):
    made()
    result = cli("render", "--env", "staging")
    assert (result.exit_code, PASSWORD in result.stdout + result.stderr) == (0, False)
    assert documents(result)["Secret", "db"]["data"] == {"password": "********"}
    shown = cli("render", "--env", "staging", "--show-values")
    assert documents(shown)["Secret", "db"]["data"] == {"password": "aHVudGVyMi10aHJvd2F3YXk="}


def test_it_says_where_each_object_comes_from(made, cli):
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps/overlay"),
            "apps/overlay/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
            "apps/overlay/p.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: c, namespace: apps}\ndata: {b: c}\n",
            "apps/base/kustomization.yaml": "resources: [c.yaml]\n",
            "apps/base/c.yaml": "# a comment\napiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: c, namespace: apps}\ndata: {a: b}\n",
        }
    )
    result = cli("render", "--env", "staging", "--kustomization", "apps")
    head, _, body = result.stdout.partition("apiVersion")
    assert head.splitlines() == [
        "---",
        "# Kustomization flux-system/apps",
        "# from apps/base/c.yaml:2 via apps/base/kustomization.yaml, apps/overlay/kustomization.yaml",
        "# patched by apps/overlay/p.yaml:1",
    ]
    assert "data:\n  a: b\n  b: c\n" in body


def test_kustomizations_and_objects_are_in_the_order_of_flux(made, cli):
    manifest = "apiVersion: v1\nkind: {}\nmetadata: {{name: {}, namespace: apps}}\n"
    kinds = [("Service", "s"), ("ConfigMap", "z"), ("ConfigMap", "a"), ("Pod", "p"), ("ServiceAccount", "n")]
    made(
        {
            "clusters/staging/first.yaml": kustomization("a", "late", more="dependsOn: [{name: b}]"),
            "clusters/staging/second.yaml": kustomization("b", "early"),
            "early/e.yaml": "---\n".join(manifest.format(*each) for each in kinds),
            "late/l.yaml": manifest.format("Pod", "last"),
        }
    )
    found = list(rendered(cli, "--kustomization", "a", "--kustomization", "flux-system/b"))
    assert [name for _, name in found] == ["n", "a", "z", "s", "p", "last"]


def test_what_nobody_at_hand_can_decrypt_is_unknown(made, cli):
    made(who="bob")
    result = cli("render", "--env", "staging", "--show-values")
    assert documents(result)["Secret", "db"]["data"] == {"password": None}
    assert "  password: null # not known here\n" in result.stdout
    found = json.loads(cli("render", "--env", "staging", "--format", "json").stdout)
    objects = [each for item in found["kustomizations"] for each in item["objects"]]
    assert [each["unknown"] for each in objects if each["object"]["kind"] == "Secret"] == [["data.password"]]


def test_without_keys_nothing_is_decrypted(made, cli):
    made()
    assert rendered(cli, "--no-keys", "--show-values")["Secret", "db"]["data"] == {"password": None}


def test_of_what_fails_only_the_error_is_printed(made, cli):
    files = {
        "clusters/staging/apps.yaml": kustomization("apps", "apps"),
        "apps/a.yaml": encrypted(
            secret("broken"), then=lambda text: re.sub(r"GCM,data:...", "GCM,data:AAA", text)
        ),
        "apps/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: apps}\n",
    }
    made(files)
    result = cli("render", "--env", "staging")
    assert result.exit_code == 1
    assert ("Secret", "db") in documents(result)
    assert {("Secret", "broken"), ("ConfigMap", "b")}.isdisjoint(documents(result))
    assert re.search(r"error: apps/a.yaml:\d+: flux-system/apps: decryption failed", result.stderr)
    assert "decryption failed" in cli("render", "--env", "staging", "--quiet").stderr
    assert "1 Kustomization not applied" in result.stderr
    assert cli("render", "--env", "staging", "--kustomization", "flux-system").exit_code == 0


def test_a_kustomization_must_be_there(made, cli):
    made()
    result = cli("render", "--env", "staging", "--kustomization", "flux-sistem")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean flux-system?" in result.stderr
    assert cli("render", "--env", "nowhere").exit_code == 2


def test_a_file_with_values_is_for_the_user_alone(made, cli):
    root = made()
    result = cli("render", "--env", "staging", "--show-values", "-o", "all.yaml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE((root / "all.yaml").stat().st_mode) == 0o600
    assert "aHVudGVyMi10aHJvd2F3YXk=" in (root / "all.yaml").read_text()
    assert "plain text is on disk" in result.stderr


@pytest.mark.parametrize("value", ["throw&away", "dGhyb3cmYXdheQ==", "throw%26away"])
def test_a_value_is_hidden_wherever_it_got_to(made, cli, value):
    last = json.dumps({"stringData": {"password": value}})
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "c",
            "namespace": "apps",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": last},
        },
        "data": {"a": value, "url": f"postgres://user:{value}@host"},
    }
    made(
        {
            "clusters/staging/s.yaml": encrypted(secret("s", values={"a": "throw&away"})),
            "clusters/staging/c.yaml": yaml.safe_dump(config),
        }
    )
    for format_ in ("text", "json"):
        result = cli("render", "--env", "staging", "--format", format_)
        assert value not in result.stdout + result.stderr
    data = rendered(cli)["ConfigMap", "c"]["data"]
    assert data == {"a": "********", "url": "postgres://user:********@host"}


def test_a_value_is_hidden_in_keys_too(made, cli):
    config = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c, namespace: apps}}\ndata: {{{PASSWORD}: x}}\n"
    )
    made({"clusters/staging/c.yaml": config})
    result = cli("render", "--env", "staging")
    assert documents(result)["ConfigMap", "c"]["data"] == {"********": "x"}
    assert PASSWORD not in result.stdout + result.stderr


def test_lines_of_a_file_that_is_read_as_another_format_are_in_no_message(made, cli):
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps"),
            "apps/kustomization.yaml": "namespace: apps\nsecretGenerator: [{name: s, envs: [s.env]}]\n",
            "apps/s.env": "password: throwaway-line\nother: throwaway-too\nx: y7\n",
        }
    )
    for command in (
        ("render",),
        ("verify",),
        ("verify", "--format", "json"),
        ("verify", "--format", "sarif"),
    ):
        result = cli(*command, "--env", "staging")
        assert result.exit_code == 1
        assert "throwaway" not in result.stdout + result.stderr
        assert "x: y7" not in result.stdout + result.stderr
    assert "throwaway" not in cli("audit").stdout


def test_a_replacement_does_not_carry_a_value_out(made, cli):
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps"),
            "apps/kustomization.yaml": """
resources: [s.yaml, c.yaml]
replacements:
  - source: {kind: Secret, name: s, fieldPath: stringData.port}
    targets: [{select: {kind: ConfigMap}, fieldPaths: [data.copy]}]
""",
            "apps/s.yaml": secret("s", values={"port": "throwaway-number-5"}),
            "apps/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\n"
            "data: {copy: x}\n",
        }
    )
    result = cli("render", "--env", "staging")
    assert documents(result)["ConfigMap", "c"]["data"] == {"copy": "********"}
    assert "throwaway-number-5" not in result.stdout + result.stderr


SUBSTITUTED = """
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: apps, labels: {pin: "x${pin}"}}
data:
  pin: "${pin}"
  part: "${pin:0:1}"
  length: "n${#pin}"
  number: "n${pin}"
  plain: "${name}"
"""


def test_a_variable_from_a_secret_is_hidden_however_short(made, cli):
    more = """
postBuild:
  substitute: {name: waddle}
  substituteFrom: [{kind: Secret, name: pins}]
"""
    made(
        {
            "clusters/staging/pins.yaml": encrypted(secret("pins", "flux-system", values={"pin": "x07"})),
            "clusters/staging/apps.yaml": kustomization("apps", "apps", more=more),
            "apps/c.yaml": SUBSTITUTED,
        }
    )
    found = rendered(cli)["ConfigMap", "c"]
    hidden = "********"
    assert found["data"] == {
        "pin": hidden, "part": hidden, "length": hidden, "number": hidden, "plain": "waddle"
    }  # fmt: skip
    assert found["metadata"]["labels"] == {"pin": hidden, **owned("apps")}
    shown = rendered(cli, "--show-values")["ConfigMap", "c"]
    assert shown["data"]["number"] == "nx07"


def test_a_variable_is_followed_through_config_maps_and_children(made, cli):
    first = "postBuild: {substituteFrom: [{kind: Secret, name: pins}]}"
    second = "postBuild: {substituteFrom: [{kind: ConfigMap, name: settings}]}"
    child = kustomization("child", "child", more='postBuild: {substitute: {third: "${pin}"}}')
    made(
        {
            "clusters/staging/pins.yaml": encrypted(secret("pins", "flux-system", values={"pin": '"00x"'})),
            "clusters/staging/parent.yaml": kustomization("parent", "parent", more=first),
            "parent/child.yaml": child,
            "parent/settings.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            'metadata: {name: settings, namespace: flux-system}\ndata: {second: "${pin}"}\n',
            "clusters/staging/next.yaml": kustomization("next", "next", more=second),
            "child/c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\n"
            'data: {x: "a${third}"}\n',
            "next/d.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d, namespace: apps}\n"
            'data: {x: "a${second}"}\n',
        }
    )
    result = cli("render", "--env", "staging")
    assert "00x" not in result.stdout + result.stderr
    found = documents(result)
    assert found["ConfigMap", "c"]["data"] == found["ConfigMap", "d"]["data"] == {"x": "********"}


def test_what_an_encrypted_patch_or_file_brings_is_hidden(made, cli):
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\n"
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps"),
            "apps/kustomization.yaml": "resources: [c.yaml]\npatches: [{path: p.yaml}]\nnamespace: apps\n"
            "generatorOptions: {disableNameSuffixHash: true}\n"
            "secretGenerator: [{name: s, files: [f.yaml]}]\n"
            "configMapGenerator: [{name: g, files: [f.yaml]}]\n",
            "apps/c.yaml": f"{head}data: {{plain: x}}\n",
            "apps/p.yaml": encrypted(f"{head}data: {{pin: t42, a: thr}}\n"),
            "apps/f.yaml": encrypted("data: {password: throwaway-file}\n"),
        }
    )
    found = rendered(cli)
    assert found["ConfigMap", "c"]["data"] == {"plain": "x", "pin": "********", "a": "********"}
    assert found["ConfigMap", "g"]["data"] == {"f.yaml": "********"}
    assert found["Secret", "s"]["data"] == {"f.yaml": "********"}


def test_common_words_stay_readable(made, cli):
    values = {"username": "postgres", "enabled": '"true"', "port": '"5432"', "n": '"1"'}
    config = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: postgres, namespace: apps}\n"
        'data: {host: postgres-rw.apps, enabled: "true", n: "1"}\n'
    )
    made(
        {
            "clusters/staging/s.yaml": encrypted(secret("s", values=values)),
            "clusters/staging/c.yaml": config,
        }
    )
    found = rendered(cli)["ConfigMap", "postgres"]
    assert found["data"] == {"host": "postgres-rw.apps", "enabled": "true", "n": "1"}


def test_a_hostile_manifest_moves_no_cursor(made, cli):
    config = {
        "apiVersion": "waddle.example/v1",
        "kind": "Penguin",
        "metadata": {"name": "c", "namespace": "apps"},
        "data": {"a\x1b[2J": "\x1b]0;x\x07", "b": "line\n\u202eline", "c": "\u2028", "d": "😀\x00\x85"},
    }
    made({"clusters/staging/c.yaml": yaml.safe_dump(config)})
    result = cli("render", "--env", "staging")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", result.stdout)
    assert documents(result)["Penguin", "c"]["data"] == config["data"]


def test_another_environment_is_not_read(made, cli):
    made(cluster("production"))
    assert "production" not in cli("render", "--env", "staging").stdout


DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ducks.example.com}
spec:
  group: example.com
  names: {kind: Duck, plural: ducks}
  scope: Namespaced
"""


def test_definitions_are_printed_whole(made, cli):
    made({"clusters/staging/ducks.yaml": DEFINITION})
    found = rendered(cli)["CustomResourceDefinition", "ducks.example.com"]
    assert found["spec"] == yaml.safe_load(DEFINITION)["spec"]
    assert "annotations" not in found["metadata"]


def test_what_a_kustomization_sets_on_everything_is_printed(made, cli):
    more = """
commonMetadata:
  labels: {team: waddle, note: hunter2-throwaway}
  annotations: {example.com/owner: rosalie}
"""
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps", more=more),
            "apps/c.yaml": "apiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: c, namespace: apps, labels: {team: old, own: x}}\n",
        }
    )
    metadata = rendered(cli, "--kustomization", "apps")["ConfigMap", "c"]["metadata"]
    assert metadata["annotations"] == {"example.com/owner": "rosalie"}
    expected = {"team": "waddle", "own": "x", "note": "********"}
    assert metadata["labels"] == {**expected, **owned("apps")}


def test_images_of_a_kustomization_are_replaced(made, cli):
    more = """
images:
- {name: web, newTag: "2"}
- {name: log, newName: example.com/log}
- {name: new, digest: "sha256:abc"}
"""
    images = {"web": "web:1", "log": "log:1", "new": "new:1"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "apps"},
        "spec": {"containers": [{"name": name, "image": image} for name, image in images.items()]},
    }
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps", more=more),
            "apps/kustomization.yaml": "resources: [p.yaml]\n"
            "images: [{name: web, newName: example.com/web, digest: 'sha256:def'}]\n",
            "apps/p.yaml": json.dumps(pod),
        }
    )
    found = rendered(cli)["Pod", "p"]["spec"]["containers"]
    # A tag of the Kustomization replaces the digest of the file, and the name of the file stays.
    assert [each["image"] for each in found] == ["example.com/web:2", "example.com/log:1", "new@sha256:abc"]


def test_base64_is_in_one_line(made, cli):
    image = bytes(range(256)) * 8
    made(
        {
            "clusters/staging/apps.yaml": kustomization("apps", "apps"),
            "apps/kustomization.yaml": "namespace: apps\nconfigMapGenerator:\n- {name: c, files: [a.bin]}\n",
            "apps/a.bin": image.decode("latin-1"),
        }
    )
    (Path("apps") / "a.bin").write_bytes(image)
    result = cli("render", "--env", "staging", "--kustomization", "apps", "--format", "json")
    (found,) = json.loads(result.stdout)["kustomizations"][0]["objects"]
    assert found["object"]["binaryData"] == {"a.bin": b64encode(image).decode()}
