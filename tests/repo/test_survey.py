"""What a repository without environments has instead, and the folders that may begin one."""

import pytest

from fluxsecrets.repo.environments import list_environments
from fluxsecrets.repo.settings import parse_settings
from fluxsecrets.repo.survey import as_settings, survey
from layouts import config_map, document, flux, kustomization

SUGGESTED = {
    "folders that kustomize builds": (
        {
            "deploy/base/kustomization.yaml": kustomization("resources: [a.yaml]"),
            "deploy/base/a.yaml": config_map("a"),
            "deploy/part/kustomization.yaml": kustomization(kind="Component"),
            "deploy/overlays/live/kustomization.yaml": kustomization("resources: [../../base]"),
            "deploy/overlays/test/kustomization.yaml": kustomization("resources: [../../base]"),
            "broken/kustomization.yaml": "resources: [\n",
        },
        {"broken": "broken", "live": "deploy/overlays/live", "test": "deploy/overlays/test"},
    ),
    "a path with a variable": (
        {
            "main.tf": 'resource "flux_bootstrap_git" "x" {\n  path = "kubernetes/${var.name}/flux"\n}\n',
            "kubernetes/live/flux/a.yaml": "",
            "kubernetes/test/flux/a.yaml": "",
            "kubernetes/test/apps/a.yaml": "",
        },
        {"live": "kubernetes/live/flux", "test": "kubernetes/test/flux"},
    ),
    "a FluxInstance with a path of an artifact": (
        {
            "flux.yaml": document(
                "fluxcd.controlplane.io/v1",
                "FluxInstance",
                "flux",
                "spec: {sync: {kind: OCIRepository, path: lab}}\n",
            ),
            "a/lab/x.yaml": "",
            "b/lab/x.yaml": "",
        },
        {"a-lab": "a/lab", "b-lab": "b/lab"},
    ),
    "a ResourceSet": (
        {"sets/apps.yaml": document("fluxcd.controlplane.io/v1", "ResourceSet", "apps", "spec: {}\n")},
        {"sets": "sets"},
    ),
    "nothing": ({"README.md": "", "a.yaml": "a: b\n"}, {}),
}


@pytest.mark.parametrize("name", SUGGESTED)
def test_folders_that_may_be_environments(tree_of, name):
    files, wanted = SUGGESTED[name]
    tree = tree_of(files)
    assert list_environments(tree) == ()
    found = survey(tree)
    assert {each.name: each.path for each in found.suggestions} == wanted
    if wanted:
        settings = parse_settings(as_settings(found.suggestions).encode())
        assert {each.name: each.path for each in list_environments(tree, settings)} == wanted


def test_each_kustomization_has_a_reason(tree_of):
    tree = tree_of(
        {
            "a/ks.yaml": flux("b", "./b"),
            "b/ks.yaml": flux("a", "./a") + flux("gone", "./gone") + flux("c", "'./${NAME}'"),
            ".old/ks.yaml": flux("old", "./old"),
            "x.yaml.j2": "",
        }
    )
    found = survey(tree)
    assert [note.message for note in found.reasons] == [
        "Kustomization 'old': its folder's name begins with a dot",
        "Kustomization 'b': it applies 'b', and another Kustomization applies it",
        "Kustomization 'a': it applies 'a', and another Kustomization applies it",
        "Kustomization 'gone': its path 'gone' of the GitRepository 'flux-system' "
        "is not a folder of this repository",
        "Kustomization 'c': only the cluster knows its path",
    ]
    assert found.sentence == (
        "5 Kustomizations from GitRepository flux-system, 1 template that another tool renders: "
        "none shows a folder that a cluster syncs"
    )


def test_templates_are_to_be_rendered_first(tree_of):
    assert survey(tree_of({"a.yaml.j2": ""})).advice == "render the templates first"


def test_hostile_paths_cost_nothing(tree_of):
    path = "${a}" * 90 + "/x"
    files = {f"{'a' * 200}/{number}/a.yaml": "" for number in range(200)}
    tree = tree_of(
        files | {"main.tf": f'flux_bootstrap_git\n  path = "x{path}"\n', "i.yaml": "instance:" * 50_000}
    )
    assert survey(tree).suggestions == ()
