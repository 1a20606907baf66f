"""An answer counts for all objects that are the same in what it may depend on, and for no others."""

import pytest

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.perobject import PerObject

MANIFESTS = [
    read_manifests(b"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "a.yaml").manifests[0]
    for _ in range(2)
]
ITEM = Object("v1", "Secret", "a", None, "a.yaml", 1, {"data": 1}, MANIFESTS[0])


def asked(*items):
    """Those of some objects whose answer was asked for."""
    found = []
    answer = PerObject(found.append)
    for item in items:
        answer(item)
    return found


@pytest.mark.parametrize(
    "change",
    [
        {"api_version": "v2"},
        {"kind": "ConfigMap"},
        {"name": "b"},
        {"namespace": "b"},
        {"file": "b.yaml"},
        {"line": 2},
        {"data": {"data": 1}},
        {"manifest": MANIFESTS[1]},
        {"manifest": None},
        {"patched_by": ("patch.yaml:1",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_object_has_its_own_answer(change):
    other = replace(ITEM, **change)
    assert [id(item) for item in asked(ITEM, other, ITEM)] == [id(ITEM), id(other)]


@pytest.mark.parametrize("change", [{}, {"through": ("kustomization.yaml",)}])
def test_how_an_object_came_there_does_not_matter(change):
    assert asked(ITEM, replace(ITEM, **change)) == [ITEM]
    patched = replace(ITEM, patched_by=("patch.yaml:1",))
    assert asked(patched, replace(patched, patched_by=("other.yaml:1",))) == [patched]
