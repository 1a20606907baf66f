"""Ways in which repositories are laid out, each read as Flux would."""

import pytest

import layouts
from fluxsecrets.repo.environments import list_environments, load_environments, shared_files
from fluxsecrets.repo.flux import Decryption
from fluxsecrets.repo.references import provisions, uses

SOPS = Decryption("sops", "sops-age")


@pytest.fixture
def environments(tree_of):
    def load(layout):
        tree = tree_of(layout)
        return {each.name: each for each in load_environments(tree)}

    return load


def kustomizations(environment):
    return {item.name: item for item in environment.graph.kustomizations}


def secrets(environment):
    """Every Secret that comes about, by namespace and name, with how and by which Kustomization."""
    return {
        (made.namespace, made.name): (made.how, applied.kustomization.name)
        for applied, item in environment.graph.objects
        for made in provisions(item)
        if made.kind == "Secret"
    }


def used(environment):
    return {
        (use.namespace, use.name, use.via)
        for _, item in environment.graph.objects
        for use in uses(item)
        if use.kind == "Secret" and use.via != "decryption"
    }


def unreached(tree_layout, environment):
    return set(tree_layout) - environment.files


def test_clusters_with_gotk_sync(environments):
    found = environments(layouts.CLUSTERS)
    assert {name: each.root_path for name, each in found.items()} == {
        "production": "clusters/production",
        "staging": "clusters/staging",
    }
    production = found["production"]
    assert [item.name for item in production.graph.kustomizations] == [
        "flux-system",
        "infrastructure",
        "apps",
    ]
    assert kustomizations(production)["apps"].decryption == SOPS
    assert secrets(production) == {
        ("infra", "token"): ("plain", "infrastructure"),
        ("shop", "db"): ("generated", "apps"),
    }
    assert used(production) == {(None, "token", "secretRef"), ("shop", "db", "envFrom")}
    assert production.generator_files == {
        "apps/production/db.env": "dotenv",
        "apps/production/replicas.yaml": "yaml",
    }
    assert unreached(layouts.CLUSTERS, production) == {
        path for path in layouts.CLUSTERS if "/staging/" in path
    }
    assert set(shared_files(found.values())) == {path for path in layouts.CLUSTERS if "/base/" in path}
    assert not production.notes


def test_a_flux_instance_in_a_helm_release(environments):
    found = environments(layouts.OPERATOR)
    assert {name: each.root_path for name, each in found.items()} == {"default": "kubernetes/flux/cluster"}
    (environment,) = found.values()
    assert environment.files == set(layouts.OPERATOR)
    by_name = kustomizations(environment)
    assert list(by_name) == ["flux-system", "cluster-apps", "flux-instance", "player"]
    # The sync itself is made by the operator, and patched by the instance.
    assert by_name["flux-system"].decryption == SOPS
    assert by_name["flux-system"].file.endswith("helmrelease.yaml")
    assert (by_name["player"].namespace, by_name["player"].decryption) == ("media", None)
    assert secrets(environment) == {
        ("media", "cluster-secrets"): ("plain", "cluster-apps"),
        ("media", "player-secret"): ("external", "player"),
    }
    assert ("media", "player-secret", "values") in used(environment)
    assert ("media", "cluster-secrets", "substituteFrom") in used(environment)
    (player,) = [each for each in environment.graph.applied if each.key == ("media", "player")]
    assert player.parent == ("flux-system", "cluster-apps")
    assert not environment.notes


def test_a_root_without_any_kustomization_file(environments):
    (environment,) = environments(layouts.WITHOUT_KUSTOMIZATION).values()
    assert (environment.name, environment.root_path) == ("lab", "fleet/lab")
    assert secrets(environment) == {("data", "db"): ("plain", "lab"), ("data", "lab-cache"): ("plain", "lab")}
    # Files of the root's folder count as the environment's, whether Flux applies them or not.
    assert unreached(layouts.WITHOUT_KUSTOMIZATION, environment) == {".sourceignore", "docs/example.yaml"}
    assert "fleet/lab/drafts/draft.yaml" not in environment.graph.files


def test_children_that_a_parent_patches(environments):
    (environment,) = environments(layouts.PATCHED_CHILDREN).values()
    by_name = kustomizations(environment)
    assert (by_name["web"].decryption, by_name["plain"].decryption) == (SOPS, None)
    assert [each.name for each in by_name["web"].substitute_from] == ["settings"]
    assert secrets(environment) == {("web", "web-live"): ("plain", "web")}
    assert used(environment) == {("web", "web-live", "env"), ("web", "registry", "imagePullSecret")}
    (deployment,) = [item for _, item in environment.graph.objects if item.kind == "Deployment"]
    assert deployment.names == ((None, "web-${STAGE}"), ("web", "web-${STAGE}"))
    assert deployment.patched_by
    assert environment.files == set(layouts.PATCHED_CHILDREN)


def test_several_roots_with_shared_overlays(environments):
    found = environments(layouts.SHARED)
    assert {name: each.root_path for name, each in found.items()} == {
        "boston": "kubernetes/boston/flux",
        "lyon": "kubernetes/lyon/flux",
        "paris": "kubernetes/paris/flux",
    }
    assert (
        secrets(found["paris"])
        == secrets(found["lyon"])
        == {
            ("tenants", "pull-eu"): ("plain", "tenants"),
            ("monitoring", "grafana"): ("plain", "monitoring"),
        }
    )
    # The name that a suffix changed is followed where kustomize follows it.
    assert used(found["boston"]) == {("tenants", "pull-us", "imagePullSecret")}
    shared = shared_files(found.values())
    assert shared["tenants/overlays/eu/pull.yaml"] == ("lyon", "paris")
    assert shared["monitoring/grafana.yaml"] == ("boston", "lyon", "paris")
    assert "tenants/overlays/us/pull.yaml" not in shared
    (note,) = found["paris"].notes
    assert "'charts' is another repository" in note.message
    (skipped,) = [each for each in found["paris"].graph.applied if each.reason]
    assert skipped.kustomization.name == "charts"


def test_an_artifact_of_a_folder_of_the_repository(environments):
    found = environments(layouts.ARTIFACT)
    assert {name: each.root_path for name, each in found.items()} == {"lab": "kube/clusters/lab"}
    by_name = {each.kustomization.name: each.folder for each in found["lab"].graph.applied}
    assert by_name == {
        "flux-system": "kube/clusters/lab",
        "apps": "kube/apps/overlays/lab",
        "web": "kube/apps/base/web/app",
        "db": "kube/apps/base/db/app",
    }
    assert secrets(found["lab"]) == {("web", "web"): ("plain", "web"), ("db", "db"): ("plain", "db")}
    assert found["lab"].notes == ()
    assert "kube/apps/base/off/app/secret.yaml" not in found["lab"].files


@pytest.mark.parametrize(
    "name", ["CLUSTERS", "OPERATOR", "WITHOUT_KUSTOMIZATION", "PATCHED_CHILDREN", "SHARED", "ARTIFACT"]
)
def test_every_object_knows_its_place(tree_of, name):
    tree = tree_of(getattr(layouts, name))
    for root in list_environments(tree):
        for environment in load_environments(tree):
            for _, item in environment.graph.objects:
                lines = tree.read(item.file).decode().splitlines()
                assert 1 <= item.line <= len(lines), item
                for use in uses(item):
                    assert use.name.split("-")[0] in lines[use.line - 1] or item.patched_by
        assert root.path in tree.folders
