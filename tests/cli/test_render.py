"""`fluxsecrets render`."""

import json
import re
import stat

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
    assert "error: flux-system/apps: apps/a.yaml" in result.stderr
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
        "data": {"a": value, "url": f"postgres://user:{value}@host", f"key.{value}": "b"},
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
    assert data == {"a": "********", "url": "postgres://user:********@host", "key.********": "b"}


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
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "apps"},
        "data": {"a\x1b[2J": "\x1b]0;x\x07", "b": "line\n\u202eline", "c": "\u2028", "d": "😀\x00\x85"},
    }
    made({"clusters/staging/c.yaml": yaml.safe_dump(config)})
    result = cli("render", "--env", "staging")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", result.stdout)
    assert documents(result)["ConfigMap", "c"]["data"] == config["data"]


def test_another_environment_is_not_read(made, cli):
    made(cluster("production"))
    assert "production" not in cli("render", "--env", "staging").stdout
