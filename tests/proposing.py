"""A repository with an encrypted Secret that Flux applies, for the tests of `propose` and `fold`."""

import json
import os
from base64 import b64decode

from audit_tree import CLUSTER, RULES, cluster, encrypted, kustomization, write

VALUE = "proposed-throwaway"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
{}
"""
TEXTS = SECRET.format("stringData:\n  user: alice\n  password: old-throwaway")
BASE64 = SECRET.format("data:\n  user: YWxpY2U=\n  password: b2xkLXRocm93YXdheQ==")
LISTED = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - db.yaml # the database
# the end
"""
SETTINGS = f"environments:\n  production:\n    cluster_recipients: [{CLUSTER}]\n"


def make_shop(root, git, monkeypatch, secret=TEXTS, files=None, listed=LISTED, **options):
    """Write the repository; the test runs in it, as somebody without a key."""
    files = {
        ".sops.yaml": RULES,
        ".fluxsecrets.yaml": SETTINGS,
        **cluster("production"),
        "clusters/production/shop.yaml": kustomization("shop", "apps/shop"),
        "apps/shop/db.yaml": encrypted(secret, **options) if isinstance(secret, str) else secret,
        **({"apps/shop/kustomization.yaml": listed} if listed else {}),
        **(files or {}),
    }
    write(root, files)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "start")
    monkeypatch.chdir(root)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", os.devnull)
    return root


def values_of(item):
    return {key: b64decode(value).decode() for key, value in (item.get("data") or {}).items()}


def applied(cli, environment="production"):
    """The values of all Secrets that Flux would apply, by someone with keys."""
    shown = cli("render", "--env", environment, "--show-values", "--format", "json")
    assert shown.exit_code == 0, shown.stdout
    return {
        item["object"]["metadata"]["name"]: values_of(item["object"])
        for each in json.loads(shown.stdout)["kustomizations"]
        for item in each["objects"]
        if item["object"]["kind"] == "Secret"
    }


def rendered(cli):
    """What Flux would apply, with values, by someone with keys; without the places in files."""
    shown = cli("render", "--env", "production", "--show-values", "--format", "json")
    assert shown.exit_code == 0, shown.stdout
    found = json.loads(shown.stdout)["kustomizations"]
    return [[item["object"] for item in each["objects"]] for each in found]


def by_key(objects):
    """Objects with the values of Secrets as applications see them."""
    return [
        [{**item, "data": values_of(item)} if item["kind"] == "Secret" else item for item in each]
        for each in objects
    ]
