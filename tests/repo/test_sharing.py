"""What environments share is built once, and is for each what it would be alone."""

import pytest
from hypothesis import given

from fluxsecrets.repo.environments import list_environments, load_environment, load_environments
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.perobject import PerObject
from fluxsecrets.repo.references import provisions, uses
from layouts import flux, git_repository, kustomization, secret
from sharedfolders import NAMES, fleets, planned


def shown(environment):
    """All of an environment, with the data of objects, in which 1 and true differ."""
    graph = environment.graph
    return repr(environment), repr(graph), [(repr(item), repr(item.data)) for _, item in graph.objects]


@given(fleets())
def test_environments_are_the_same_together_and_alone(tmp_path_factory, files):
    tree = planned(tmp_path_factory.getbasetemp() / "nowhere", files)
    together = load_environments(tree)
    alone = [load_environment(tree, each) for each in list_environments(tree)]
    assert [*map(shown, together)] == [*map(shown, alone)]


def test_what_several_apply_alike_is_the_same_objects(tmp_path):
    files = {"base/a.yaml": secret("db")}
    for name in NAMES:
        root = f"clusters/{name}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository() + flux("flux-system", f"./{root}")
        files[f"{root}/base.yaml"] = flux("base", "./base")
    found = [
        item
        for environment in load_environments(planned(tmp_path, files))
        for _, item in environment.graph.objects
        if item.kind == "Secret"
    ]
    assert len(found) == len(NAMES)
    assert len(set(map(id, found))) == 1


@given(fleets())
def test_what_is_found_out_about_an_object_holds_for_all_that_share_its_data(tmp_path_factory, files):
    tree = planned(tmp_path_factory.getbasetemp() / "nowhere", files)
    uses_of, provisions_of = PerObject(uses), PerObject(provisions)
    for environment in load_environments(tree):
        for _, item in environment.graph.objects:
            assert uses_of(item) == uses(item)
            assert provisions_of(item) == provisions(item)


def test_overlays_with_the_same_namespace_share_the_data_of_their_base(tmp_path):
    files = {"base/kustomization.yaml": kustomization("resources: [a.yaml]"), "base/a.yaml": secret("db")}
    for name in NAMES:
        root = f"clusters/{name}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository() + flux("flux-system", f"./{root}")
        files[f"{root}/shop.yaml"] = flux("shop", f"./shop/{name}")
        files[f"shop/{name}/kustomization.yaml"] = kustomization("namespace: shop", "resources: [../../base]")
    found = [
        item
        for environment in load_environments(planned(tmp_path, files))
        for _, item in environment.graph.objects
        if item.kind == "Secret"
    ]
    assert [item.namespace for item in found] == ["shop"] * len(NAMES)
    assert len({item.through for item in found}) == len(NAMES)
    assert len({id(item.data) for item in found}) == 1


def test_an_answer_is_for_the_object_and_not_for_its_equal():
    first = Object("v1", "Secret", "a", None, "a.yaml", 1, {"data": 1})
    second = Object("v1", "Secret", "a", None, "a.yaml", 1, {"data": True})
    asked = []
    data_of = PerObject(lambda item: asked.append(item) or item.data["data"])
    assert first == second
    assert [data_of(first), data_of(second), data_of(first)] == [1, True, 1]
    assert [id(item) for item in asked] == [id(first), id(second)]


@pytest.mark.parametrize("by", ["kustomization file", "targetNamespace"])
def test_overlays_with_different_namespaces_have_data_of_their_own(tmp_path, by):
    files = {"base/kustomization.yaml": kustomization("resources: [a.yaml]"), "base/a.yaml": secret("db")}
    for name in NAMES:
        root = f"clusters/{name}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository() + flux("flux-system", f"./{root}")
        if by == "targetNamespace":
            files[f"{root}/shop.yaml"] = flux("shop", "./base", f"targetNamespace: {name}")
            continue
        files[f"{root}/shop.yaml"] = flux("shop", f"./shop/{name}")
        files[f"shop/{name}/kustomization.yaml"] = kustomization(
            f"namespace: {name}", "resources: [../../base]"
        )
    found = [
        item.data["metadata"]["namespace"]
        for environment in load_environments(planned(tmp_path, files))
        for _, item in environment.graph.objects
        if item.kind == "Secret"
    ]
    assert found == [*NAMES]
