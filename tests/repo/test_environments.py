from pathlib import Path

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.repo.environments import (
    EnvironmentRoot,
    find_environment,
    list_environments,
    load_environment,
    shared_files,
)
from fluxsecrets.repo.tree import make_tree, walk_files
from layouts import flux

EXAMPLE = Path(__file__).parents[2] / "examples/waddle-infra"

SYNC = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{path: ./{path}, sourceRef: {{kind: GitRepository, name: flux-system}}}}
"""


def roots(tree):
    return {root.name: root.path for root in list_environments(tree)}


def test_folders_under_clusters(tree_of):
    tree = tree_of(
        {
            "clusters/README.md": "",
            "clusters/staging/a.yaml": "",
            "clusters/production/deep/b.yaml": "",
            "clusters/.hidden/c.yaml": "",
            "clusters/flux-system/d.yaml": "",
            "other/clusters/x/e.yaml": "",
        }
    )
    assert list_environments(tree) == (
        EnvironmentRoot("production", "clusters/production"),
        EnvironmentRoot("staging", "clusters/staging"),
    )


def test_folders_that_are_synced_take_the_telling_part_of_their_path(tree_of):
    places = ["kubernetes/home/flux", "k8s/lab", "clusters/prod", "edge/cluster/kubernetes"]
    tree = tree_of({f"{place}/flux-system/gotk-sync.yaml": "" for place in places})
    assert roots(tree) == {
        "home": "kubernetes/home/flux",
        "lab": "k8s/lab",
        "prod": "clusters/prod",
        "edge": "edge/cluster/kubernetes",
    }


@pytest.mark.parametrize("place", ["", "kubernetes", "clusters", "kubernetes/flux/cluster"])
def test_a_single_cluster_has_a_name_too(tree_of, place):
    tree = tree_of({f"{place}/flux-system/gotk-sync.yaml".lstrip("/"): ""})
    assert roots(tree) == {"default": place}


def test_a_folder_of_synced_folders_is_no_environment(tree_of):
    places = ["clusters/eu/production", "clusters/us/production", "clusters/us/staging"]
    tree = tree_of(
        {f"{place}/flux-system/gotk-sync.yaml": "" for place in places} | {"clusters/dev/a.yaml": ""}
    )
    assert roots(tree) == {
        "dev": "clusters/dev",
        "eu-production": "clusters/eu/production",
        "us-staging": "clusters/us/staging",
        "us-production": "clusters/us/production",
    }


def test_of_folders_with_kustomizations_those_count_that_lead_to_others(tree_of):
    tree = tree_of(
        {
            "envs/lab/kustomization.yaml": "resources: [../../apps/a/ks.yaml]\n",
            "envs/lab/ks.yaml": "",
            "envs/live/ks.yaml": flux("b", "./apps/b"),
            "apps/a/ks.yaml": flux("a", "./apps/a/app"),
            "apps/b/ks.yaml": flux("b", "./apps/b/app"),
            "apps/off/ks.yaml": flux("off", "./apps/off/app"),
            ".archive/old/ks.yaml": flux("old", "./apps/off"),
            "envs/lab/more.yaml": flux("c", "./apps/b"),
        }
    )
    assert roots(tree) == {"lab": "envs/lab", "live": "envs/live"}


def test_an_artifact_whose_folder_is_not_clear_makes_no_environment(tree_of):
    instance = "instance:\n  sync: {kind: OCIRepository, path: lab}\n"
    files = {"values.yaml": instance, "a/lab/x.yaml": "", "b/lab/x.yaml": ""}
    assert roots(tree_of(files)) == {}
    broken = {"values.yaml": instance + "a: [\n", "b/c.yaml": "instance:\n  x: y\n"}
    assert roots(tree_of(broken)) == {}


def test_paths_that_differ_in_generic_parts_only_keep_their_path(tree_of):
    places = ["kubernetes/prod", "prod/flux"]
    tree = tree_of({f"{place}/flux-system/gotk-sync.yaml": "" for place in places})
    assert roots(tree) == {"kubernetes/prod": "kubernetes/prod", "prod/flux": "prod/flux"}


def test_an_environment_is_its_folder_and_what_flux_reaches(tree_of):
    tree = tree_of(
        {
            "clusters/prod/flux-system/gotk-sync.yaml": SYNC.format(path="clusters/prod"),
            "clusters/prod/kustomization.yaml": "resources: [flux-system/gotk-sync.yaml, ../../apps/prod]\n",
            "clusters/prod/unlisted-secret.yaml": "",
            "apps/prod/kustomization.yaml": "secretGenerator: [{envs: [s.env]}]\nresources: [gone.yaml]\n",
            "apps/prod/s.env": "A=b",
            "apps/prod/unlisted.yaml": "",
            "clusters/staging/a.yaml": "",
        }
    )
    environment = find_environment(tree, "prod")
    assert environment.root_path == "clusters/prod"
    assert environment.files == set(tree.paths) - {"apps/prod/unlisted.yaml", "clusters/staging/a.yaml"}
    assert environment.generator_files == {"apps/prod/s.env": "dotenv"}
    assert [(note.path, note.line) for note in environment.notes] == [("apps/prod/kustomization.yaml", 2)]


def test_of_an_environment_at_the_root_the_graph_decides(tree_of):
    tree = tree_of(
        {
            "flux-system/gotk-sync.yaml": SYNC.format(path=""),
            "kustomization.yaml": "resources: [flux-system/gotk-sync.yaml, a.yaml]\n",
            "a.yaml": "",
            "docs/b.yaml": "",
        }
    )
    assert find_environment(tree, "default").files == set(tree.paths) - {"docs/b.yaml"}


def test_an_unknown_name_is_answered_with_the_known_ones(tree_of):
    tree = tree_of({"clusters/staging/a.yaml": "", "clusters/production/a.yaml": ""})
    with pytest.raises(ConfigError) as caught:
        find_environment(tree, "stagging")
    assert "production, staging" in caught.value.message
    assert caught.value.hint == "did you mean staging?"
    with pytest.raises(ConfigError) as caught:
        find_environment(tree, "xyz")
    assert caught.value.hint == "name one of these"


def test_a_repository_without_environments_says_what_they_are(tree_of):
    with pytest.raises(ConfigError) as caught:
        find_environment(tree_of({"a.yaml": ""}), "prod")
    assert "clusters/" in caught.value.hint


def test_ignored_files_belong_to_no_environment(committed, write):
    opened = committed({"clusters/prod/a.yaml": "", ".gitignore": "*.local.yaml"})
    write({"clusters/prod/b.local.yaml": "", "clusters/prod/c.yaml": ""})
    assert find_environment(opened(), "prod").files == {"clusters/prod/a.yaml", "clusters/prod/c.yaml"}


@pytest.fixture(scope="module")
def example():
    if not EXAMPLE.is_dir():
        pytest.skip("examples/waddle-infra is not here")
    tree = make_tree(EXAMPLE, walk_files(EXAMPLE))
    return {root.name: load_environment(tree, root) for root in list_environments(tree)}


def test_the_example_has_two_environments_and_follows_everything(example):
    assert {name: item.root_path for name, item in example.items()} == {
        "production": "clusters/production",
        "staging": "clusters/staging",
    }
    assert [note for item in example.values() for note in item.notes] == []


def test_the_examples_environments_share_bases_and_infrastructure_only(example):
    shared = shared_files(example.values())
    assert shared
    assert set(shared.values()) == {("production", "staging")}
    assert all(path.startswith("infrastructure-k8s/") or "/base/" in path for path in shared)
    assert "infrastructure-k8s/storage/proxmox-csi-secret.yaml" in shared
    for name, environment in example.items():
        own = environment.files - shared.keys()
        assert own
        assert all(path.startswith(f"clusters/{name}/") or f"/overlays/{name}/" in path for path in own)


@pytest.mark.parametrize("name", ["production", "staging"])
def test_the_examples_generator_files(example, name):
    files = f"apps/spicedb/overlays/{name}/files"
    assert example[name].generator_files == {
        f"{files}/clients.json": "json",
        f"{files}/pgpass.conf": "binary",
        f"{files}/spicedb.env": "dotenv",
    }
