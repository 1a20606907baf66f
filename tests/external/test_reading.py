"""The Secret behind an ExternalSecret, as the operator makes it."""

import json

import pytest

from fluxsecrets.errors import FormatError, StoreError
from fluxsecrets.external.model import read_external
from fluxsecrets.external.reading import read_secret_from
from fluxsecrets.external.stores import Stored
from fluxsecrets.external.stores.content import JsonText, exact_then_path
from fluxsecrets.repo.manifests import read_manifests


class Store:
    shown = "a store"

    def __init__(self, **secrets):
        self.secrets = secrets
        self.asked = []

    def read(self, key, version=None):
        self.asked.append((key, version))
        data = self.secrets.get(key)
        if data is None:
            return None
        text = data if isinstance(data, str) else json.dumps(data)
        return Stored(JsonText(text, exact_then_path))


def secret_of(spec, **secrets):
    text = f"""
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: db, namespace: apps, labels: {{own: label}}}}
spec: {{secretStoreRef: {{name: s}}, {spec}}}
"""
    (manifest,) = read_manifests(text.encode(), "x.yaml").manifests
    store = Store(**secrets)
    return read_secret_from(read_external(manifest), lambda _reference: store), store


def one(reference, **secrets):
    return secret_of(f"data: [{{secretKey: a, remoteRef: {reference}}}]", **secrets)[0].values["a"]


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("{key: k, property: p}", b"x"),
        ("{key: k, property: a.b}", b"dotted"),
        ("{key: k, property: deep.er}", b"1"),
        ("{key: k, property: b, decodingStrategy: Base64}", b"\0\xff"),
        ("{key: k, property: u, decodingStrategy: Base64URL}", b"\xfb\xff"),
        ("{key: k, property: p, decodingStrategy: Auto}", b"x"),
        ("{key: t}", b"a text"),
    ],
)
def test_properties_and_how_they_are_decoded(reference, value):
    data = {"p": "x", "a.b": "dotted", "a": {"b": "nested"}, "deep": {"er": 1}, "b": "AP8=", "u": "-_8="}
    assert one(reference, k=data, t="a text") == value


def test_everything_of_a_key_and_labels_of_its_own():
    secret, store = secret_of(
        "dataFrom: [{extract: {key: k}}], data: [{secretKey: a, remoteRef: {key: k, property: b}}]",
        k={"a": "1", "b": "2", "c d": "3"},
    )
    assert secret.values == {"a": b"2", "b": b"2", "c_d": b"3"}
    assert (secret.name, secret.namespace, secret.labels) == ("db", "apps", {"own": "label"})
    assert store.asked == [("k", None)]


def test_the_template_decides_type_labels_and_values():
    secret, _ = secret_of(
        "target: {name: login, immutable: true, template: {type: t, metadata: {annotations: {x: y}}, "
        "data: {url: 'db://{{ .p }}@h'}}}, data: [{secretKey: p, remoteRef: {key: k, property: p}}]",
        k={"p": "pw"},
    )
    assert (secret.name, secret.type, secret.immutable) == ("login", "t", True)
    assert (secret.values, secret.labels, secret.annotations) == ({"url": b"db://pw@h"}, {}, {"x": "y"})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dataFrom: [{find: {path: x}}]", "finds its values by name"),
        ("dataFrom: [{extract: {key: k}, rewrite: [{regexp: {source: a, target: b}}]}]", "rewrites the keys"),
        (
            "dataFrom: [{sourceRef: {generatorRef: {kind: Password, name: pw}}}]",
            "generator 'pw' creates",
        ),
        ("target: {creationPolicy: Merge}, dataFrom: [{extract: {key: k}}]", "others also write"),
        (
            "target: {manifest: {apiVersion: v1, kind: ConfigMap}}, dataFrom: [{extract: {key: k}}]",
            "another kind",
        ),
        (
            "target: {template: {data: {a: '{{ .p | b64enc }}'}}}, dataFrom: [{extract: {key: k}}]",
            "only the operator",
        ),
        (
            "target: {template: {templateFrom: [{configMap: {name: x}}]}}, dataFrom: [{extract: {key: k}}]",
            "another object",
        ),
    ],
)
def test_what_only_the_cluster_can_know(spec, message):
    with pytest.raises(FormatError, match=message):
        secret_of(spec, k={"p": "x"})


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{key: gone}", "does not exist"),
        ("{key: k, property: gone}", "no property 'gone'"),
        ("{key: k, property: p, decodingStrategy: Base64}", "is not Base64"),
    ],
)
def test_what_is_not_in_the_store(reference, message):
    with pytest.raises(StoreError, match=message) as error:
        one(reference, k={"p": "hunter2-throwaway!"})
    assert "hunter2" not in str(error.value)
