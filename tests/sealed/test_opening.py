"""SealedSecrets of kubeseal opened, ours made like them, and what does not open said."""

import json
from base64 import b64encode

import pytest

from fluxsecrets.errors import DataKeyError, FormatError, IntegrityError
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.secretobject import read_secret
from fluxsecrets.sealed.codec import open_value, seal_value
from fluxsecrets.sealed.model import check_structure, read_sealed, scope_for, sealed_data
from fluxsecrets.sealed.opening import open_sealed
from fluxsecrets.sealed.scopes import Scope, annotations_for, label_of
from fluxsecrets.sops.formats.yaml import load_documents
from sealing import VECTORS

CASES = json.loads((VECTORS / "sealed" / "cases.json").read_text(encoding="utf-8"))


def vector(path):
    data = (VECTORS / path).read_bytes()
    return read_manifests(data, path).manifests[0].node


def sealed_from(data):
    (node,) = load_documents(json.dumps(data).encode())
    return read_sealed(node)


@pytest.fixture(scope="module")
def secret():
    return read_secret(vector(CASES["secret"]))


@pytest.mark.parametrize("case", CASES["sealed"], ids=lambda case: f"{case['scope']}-{case['format']}")
def test_what_kubeseal_sealed_opens(case, secret, keys, new_keys):
    sealed = read_sealed(vector(case["sealed"]))
    check_structure(sealed)
    assert sealed.scope == case["scope"]
    opened = open_sealed(sealed, [*new_keys, *keys])
    assert opened.secret.values == secret.values
    # The scope's annotation is in the template, so it is in the Secret that the controller creates.
    annotations = {**secret.annotations, **annotations_for(sealed.scope)}
    assert opened.secret.metadata == {**secret.metadata, "annotations": annotations}
    assert (opened.secret.type, opened.secret.texts) == ("Opaque", {"password", "multi"})
    assert set(opened.keys.values()) == {1}


def test_a_raw_value_of_kubeseal_opens(keys):
    raw = CASES["raw"]
    text = (VECTORS / raw["file"]).read_text(encoding="utf-8").strip()
    found = open_value([keys[0].key], text, [f"{raw['namespace']}/{raw['name']}".encode()])
    assert found.data.decode() == raw["value"]


@pytest.mark.parametrize("scope", list(Scope))
def test_ours_is_built_as_kubeseal_builds_it(scope, secret):
    theirs = json.loads((VECTORS / "sealed" / f"{scope}.json").read_text())
    encrypted = theirs["spec"]["encryptedData"]
    assert sealed_data(secret, encrypted, name="db", namespace="apps", scope=scope) == theirs


@pytest.mark.parametrize("scope", list(Scope))
def test_ours_opens_in_its_place_only(scope, secret, certificate, keys):
    encrypted = {
        key: seal_value(certificate.key, value, label_of(scope, "apps", "db"))
        for key, value in secret.values.items()
    }
    data = sealed_data(secret, encrypted, name="db", namespace="apps", scope=scope)
    assert open_sealed(sealed_from(data), keys).secret.values == secret.values
    for field in ("name", "namespace"):
        moved = {**data, "metadata": {**data["metadata"], field: "other"}}
        if scope is Scope.CLUSTER or (field == "name" and scope is Scope.NAMESPACE):
            assert open_sealed(sealed_from(moved), keys).secret.values == secret.values
        else:
            with pytest.raises(DataKeyError, match="none of the private keys opens") as error:
                open_sealed(sealed_from(moved), keys)
            assert "another name or namespace" in error.value.hint


def test_the_wrong_scope_is_named(keys):
    node = json.loads((VECTORS / "sealed" / "cluster-wide.json").read_text())
    node["metadata"].pop("annotations")
    with pytest.raises(DataKeyError, match="with the scope cluster-wide, but the annotations say strict"):
        open_sealed(sealed_from(node), keys)


def test_the_wrong_key_is_named_with_where_it_came_from(new_keys):
    node = read_sealed(vector("sealed/strict.yaml"))
    with pytest.raises(DataKeyError, match="none of the private keys opens multi, password, raw") as error:
        open_sealed(node, new_keys)
    assert error.value.details == ("sealing-new.key: 4096 bits",)


def test_a_truncated_value_is_named_with_its_line(keys):
    node = json.loads((VECTORS / "sealed" / "strict.json").read_text())
    node["spec"]["encryptedData"]["raw"] = node["spec"]["encryptedData"]["raw"][:400]
    with pytest.raises(IntegrityError, match="the value of 'raw' is cut off") as error:
        check_structure(sealed_from(node))
    assert error.value.line == 1
    with pytest.raises(IntegrityError, match="the value of 'raw' is cut off"):
        open_sealed(sealed_from(node), keys)


def test_templates_that_only_put_values_in_are_rendered(certificate, keys):
    def build(**templates):
        return sealed_from(
            {
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": {"name": "db", "namespace": "apps"},
                "spec": {
                    "encryptedData": {"pass.word": seal_value(certificate.key, b"throwaway", b"apps/db")},
                    "template": {"data": templates, "immutable": True},
                },
            }
        )

    opened = open_sealed(build(url='db://{{ index . "pass.word" }}@host', plain="x"), keys)
    assert opened.secret.values == {"pass.word": b"throwaway", "url": b"db://throwaway@host", "plain": b"x"}
    assert opened.secret.immutable is True
    for template in ("{{ .missing }}", "{{ .a | b64enc }}", "{{if}}"):
        with pytest.raises(FormatError, match="only the controller can render"):
            open_sealed(build(url=template), keys)


def test_the_first_versions_sealed_all_in_one(certificate, keys):
    whole = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "apps", "labels": {"app": "db"}},
        "data": {"password": b64encode(b"throwaway").decode()},
    }
    sealed = sealed_from(
        {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {"name": "db", "namespace": "apps"},
            "spec": {"data": seal_value(certificate.key, json.dumps(whole).encode(), b"apps/db")},
        }
    )
    opened = open_sealed(sealed, keys)
    assert (opened.secret.values, opened.secret.labels) == ({"password": b"throwaway"}, {"app": "db"})


def test_copies_of_the_secret_and_what_the_server_adds_are_left_out():
    (node,) = load_documents(b"""
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: apps
  uid: 1-2
  resourceVersion: "5"
  ownerReferences: [{kind: X}]
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"a":"hunter2-throwaway"}}'
    kustomize.toolkit.fluxcd.io/prune: disabled
    sealedsecrets.bitnami.com/cluster-wide: "true"
data: {a: aHVudGVyMi10aHJvd2F3YXk=, b: bm8=}
stringData: {b: "yes"}
""")
    secret = read_secret(node)
    assert secret.values == {"a": b"hunter2-throwaway", "b": b"yes"}
    assert scope_for(secret, None) is Scope.CLUSTER
    data = sealed_data(secret, {}, name="db", namespace="apps", scope=Scope.STRICT)
    flux = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    metadata = {"name": "db", "namespace": "apps", "annotations": flux}
    assert data["metadata"] == data["spec"]["template"]["metadata"] == metadata
    assert "hunter2" not in repr(secret)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stringData: {port: 5432}", "'port' is not a string"),
        ("data: {a: 'not base64'}", "'a' under data is not base64"),
        ("data: {'a b': ''}", "not allowed in a Secret"),
        ("data: [a]", "data is not a map"),
        ("immutable: yes", "neither true nor false"),
    ],
)
def test_what_kubernetes_would_not_take(text, message):
    (node,) = load_documents(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{text}\n".encode())
    with pytest.raises(FormatError, match=message) as error:
        read_secret(node)
    assert error.value.line == 4
