import json
from pathlib import Path

import pytest

from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.substitute import (
    is_disabled,
    places,
    substitute,
    substitute_known,
    variables_in,
)
from fluxsecrets.repo.unknown import UNKNOWN, is_unknown
from tables import each_row

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/substitution/objects.json").read_text("utf-8"))


@each_row("case", VECTORS["cases"], ids=lambda case: json.dumps(case["values"]))
def test_the_result_is_fluxs(case):
    data = case["object"]
    if is_disabled(data):
        assert case["result"] == data
        return
    found = substitute(data, case["values"])
    failure = found.failure
    if found.missing:
        unset = f'variable not set (strict mode): "{found.missing[0]}"'
        failure = f"envsubst error: variable substitution failed: {unset}"
    assert (failure or found.data) == case.get("error", case.get("result"))


def config_map(**values):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": values}


def test_what_has_no_variable_is_not_touched():
    data = config_map(a="$A {x} } $(b) $", b="1", c=" x: y")
    assert substitute(data, {"A": "1"}).data is data


def test_values_that_are_not_known():
    found = substitute(config_map(a=UNKNOWN, b="x${A}", c="${B}", d="${A:0:1}"), {"A": UNKNOWN, "B": "b"})
    assert [key for key, value in found.data["data"].items() if is_unknown(value)] == ["a", "b", "d"]
    assert found.data["data"]["c"] == "b"


def test_a_variable_may_reach_over_values():
    found = substitute(config_map(a="x${U:=1", b="2}y", c="z"), {})
    assert found.data["data"] == {"a": "x1", "b": "2y", "c": "z"}


def test_only_known_variables_are_replaced():
    item = Object(
        "v1", "ConfigMap", "c", None, "c.yaml", 1, config_map(a="${A}/${B}", b="${B^^}", c="${D:=c}")
    )
    known = substitute_known(item, {"A": "1", "C": UNKNOWN})
    assert known.data["data"] == {"a": "1/${B}", "b": "${B}", "c": "c"}


def test_where_flux_stops_nothing_is_replaced():
    item = Object("v1", "ConfigMap", "c", None, "c.yaml", 1, config_map(a="${A}", b="${A[@]}"))
    assert substitute_known(item, {"A": "1"}) is item


def test_nothing_shows_values():
    found = substitute(config_map(a="${A} ${hunter2}"), {"A": "hunter2"})
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(("text", "names"), [("${A}", ["A"]), ("$${A}", []), ("${A:-b}", []), ("$A", [])])
def test_variables_without_a_default(text, names):
    assert variables_in(text) == names


def test_places_are_in_the_order_of_the_text():
    data = {"b": [1, {"c": "x"}], "a": "y"}
    assert [steps for steps, value in places(data) if value in ("x", "y")] == [("a",), ("b", 1, "c")]
