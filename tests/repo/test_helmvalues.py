"""Composed values are those that Flux's own code made; see tests/vectors/helm."""

import json
from pathlib import Path

import pytest

from fluxsecrets.errors import FormatError
from fluxsecrets.repo.helmvalues import compose, references_of, same_values

CASES = json.loads((Path(__file__).parents[1] / "vectors/helm/cases.json").read_text(encoding="utf-8"))


def untyped(data):
    """The values without Go's kinds of numbers."""
    if isinstance(data, dict):
        number = data.get("$int64", data.get("$float64"))
        return number if number is not None else {key: untyped(value) for key, value in data.items()}
    return [untyped(item) for item in data] if isinstance(data, list) else data


def outcome(case):
    objects = {(each["kind"], each["name"]): each["data"] for each in case["objects"]}
    release = {"spec": {"values": untyped(case.get("values")), "valuesFrom": case["references"]}}
    try:
        return compose(release, lambda each: objects.get((each.kind, each.name), {}).get(each.key))
    except FormatError:
        return None


def agrees(case):
    found = outcome(case)
    if "error" in case:
        return found is None or bool(found.unknown)
    return found is not None and same_values(found.values, untyped(case["composed"]))


def test_the_model_agrees_with_flux_on_every_vector():
    assert [case["name"] for case in CASES if not agrees(case)] == []
    assert len(CASES) > 400


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), ("1", 1), ({}, None), ([1], [1, 2]), ({"a": None}, {})]
)
def test_values_of_other_types_differ(one, other):
    assert not same_values(one, other)
    assert not same_values(other, one)


def test_numbers_are_the_same_as_helm_sees_them():
    assert same_values({"a": [1, float("nan")]}, {"a": [1.0, float("nan")]})


def test_a_reference_has_flux_defaults():
    (reference,) = references_of({"spec": {"valuesFrom": [{"kind": "Secret", "name": "s"}, "rubbish"]}})
    assert (reference.key, reference.target, reference.literal) == ("values.yaml", "", False)


def test_the_inputs_stay_as_they_are():
    release = {
        "spec": {
            "values": {"a": {"b": 1}},
            "valuesFrom": [{"kind": "Secret", "name": "s", "targetPath": "a.c"}],
        }
    }
    before = json.dumps(release)
    assert compose(release, lambda _: "x").values == {"a": {"b": 1, "c": "x"}}
    assert json.dumps(release) == before
