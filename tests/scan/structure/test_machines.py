"""terraform-state, cloud-init-password, and manifests in files whose names say nothing."""

import json

import pytest

from token_samples import make

VALUE = "kX9vQ2mNp4Lz-throwaway"
HASH = make("$6$wvkZ1xQp${base62:86}", "hash")


def state(**parts):
    return json.dumps({"version": 4, "terraform_version": "1.9.8", "outputs": {}, "resources": [], **parts})


def resource(kind, attributes, *marked):
    sensitive = [[{"type": "get_attr", "value": step} for step in path.split(".")] for path in marked]
    return {"type": kind, "instances": [{"attributes": attributes, "sensitive_attributes": sensitive}]}


@pytest.mark.parametrize(
    "parts",
    [
        {"outputs": {"kube": {"value": VALUE, "type": "string", "sensitive": True}}},
        {"outputs": {"all": {"value": {"a": {"b": VALUE}}, "sensitive": True}}},
        {"resources": [resource("random_password", {"length": 20, "result": VALUE})]},
        {"resources": [resource("local_file", {"content": VALUE}, "content")]},
        {"resources": [resource("helm_release", {"set": [{"name": "a"}, {"value": VALUE}]}, "set.value")]},
        {"resources": [resource("aws_iam_access_key", {"secret": VALUE})]},
    ],
)
@pytest.mark.parametrize("path", ["terraform.tfstate", "prod.tfstate.backup", "state.json", "state"])
def test_a_state_holds_what_was_marked(scanner, parts, path):
    assert scanner(state(**parts), path) == ["1 terraform-state"]


@pytest.mark.parametrize(
    "parts",
    [
        {"outputs": {"host": {"value": VALUE, "type": "string"}}},
        {"outputs": {"empty": {"value": "", "sensitive": True}, "on": {"value": True, "sensitive": True}}},
        {"resources": [resource("random_id", {"hex": VALUE}), resource("local_file", {"content": VALUE})]},
        {"resources": [resource("local_file", {"content": VALUE}, "absent.path")]},
        {"resources": "none", "outputs": []},
    ],
)
def test_the_rest_of_a_state_is_not_a_secret(scanner, parts):
    assert scanner(state(**parts), "terraform.tfstate") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("chpasswd:\n  list: |\n    root:hunter22\n", ["3 cloud-init-password"]),
        ("chpasswd:\n  list:\n    - root:R\n    - ops:hunter22\n", ["5 cloud-init-password"]),
        ("chpasswd:\n  users:\n    - {name: root, password: hunter22, type: text}\n", ["4 manifest-value"]),
        ("password: hunter22\nchpasswd: {expire: false}\n", ["2 manifest-value"]),
        ("users:\n  - name: ops\n    plain_text_passwd: hunter22\n", ["4 manifest-value"]),
        (f"users:\n  - name: ops\n    passwd: {HASH}\n", ["4 login-password-hash"]),
        ("chpasswd:\n  list: |\n    root:RANDOM\n    ops:${OPS_PASSWORD}\n", []),
        ("ssh_pwauth: false\nssh_authorized_keys:\n  - ssh-ed25519 AAAAC3Nz ops@wad.example\n", []),
    ],
)
@pytest.mark.parametrize("path", ["user-data", "cloud-init/node.yaml"])
def test_user_data(scanner, text, found, path):
    assert scanner(f"#cloud-config\n{text}", path) == found


@pytest.mark.parametrize("path", ["home-cluster", "values.txt", "release.tpl", "notes"])
def test_a_manifest_in_a_file_whose_name_says_nothing(scanner, path):
    kubeconfig = "apiVersion: v1\nkind: Config\nusers:\n  - name: ci\n    user:\n      password: hunter22\n"
    assert scanner(kubeconfig, path) == ["6 kubeconfig"]
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    password: hunter22\n"
    )
    assert scanner(release, path) == ["5 helm-value"]
