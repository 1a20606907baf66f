"""What becomes of an ExternalSecret that is applied."""

import pytest

from fluxsecrets.external.validity import check
from fluxsecrets.flux.validity.problem import Subject
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.sops.document import to_data

KIND = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\n"
HEAD = f"{KIND}metadata:\n  name: a\n  namespace: apps\nspec:\n"
STORE = "  secretStoreRef: {name: store, kind: ClusterSecretStore}\n"
ONE = "  data:\n  - secretKey: tls.crt\n    remoteRef: {key: a}\n"
TLS = "  target:\n    template:\n      type: kubernetes.io/tls\n"


def problems(spec, head=HEAD):
    manifest = read_manifests(f"{head}{STORE}{spec}".encode(), "a.yaml").manifests[0]
    data = to_data(manifest.node)
    return list(check(Subject(data, data, manifest=manifest)))


def found(spec):
    return [(each.behaviour, each.dropped) for each in problems(spec)]


@pytest.mark.parametrize(
    "spec",
    [
        ONE,
        ONE + "  - secretKey: tls.key\n    remoteRef: {key: b}\n" + TLS,
        ONE + "  dataFrom:\n  - extract: {key: a}\n" + TLS,
        ONE + TLS + "      templateFrom:\n      - configMap: {name: a, items: [{key: a}]}\n",
        ONE + TLS + "      data: {tls.crt: '{{ .a }}', tls.key: '{{ .b }}'}\n",
        ONE + TLS + "      mergePolicy: Merge\n      data: {tls.key: '{{ .b }}'}\n",
        ONE + TLS.replace("target:\n", "target:\n    creationPolicy: Merge\n"),
    ],
)
def test_good_ones(spec):
    assert not found(spec)


@pytest.mark.parametrize(
    "spec",
    [
        ONE + TLS,
        ONE + TLS + "      data: {tls.key: '{{ .b }}'}\n",
        ONE + "  target:\n    template:\n      data: {'a b': x}\n",
        ONE.replace("tls.crt", "a/b"),
        ONE + "  target:\n    template:\n      metadata: {labels: {a b: c}}\n",
    ],
)
def test_a_secret_that_the_api_server_would_refuse_is_not_made(spec):
    assert found(spec) == [("secret-not-made", True)]


def test_what_the_webhook_refuses_stops_flux():
    (problem,) = problems(ONE + ONE.removeprefix("  data:\n"))
    assert (problem.behaviour, problem.dropped, problem.line) == ("external-secret-refused", False, 11)
    assert found("") == [("external-secret-refused", False)]


def test_the_place_is_that_of_the_entry():
    (problem,) = problems(ONE.replace("tls.crt", "a/b"))
    assert problem.steps == ("spec", "data", 0, "secretKey")


def test_a_cluster_external_secret_has_its_spec_below():
    head = HEAD.replace("kind: External", "kind: ClusterExternal")
    body = "  externalSecretSpec:\n" + "".join(f"  {line}\n" for line in (STORE + ONE + TLS).splitlines())
    manifest = read_manifests(f"{head}{body}".encode(), "a.yaml").manifests[0]
    data = to_data(manifest.node)
    (problem,) = check(Subject(data, data, manifest=manifest))
    assert problem.steps == ("spec", "externalSecretSpec", "target", "template", "type")
