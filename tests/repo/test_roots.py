"""Where environments begin, in repositories of many layouts."""

import pytest

from fluxsecrets.repo.environments import list_environments, load_environments
from layouts import config_map, document, flux, git_repository, helm_release, kustomization, secret

REPOSITORY = "https://example.org/waddle/infra"


def oci(name, url):
    return document(
        "source.toolkit.fluxcd.io/v1", "OCIRepository", name, f"spec: {{url: '{url}'}}\n", "flux-system"
    )


def instance(path, kind="GitRepository", url=REPOSITORY):
    return f"  sync: {{kind: {kind}, url: '{url}', path: '{path}', ref: refs/heads/main}}\n"


HOME = {
    "kubernetes/flux/config/flux.yaml": oci("flux-manifests", "oci://example.org/fluxcd/flux-manifests")
    + flux("flux", "./", source="flux-manifests", kind="OCIRepository"),
    "kubernetes/flux/config/cluster.yaml": git_repository("home", REPOSITORY)
    + flux("cluster", "./kubernetes/flux", source="home"),
    "kubernetes/flux/config/kustomization.yaml": kustomization("resources: [flux.yaml, cluster.yaml]"),
    "kubernetes/flux/apps.yaml": flux("cluster-apps", "./kubernetes/apps", source="home"),
    "kubernetes/apps/media/ks.yaml": flux("player", "./kubernetes/apps/media/app", source="home"),
    "kubernetes/apps/media/app/secret.yaml": secret("player", "media"),
    "kubernetes/apps/old/self.yaml": flux("old", "./kubernetes/apps/old", source="home"),
}
"""A cluster that syncs a folder with its own Kustomization, and Flux's manifests from an artifact."""


def monorepo(base, kind="OCIRepository"):
    """Pushed with `flux push artifact --path=BASE`; the cluster's own source is not in the repository."""
    folder = f"{base}/" if base else ""
    return {
        f"{folder}live/apps.yaml": flux("apps", "./apps/live", kind=kind),
        f"{folder}live/infra.yaml": flux("infra", "./infra", kind=kind),
        f"{folder}apps/live/secret.yaml": secret("shop", "shop"),
        f"{folder}infra/secret.yaml": secret("token", "infra"),
    }


LAYOUTS = {
    "clusters": (
        {f"clusters/{name}/flux-system/gotk-sync.yaml": "" for name in ("live", "test")},
        {"live": "clusters/live", "test": "clusters/test"},
    ),
    "a kind of cluster per folder": (
        {
            f"kubernetes/{name}/flux/{file}": content
            for name in ("main", "storage")
            for file, content in {
                "sync.yaml": git_repository() + flux("cluster", f"./kubernetes/{name}/flux"),
                "apps.yaml": flux("apps", f"./kubernetes/{name}/apps"),
            }.items()
        }
        | {f"kubernetes/{name}/apps/a.yaml": config_map("a") for name in ("main", "storage")},
        {"main": "kubernetes/main/flux", "storage": "kubernetes/storage/flux"},
    ),
    "Flux's own manifests from an artifact": (HOME, {"default": "kubernetes/flux"}),
    "a foreign git repository with the path ./": (
        {
            "flux/charts.yaml": git_repository("charts", "https://example.org/other/charts")
            + flux("charts", "./", source="charts"),
            "flux/apps.yaml": flux("apps", "./apps"),
            "apps/a.yaml": config_map("a"),
        },
        {"default": "flux"},
    ),
    "one root, the repository's own": (
        {
            "sync.yaml": git_repository() + flux("flux-system", "./"),
            "apps/ks.yaml": flux("web", "./apps/web"),
            "apps/web/a.yaml": config_map("a"),
        },
        {"default": ""},
    ),
    "one Kustomization in the repository's root": (
        {"flux.yaml": flux("apps", "./deploy/live"), "deploy/live/a.yaml": config_map("a"), "src/x.yaml": ""},
        {"live": "deploy/live"},
    ),
    "a FluxInstance": (
        {
            "flux/instance.yaml": document(
                "fluxcd.controlplane.io/v1", "FluxInstance", "flux", f"spec:\n{instance('fleet/live')}"
            ),
            "fleet/live/a.yaml": config_map("a"),
        },
        {"live": "fleet/live"},
    ),
    "a FluxInstance in the values of a HelmRelease": (
        {
            "apps/flux/release.yaml": helm_release(
                "flux-instance",
                "spec:\n  values:\n    instance:\n      sync: {path: fleet/live, kind: GitRepository}\n",
            ),
            "fleet/live/a.yaml": config_map("a"),
        },
        {"live": "fleet/live"},
    ),
    "a FluxInstance in values that a generator reads": (
        {
            "apps/flux/kustomization.yaml": kustomization(
                "configMapGenerator: [{name: v, files: [values.yaml]}]"
            ),
            "apps/flux/values.yaml": f"instance:\n{instance('fleet/live')}",
            "fleet/live/a.yaml": config_map("a"),
        },
        {"live": "fleet/live"},
    ),
    "an artifact of the repository": (monorepo(""), {"live": "live"}),
    "an artifact of a folder": (monorepo("deploy/flux"), {"live": "deploy/flux/live"}),
    "an artifact of a folder, in a bucket": (monorepo("gitops", "Bucket"), {"live": "gitops/live"}),
    "an artifact that syncs itself": (
        monorepo("gitops") | {"gitops/live/self.yaml": flux("live", "./live", kind="OCIRepository")},
        {"live": "gitops/live"},
    ),
    "tenants with repositories of their own": (
        {
            "fleet/live/tenants.yaml": flux("tenants", "./tenants/live"),
            "tenants/live/team.yaml": git_repository("team", "https://example.org/team/apps")
            + flux("team", "./", source="team")
            + flux("team-live", "./live", source="team"),
            "apps/a.yaml": config_map("a"),
        },
        {"live": "fleet/live"},
    ),
    "deploy/environments": (
        {
            f"deploy/environments/{name}/apps.yaml": flux("apps", f"./deploy/apps/{name}")
            for name in ("live", "test")
        }
        | {f"deploy/apps/{name}/a.yaml": config_map("a") for name in ("live", "test")},
        {"live": "deploy/environments/live", "test": "deploy/environments/test"},
    ),
    "a branch for each environment": (
        {
            "flux/sync.yaml": "".join(
                git_repository(name, REPOSITORY, f"ref: {{branch: {name}}}")
                + flux(name, "./apps", source=name)
                for name in ("live", "test")
            ),
            "apps/a.yaml": config_map("a"),
        },
        {"default": "flux"},
    ),
    "Flux in a folder of an application's repository": (
        {
            "services/shop/main.py": "",
            "services/shop/chart/Chart.yaml": "",
            "services/shop/chart/templates/ks.yaml": flux("never", "./services"),
            "services/shop/deploy/flux/live/ks.yaml": flux("shop", "./services/shop/deploy/overlays/live"),
            "services/shop/deploy/overlays/live/a.yaml": config_map("a"),
        },
        {"services-shop-live": "services/shop/deploy/flux/live"},
    ),
    "several roots in one folder": (
        {
            "fleet/sync-live.yaml": git_repository() + flux("live", "./live"),
            "fleet/sync-test.yaml": flux("test", "./test"),
            "live/a.yaml": config_map("a"),
            "test/a.yaml": config_map("a"),
        },
        {"fleet": "fleet"},
    ),
    "a hub that applies to other clusters": (
        {
            "hub/flux-system/gotk-sync.yaml": git_repository() + flux("flux-system", "./hub"),
            "hub/spokes.yaml": "".join(
                flux(name, f"./spokes/{name}", f"kubeConfig: {{secretRef: {{name: {name}}}}}")
                for name in ("east", "west")
            ),
            "spokes/east/a.yaml": config_map("a"),
            "spokes/west/a.yaml": config_map("a"),
        },
        {"hub": "hub"},
    ),
    "Terraform's bootstrap": (
        {
            "terraform/main.tf": 'resource "flux_bootstrap_git" "this" {\n  path = "kubernetes/live"\n}\n',
            "kubernetes/live/a.yaml": config_map("a"),
        },
        {"live": "kubernetes/live"},
    ),
    "a Kustomization in HCL": (
        {
            "main.tf": 'resource "kubectl_manifest" "sync" {\n  yaml_body = <<YAML\n'
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  path: ./gitops/live\n"
            "  sourceRef: {kind: GitRepository, name: x}\nYAML\n}\n",
            "gitops/live/a.yaml": config_map("a"),
            "gitops/none/README.md": "",
        },
        {"live": "gitops/live"},
    ),
    "a chart's value in HCL": (
        {
            "main.tf": 'resource "helm_release" "i" {\n  chart = "flux-instance"\n  set = [{\n'
            '    name  = "instance.sync.path"\n    value = "fleet/live"\n  }]\n}\n',
            "fleet/live/a.yaml": config_map("a"),
        },
        {"live": "fleet/live"},
    ),
    "a path that only a run of Terraform knows": (
        {
            "main.tf": 'resource "flux_bootstrap_git" "x" {\n  path = "kubernetes/${var.name}"\n}\n',
            "kubernetes/live/a.yaml": "",
        },
        {},
    ),
    "Kustomizations that lead to each other": (
        {"a/ks.yaml": flux("b", "./b"), "b/ks.yaml": flux("a", "./a")},
        {},
    ),
    "a ResourceSet": (
        {
            "sets/apps.yaml": document(
                "fluxcd.controlplane.io/v1",
                "ResourceSet",
                "apps",
                "spec:\n  resourcesTemplate: |\n    kind: Kustomization\n"
                "    spec: {path: 'apps/<< inputs.x >>'}\n",
            ),
            "apps/web/a.yaml": config_map("a"),
        },
        {},
    ),
    "templates": ({"templates/flux/cluster.yaml.j2": flux("cluster", "./kubernetes/flux")}, {}),
    "an archive": ({".archive/clusters/old/flux-system/gotk-sync.yaml": ""}, {}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout(tree_of, name):
    files, wanted = LAYOUTS[name]
    tree = tree_of(files)
    assert {root.name: root.path for root in list_environments(tree)} == wanted


@pytest.mark.parametrize("name", ["an artifact of a folder", "an artifact that syncs itself"])
def test_paths_in_an_artifact_of_a_folder_are_followed(tree_of, name):
    files, _ = LAYOUTS[name]
    (environment,) = load_environments(tree_of(files))
    assert environment.files == files.keys()
    assert environment.notes == ()


def test_the_cluster_that_syncs_itself_reaches_all(tree_of):
    (environment,) = load_environments(tree_of(HOME))
    assert environment.files == HOME.keys()
    assert environment.graph.applied[0].kustomization.name == "cluster"
    (note,) = environment.notes
    assert note.message == (
        "Kustomization 'flux': not followed, its source is the OCIRepository 'flux-manifests'"
    )


def test_a_tenants_repository_is_not_a_missing_folder(tree_of):
    files, _ = LAYOUTS["tenants with repositories of their own"]
    (environment,) = load_environments(tree_of(files))
    assert {note.message for note in environment.notes} == {
        "Kustomization 'team-live': not followed, its source 'team' may be another repository",
        "Kustomization 'team': not followed, its source 'team' may be another repository",
    }
    assert not any(note.warning for note in environment.notes)
