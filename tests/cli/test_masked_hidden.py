"""`masked`: places of plain values that somebody hides, or that others forget. None is in the tree."""

import base64
import sys

import pytest
import yaml

from conftest import commit_all

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands in here are POSIX's")

VALUE = "hunter2-throwaway"
ENCODED = base64.b64encode(VALUE.encode()).decode()
HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
MERGE = f"kind: any\nmetadata: {{name: any}}\nstringData: {{password: {VALUE}}}\n"
TARGETS = ["{name: db}", '{kind: "Sec.*"}', "{kind: Secret}", '{kind: "ConfigMap|Secret", name: db}', "{}"]
PATCHES = {
    "merge": MERGE,
    "add": f"- op: add\n  path: /stringData/password\n  value: {VALUE}\n",
    "data": f"- op: add\n  path: /data\n  value: {{password: {ENCODED}}}\n",
    "object": f'- op: replace\n  path: ""\n  value: {{kind: Secret, data: {{password: {ENCODED}}}}}\n',
}


@pytest.fixture
def shown(cli, tmp_path):
    """Masks the repository, and returns the text of a file; the value is nowhere in the tree."""
    count = 0

    def mask(path, *options):
        nonlocal count
        count += 1
        out = tmp_path / f"tree{count}"
        result = cli("masked", "--output", str(out), *options)
        assert result.exit_code == 0, result.stderr
        for each in filter(lambda file: file.is_file(), out.rglob("*")):
            assert not [form for form in (VALUE, ENCODED) if form.encode() in each.read_bytes()], each
        return (out / path).read_text()

    return mask


def indented(text, by):
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("patch", PATCHES)
def test_patches_for_secrets_however_their_target_says_so(folder, shown, target, patch):
    folder.write("patch.yaml", PATCHES[patch])
    folder.write(
        "kustomization.yaml",
        f"patches:\n- path: patch.yaml\n  target: {target}\n- patch: |\n{indented(PATCHES[patch], 4)}"
        f"  target: {target}\n- path: patch.yaml\n  target: {{kind: ConfigMap}}\n",
    )
    assert "masked-" in shown("kustomization.yaml").replace("bWFza2VkL", "masked-")


def test_patches_of_other_objects_stay(folder, shown):
    patch = "kind: ConfigMap\nmetadata: {name: a}\ndata: {stringData: plain, patch: Secret}\n"
    text = f"patches:\n- target: {{kind: ConfigMap}}\n  patch: |\n{indented(patch, 4)}"
    folder.write("kustomization.yaml", text)
    assert shown("kustomization.yaml") == text


KUSTOMIZATION = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: apps}}
spec:
  patches:
    - target: {{kind: Secret}}
      patch: |
{indented(PATCHES["add"], 8)}
  patchesStrategicMerge:
    - kind: Secret
      metadata: {{name: db}}
      data: {{password: {ENCODED}}}
  patchesJson6902:
    - target: {{kind: Secret, name: db}}
      patch:
        - {{op: add, path: /stringData/password, value: {VALUE}}}
"""
RELEASE = f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: app}}
spec:
  postRenderers:
    - kustomize:
        patches:
          - patch: |
{indented(HEAD + "stringData: {password: " + VALUE + "}", 14)}
"""


@pytest.mark.parametrize(("text", "count"), [(KUSTOMIZATION, 3), (RELEASE, 1)])
def test_patches_in_objects_of_flux(folder, shown, text, count):
    folder.write("flux.yaml", text)
    found = shown("flux.yaml")
    assert found.replace("bWFza2VkL", "masked-").count("masked-") == count
    assert yaml.safe_load(found)["metadata"] == yaml.safe_load(text)["metadata"]


def test_a_generator_in_a_file_of_its_own(folder, shown):
    folder.write("kustomization.yaml", "generators: [gen.yaml]\n")
    folder.write(
        "gen.yaml",
        f"apiVersion: builtin\nkind: SecretGenerator\nmetadata: {{name: a}}\nliterals: [password={VALUE}]\n",
    )
    assert "literals: [password=masked-" in shown("gen.yaml")


def test_values_that_a_secret_has_by_a_merge_key(folder, shown):
    folder.write("a.yaml", f"base: &base {{stringData: {{password: {VALUE}}}}}\n{HEAD}<<: *base\n")
    assert shown("a.yaml").count("masked-") == 2


def test_comments_beside_the_values_of_a_secret(folder, shown):
    text = f"# about it\n{HEAD}# {VALUE}\nstringData: # {VALUE}\n  password: {VALUE}\n# {VALUE}\n"
    folder.write("a.yaml", text)
    assert shown("a.yaml").startswith("# about it\napiVersion: v1\n")


def test_the_copy_of_kubectl_in_an_encrypted_secret(folder, cli, shown):
    folder.rules(f"creation_rules:\n  - age: {folder.recipient}\n")
    copy = f'{{"kind":"Secret","data":{{"password":"{ENCODED}"}}}}'
    folder.write(
        "a.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  annotations:\n"
        f"    kubectl.kubernetes.io/last-applied-configuration: |\n      {copy}\n"
        f"stringData: {{password: {VALUE}}}\n",
    )
    assert cli("encrypt", "a.yaml").exit_code == 0
    assert "last-applied-configuration: |" in shown("a.yaml")


def test_a_private_key_beside_a_ciphertext_and_in_a_comment(folder, cli, shown, identity):
    identity = identity.secret
    folder.write("run.sh", f"# ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]\nKEY={identity}\n")
    rules = f"creation_rules:\n  - age: {folder.recipient}\n    encrypted_regex: ^password$\n"
    folder.rules(rules)
    folder.write("a.enc.yaml", f"# {identity}\nplain: {identity}\npassword: x\n")
    assert cli("encrypt", "-i", "--allow-invalid", "a.enc.yaml").exit_code == 0
    assert identity not in shown("run.sh")
    assert identity not in shown("a.enc.yaml")


def test_text_of_templates(folder, shown):
    folder.write(
        "external.yaml",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec:\n"
        "  secretStoreRef: {name: v, kind: ClusterSecretStore}\n  target:\n    template:\n      data:\n"
        f"        literal: {VALUE}\n        mixed: 'user={{{{ .user }}}} password={VALUE}'\n"
        f"        piped: '{{{{ .user | b64enc }}}} {VALUE}'\n        same: '{{{{ .user }}}}'\n"
        "  data: [{secretKey: user, remoteRef: {key: k}}]\n",
    )
    first, again = (yaml.safe_load(shown("external.yaml"))["data"] for _ in range(2))
    assert first["same"] == again["same"]  # it comes from the place in the store, which is not secret
    assert not {first[key] for key in ("literal", "mixed", "piped")} & set(again.values())


def test_a_name_that_is_also_a_value_stays_a_name(folder, shown):
    folder.write("a.yaml", HEAD.replace("db", "grafana") + "stringData: {user: grafana}\n")
    found = yaml.safe_load(shown("a.yaml"))
    assert found["metadata"] == {"name": "grafana"}
    assert found["stringData"]["user"].startswith("masked-")


def test_filters_that_encrypt_are_known_by_their_names(folder, git, shown):
    git(folder.path, "init", "--quiet")
    folder.write(".gitattributes", "*.txt filter=git-crypt\n*.box filter=strongbox\n")
    folder.write("a\nb.txt", VALUE)
    folder.write("c.box", VALUE)
    assert shown("a\nb.txt").startswith("masked-")
    assert shown("c.box").startswith("masked-")


def test_a_file_is_masked_in_the_commit_before_it_was_encrypted(folder, cli, tmp_path):
    folder.write("values.yaml", f"password: {VALUE}\n")
    commit_all(folder.path, "plain")
    assert cli("encrypt", "--age", folder.recipient, "values.yaml").exit_code == 0
    commit_all(folder.path, "encrypted")
    found = tmp_path / "found"
    command = f'cat "$1"/v* "$2"/v* > {found}'
    result = cli("masked", "HEAD~1", "HEAD", "--", "sh", "-c", command, "sh", "{}", "{}")
    assert result.exit_code == 0, result.stderr
    first, second = found.read_text().splitlines()
    assert first == second != f"password: {VALUE}"
