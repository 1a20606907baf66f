"""Labels and annotations, where kustomize puts them."""

import pytest

from fluxsecrets.repo.kustomize.build import Builder
from layouts import document, kustomization

DEPLOYMENT = document("apps/v1", "Deployment", "web", "spec: {template: {spec: {containers: []}}}\n")


@pytest.fixture
def built(tree_of):
    def build(*fields, text=DEPLOYMENT):
        files = {"a/kustomization.yaml": kustomization("resources: [x.yaml]", *fields), "a/x.yaml": text}
        return Builder(tree_of(files)).build("a").objects[0].data

    return build


@pytest.mark.parametrize(
    ("fields", "templates", "selectors"),
    [
        ("labels: [{pairs: {a: b}}]", False, False),
        ("labels: [{pairs: {a: b}, includeTemplates: true}]", True, False),
        ("labels: [{pairs: {a: b}, includeSelectors: true}]", True, True),
        ("commonLabels: {a: b}", True, True),
    ],
)
def test_labels(built, fields, templates, selectors):
    data = built(fields)
    assert data["metadata"]["labels"] == {"a": "b"}
    assert data["spec"]["template"].get("metadata") == ({"labels": {"a": "b"}} if templates else None)
    assert data["spec"].get("selector") == ({"matchLabels": {"a": "b"}} if selectors else None)


def test_annotations_are_those_of_templates_too(built):
    data = built("commonAnnotations: {a: b}")
    assert data["metadata"]["annotations"] == {"a": "b"}
    assert data["spec"]["template"]["metadata"] == {"annotations": {"a": "b"}}


def test_selectors_of_other_kinds_are_not_made(built):
    text = document(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "n",
        "spec: {podSelector: {matchLabels: {x: z}}, ingress: [{from: [{podSelector: {}}]}]}\n",
    )
    assert built("commonLabels: {a: b}", text=text)["spec"] == {
        "podSelector": {"matchLabels": {"x": "z", "a": "b"}},
        "ingress": [{"from": [{"podSelector": {}}]}],
    }


def test_kinds_that_kustomize_does_not_know_get_their_own_labels_only(built):
    text = document("example.org/v1", "Deployment2", "x", "spec: {template: {}}\n")
    data = built("commonLabels: {a: b}", text=text)
    assert (data["metadata"]["labels"], data["spec"]) == ({"a": "b"}, {"template": {}})
