"""Fields of Kubernetes' own kinds, and the types of their values."""

import json
from pathlib import Path

import pytest

from fluxsecrets.flux.unknown import UNKNOWN, unknown
from fluxsecrets.flux.validity import kinds
from fluxsecrets.flux.validity.problem import Subject
from fluxsecrets.flux.validity.shapes import check_shape, converts


def deployment(**container):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "apps"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", **container}]}}},
    }


def service(**port):
    return {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [port]}}


def reasons(data):
    return [
        each.reason.removeprefix("spec.template.spec.containers[0].") for each in check_shape(Subject(data))
    ]


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"env": [{"name": "P", "value": 8080}]}, "env[0].value: cannot convert int64 to string"),
        ({"env": [{"name": "P", "value": True}]}, "env[0].value: unrecognized type: string"),
        ({"env": [{"name": "P", "value": unknown("int")}]}, "env[0].value: cannot convert int64 to string"),
        ({"env": {"P": "a"}}, "env: cannot restore slice from map"),
        ({"args": ["--port", 80]}, "args[1]: cannot convert int64 to string"),
        ({"ports": [{"containerPort": "80"}]}, "ports[0].containerPort: unrecognized type: int32"),
        ({"ports": [{"containerPort": 1.5}]}, "ports[0].containerPort: cannot convert float64 to int32"),
        ({"resources": "small"}, "resources: cannot restore struct from: string"),
        (
            {"livenessProbe": {"httpGet": {"port": True}}},
            "livenessProbe.httpGet.port: cannot unmarshal into Go value of type int32",
        ),
    ],
)
def test_a_value_of_another_type_is_refused(container, reason):
    assert reasons(deployment(**container)) == [reason]
    assert not converts(deployment(**container))


@pytest.mark.parametrize(
    "container",
    [
        {
            "env": [
                {"name": "P", "value": "8080"},
                {"name": "Q", "value": UNKNOWN},
                {"name": "R", "value": None},
            ]
        },
        {"livenessProbe": {"httpGet": {"port": "http"}, "periodSeconds": 5.0}},
        {
            "resources": {
                "limits": {"cpu": 1.5, "memory": "1Gi"},
                "requests": {"cpu": "100m", "memory": UNKNOWN},
            }
        },
    ],
)
def test_values_that_fit(container):
    assert not reasons(deployment(**container))
    assert converts(deployment(**container))


@pytest.mark.parametrize(
    "text", ["1", "100m", "1.5Gi", ".5", "5.", "1e3", "1E", "-1", " 1Gi ", "0", "Gi", "1k"]
)
def test_quantities(text):
    assert not reasons(deployment(resources={"limits": {"memory": text}}))


@pytest.mark.parametrize("text", ["512MB", "1 Gi", "1K", "1gb", "1e", "", "two", "1,5", "1..5"])
def test_texts_that_are_not_quantities(text):
    (reason,) = reasons(deployment(resources={"limits": {"memory": text}}))
    assert "quantities must match" in reason


@pytest.mark.parametrize(
    ("port", "fits"), [(80, True), ("http", True), (80.0, True), (True, False), (2**31, False)]
)
def test_a_number_or_a_name(port, fits):
    assert (not reasons(service(targetPort=port))) == fits


def test_a_field_that_the_kind_lacks_is_dropped_wherever_it_is():
    (problem,) = check_shape(Subject(deployment(Image="a", env=[{"name": "A", "value": "b"}])))
    assert problem.dropped
    assert problem.hint == "write image"
    assert problem.steps == ("spec", "template", "spec", "containers", 0, "Image")


def test_roles_are_applied_as_they_are_written():
    data = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [{"verb": ["get"]}]}
    (problem,) = check_shape(Subject(data))
    assert (problem.behaviour, problem.dropped) == ("field-not-known", False)
    assert problem.reason == ".rules[0].verb: field not declared in schema"


@pytest.mark.parametrize(
    ("version", "kind", "known"),
    [
        ("apps/v1", "Ingress", False),
        ("v1", "Deployment", False),
        ("example.com/v1", "Thing", True),
        ("policy/v1beta1", "PodSecurityPolicy", True),  # an older cluster may have it
    ],
)
def test_kinds_that_a_version_does_not_have(version, kind, known):
    found = list(check_shape(Subject({"apiVersion": version, "kind": kind})))
    assert [each.reason for each in found] == (
        [] if known else [f'no matches for kind "{kind}" in version "{version}"']
    )


def innermost(shape):
    """What a map or list holds."""
    return innermost(shape[1]) if isinstance(shape, list) else shape


def test_the_table_refers_to_what_it_has():
    tables = json.loads((Path(kinds.__file__).parent / "kinds.json").read_text())
    named = set(tables["kinds"].values())
    for fields in tables["structs"].values():
        named |= {inner for inner in map(innermost, fields.values()) if inner.startswith(".")}
    assert {name.removeprefix(".") for name in named} == set(tables["structs"])
    assert len(tables["kinds"]) > 50
