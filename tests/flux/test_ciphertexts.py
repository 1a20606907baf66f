"""Ciphertexts that reach the cluster, and texts that only show some."""

import pytest

from audit_tree import encrypted, secret
from fluxsecrets.flux.ciphertexts import holds_ciphertext

REST = ",iv:oKveO70IHzrLf3H4AR6eQz62tgJ2WM9SwQVizm1u6Rg=,tag:Im8c6URxNk4jfn669sCUFw==,type:str]"
ENC = f"ENC[AES256_GCM,data:AAAA{REST}"
BLOCK = f"password: {ENC}\nsops:\n    mac: {ENC}\n"


@pytest.mark.parametrize(
    "text", [ENC, f"postgres://app:{ENC}@db", f"user: app\npassword: {ENC}\n", BLOCK, ENC[:-9], f" {ENC}\n"]
)
def test_a_ciphertext_is_found_where_it_is_a_value(text):
    assert holds_ciphertext(text, "conf.yaml")


@pytest.mark.parametrize(
    "text",
    [
        f"# How we encrypt\n\n```yaml\n{BLOCK}```\n",
        f"# password: {ENC}\npassword: none\n",
        "values look like ENC[AES256_GCM,data:…]",
        "ENC[",
    ],
)
def test_a_text_that_shows_one_holds_none(text):
    assert not holds_ciphertext(text, "README.md")


def test_a_replacement_that_copies_a_ciphertext(outcomes):
    files = {
        "kustomization.yaml": (
            "resources: [db.yaml, cm.yaml]\nreplacements:\n"
            "  - source: {kind: Secret, fieldPath: stringData.password}\n"
            "    targets: [{select: {kind: ConfigMap}, fieldPaths: [data.pw], options: {create: true}}]\n"
        ),
        "db.yaml": encrypted(secret()),
        "cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\ndata: {a: b}\n",
    }
    assert [each[:2] for each in outcomes(files)] == [("ciphertext", "ciphertext-copied")]


def test_a_text_that_is_replaced_by_a_map_gets_nothing_of_it(verdict):
    files = {
        "kustomization.yaml": (
            "resources: [db.yaml, cm.yaml]\nreplacements:\n"
            "  - source: {kind: Secret, fieldPath: stringData}\n"
            "    targets: [{select: {kind: ConfigMap}, fieldPaths: [data.a]}]\n"
        ),
        "db.yaml": encrypted(secret()),
        "cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\ndata: {a: b}\n",
    }
    found = verdict(files)
    assert (found.verdict, found.outcomes) == ("applied", ())
    (config,) = (each for each in found.objects if each.item.kind == "ConfigMap")
    assert config.data["data"] == {"a": ""}
