"""The oracle of composed values agrees with Flux's and Helm's own code on every vector."""

import json
from pathlib import Path

from helm.coalesce import CoalesceError, chart_from, coalesce
from helm.compose import ComposeError, compose, tagged

VECTORS = Path(__file__).parents[1] / "vectors" / "helm" / "cases.json"


def typed(data):
    """Return what JSON can't say: a float64 without a fraction is a float."""
    return {"$float64": float(data["$float64"])} if "$float64" in data else data


CASES = json.loads(VECTORS.read_text(encoding="utf-8"), object_hook=typed)


def outcome(case):
    objects = {(each["kind"], each["name"]): each["data"] for each in case["objects"]}
    try:
        composed = compose(case.get("values"), case["references"], objects)
    except ComposeError:
        return {"error": True}
    found = {"composed": tagged(composed)}
    if "chart" in case:
        try:
            found["coalesced"] = tagged(coalesce(chart_from(case["chart"]), composed))
        except CoalesceError:
            found["coalesceError"] = True
    return found


def expected(case):
    return {name: case[name] for name in ("error", "composed", "coalesced", "coalesceError") if name in case}


def test_the_oracle_agrees_with_flux_and_helm():
    differing = [case["name"] for case in CASES if outcome(case) != expected(case)]
    assert not differing


def test_the_vectors_hold_each_kind_of_outcome():
    kinds = {name for case in CASES for name in expected(case)}
    assert kinds == {"error", "composed", "coalesced", "coalesceError"}
    assert len(CASES) > 400
