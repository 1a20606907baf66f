"""What becomes of a SealedSecret that is applied."""

import base64

import pytest

from fluxsecrets.flux.unknown import UNKNOWN
from fluxsecrets.flux.validity.problem import Subject
from fluxsecrets.sealed.validity import check

VALUE = base64.b64encode(b"\x02\x00" + b"k" * 512 + b"v" * 32).decode()
WIDE = {"sealedsecrets.bitnami.com/cluster-wide": "true"}


def sealed(values=None, *, metadata=None, **template):
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "a", "namespace": "apps", **(metadata or {})},
        "spec": {"encryptedData": {"key": VALUE} if values is None else values, "template": template},
    }


def found(data):
    return [(each.behaviour, each.steps[-1], each.dropped) for each in check(Subject(data, data))]


def test_a_good_one():
    own = {"name": "a", "namespace": "apps"}
    assert not found(sealed(metadata=None, type="Opaque", immutable=True))
    assert not found({**sealed(), "metadata": own})
    assert not found(sealed({"tls.crt": VALUE, "tls.key": VALUE}, type="kubernetes.io/tls"))
    assert not found(sealed({"tls.key": VALUE}, type="kubernetes.io/tls", data={"tls.crt": "{{ .x }}"}))


def test_other_kinds_are_no_matter():
    assert not found({"apiVersion": "v1", "kind": "Secret", "spec": {"encryptedData": {"a": 5}}})
    assert not found(
        {"apiVersion": "example.com/v1", "kind": "SealedSecret", "spec": {"encryptedData": {"a": 5}}}
    )


@pytest.mark.parametrize(
    ("value", "kind"), [(5, "integer"), (None, "null"), ({}, "object"), (True, "boolean")]
)
def test_a_value_that_is_not_a_text_is_refused(value, kind):
    (problem,) = check(Subject(sealed({"key": value}), {}))
    assert not problem.dropped
    assert problem.reason.endswith(f'must be of type string: "{kind}"')


@pytest.mark.parametrize("value", ["hunter2", VALUE[:40], "", "%" + VALUE])
def test_what_is_not_sealed_is_applied_but_not_opened(value):
    (problem,) = check(Subject(sealed({"key": value}), {}))
    assert (problem.behaviour, problem.dropped) == ("sealed-value-damaged", True)
    assert "hunter2" not in problem.reason


def test_a_value_that_is_not_known_is_taken_for_good():
    assert not found(sealed({"key": UNKNOWN}))


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (sealed({"tls.crt": VALUE}, type="kubernetes.io/tls"), "type"),
        (sealed({"a b": VALUE}), "a b"),
        (sealed(immutable="yes"), "immutable"),
        (sealed(metadata=None, type="kubernetes.io/ssh-auth"), "type"),
        (
            sealed({}, data={".dockerconfigjson": "{"}, type="kubernetes.io/dockerconfigjson"),
            ".dockerconfigjson",
        ),
    ],
)
def test_the_secret_that_would_be_made_is_looked_at(data, place):
    assert found(data) == [("secret-not-made", place, True)]


def test_one_value_with_the_whole_secret_may_have_any_key():
    data = sealed({}, type="kubernetes.io/tls")
    data["spec"]["data"] = VALUE
    assert not found(data)


def test_the_own_annotations_count_and_not_those_of_the_template():
    data = sealed()
    data["spec"]["template"] = {"metadata": {"name": "b", "namespace": "apps"}}
    assert found(data) == [("sealed-secret-moved", "name", True)]
    data["spec"]["template"] = {"metadata": {"name": "b", "annotations": WIDE}}
    assert found(data) == [("sealed-scope-lost", "metadata", True)]
    data["metadata"]["annotations"] = WIDE
    assert not found(data)
