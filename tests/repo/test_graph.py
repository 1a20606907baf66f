"""How Kustomizations lead from one to the next; see test_flux.py for what is followed at all."""

import pytest

from fluxsecrets.repo.flux import Decryption, Sync
from fluxsecrets.repo.graph import walk
from fluxsecrets.repo.kustomize.built import Cycle
from layouts import SECRET_AGE, config_map, document, flux, git_repository, kustomization, secret


def applied(graph):
    return {each.key: each for each in graph.applied}


def artifacts(*copies, kind="GitRepository"):
    lines = "".join(f"    - {{from: '{origin}', to: '{to}'}}\n" for origin, to in copies)
    return document(
        "source.extensions.fluxcd.io/v1beta1",
        "ArtifactGenerator",
        "parts",
        f"spec:\n  sources: [{{alias: repo, kind: {kind}, name: flux-system}}]\n"
        f"  artifacts:\n  - name: part\n    copy:\n{lines}",
        "flux-system",
    )


@pytest.mark.parametrize(
    ("copy", "path", "found"),
    [
        (("@repo/apps/web/**", "@artifact/"), "./", True),
        (("@repo/apps/**", "@artifact/"), "./web", True),
        (("@repo/apps/**", "@artifact/in/here/"), "./in/here/web", True),
        (("@repo/apps/web", "@artifact/"), "./web", True),
        (("@repo/apps/web/", "@artifact/apps/web/"), "./apps/web", True),
        (("@repo/gone/", "@artifact/apps/"), "./apps", False),
        (("@repo/apps/web/**", "@artifact/"), "./apps/web", True),
        (("@repo/apps/**", "@artifact/in/"), "./web", False),
        (("@other/apps/**", "@artifact/"), "./web", False),
        (("@repo/apps/**", "elsewhere"), "./web", False),
    ],
)
def test_a_path_in_an_artifact_is_found_in_the_repository(tree_of, copy, path, found):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root"),
            "root/a.yaml": flux("web", path, source="part", kind="ExternalArtifact") + artifacts(copy),
            "apps/web/s.yaml": secret("s"),
        }
    )
    graph = walk(tree, "root")
    assert applied(graph)["flux-system", "web"].folder == ("apps/web" if found else None)
    assert [note.message for note in graph.notes] == (
        [] if found else ["Kustomization 'web': not followed, its source is the ExternalArtifact 'part'"]
    )


@pytest.mark.parametrize(("source", "folder"), [("web-prod", "apps/Web/envs/prod"), ("db-prod", None)])
def test_an_artifact_per_folder_is_found_in_the_repository(tree_of, source, folder):
    copy = ("@repo/apps/{app}/envs/{env}/**", "@artifact/")
    pattern = "pathPattern: '@repo/apps/{app}/envs/{env}'"
    generator = artifacts(copy).replace("name: part\n", "name: '{app}-{env}'\n")
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root"),
            "root/a.yaml": flux("web", "./", source=source, kind="ExternalArtifact")
            + generator.replace("  artifacts:", f"  {pattern}\n  artifacts:"),
            "apps/Web/envs/prod/s.yaml": secret("s"),
        }
    )
    assert applied(walk(tree, "root"))["flux-system", "web"].folder == folder


def test_an_artifact_of_something_else_is_not_followed(tree_of):
    copy = ("@repo/apps/**", "@artifact/")
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root"),
            "root/a.yaml": flux("web", "./web", source="part", kind="ExternalArtifact")
            + artifacts(copy, kind="OCIRepository"),
            "apps/web/s.yaml": secret("s"),
        }
    )
    assert applied(walk(tree, "root"))["flux-system", "web"].reason


def test_dependency_order_and_cycles(tree_of):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root"),
            "root/a.yaml": flux("last", "./a", "dependsOn: [{name: first}, {name: gone}]")
            + flux("first", "./b", "dependsOn: [{name: very-first, namespace: other}]")
            + flux("very-first", "./c", namespace="other"),
            "root/b.yaml": flux("x", "./a", "dependsOn: [{name: y}]")
            + flux("y", "./b", "dependsOn: [{name: x}]"),
            "a/a.yaml": config_map("a"),
            "b/b.yaml": config_map("b"),
            "c/c.yaml": config_map("c"),
        }
    )
    graph = walk(tree, "root")
    order = [item.name for item in graph.kustomizations]
    assert order[0] == "flux-system"
    assert order.index("very-first") < order.index("first") < order.index("last")
    assert graph.cycles == (
        Cycle("dependsOn", ("flux-system/x", "flux-system/y", "flux-system/x"), "root/b.yaml", 2),
    )
    (note,) = graph.notes
    assert "Flux never applies this" in note.message
    assert note.warning


def test_a_path_that_is_not_there_is_a_warning_and_another_repository_is_none(tree_of):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root") + git_repository(),
            "root/a.yaml": flux("gone", "./gone"),
            "root/b.yaml": flux("other", "./", source="other")
            + git_repository("other", "https://a.example/b"),
        }
    )
    notes = [(note.path, note.warning) for note in walk(tree, "root").notes]
    assert notes == [("root/a.yaml", True), ("root/b.yaml", False)]


def test_a_path_that_leads_back_is_no_cycle(tree_of):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root"),
            "root/a.yaml": flux("all", "./", "dependsOn: [{name: flux-system}]"),
        }
    )
    graph = walk(tree, "root")
    assert not graph.cycles
    assert not graph.notes
    assert [item.name for item in graph.kustomizations] == ["flux-system", "all"]


def test_children_of_the_roots_own_patches(tree_of):
    spec = "{suspend: true, metadata: {}}"
    patch = (
        "patches: [{target: {kind: Kustomization}, "
        f"patch: '{{kind: K, metadata: {{name: _}}, spec: {spec}, a: b}}'}}]"
    )
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root", SECRET_AGE, patch) + git_repository(),
            "root/a.yaml": flux("apps", "./apps"),
            "apps/s.yaml": secret("s"),
        }
    )
    by_name = {item.name: item for item in walk(tree, "root").kustomizations}
    assert by_name["apps"].suspend
    assert by_name["apps"].decryption is None
    assert by_name["flux-system"].decryption == Decryption("sops", "sops-age")


def test_variables_in_paths_and_names(tree_of):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root", "postBuild: {substitute: {ENV: live}}"),
            "root/a.yaml": flux("apps-${ENV}", "'./apps/${ENV}'").replace(
                "{name: apps-${ENV}", '{name: "apps-${ENV}"'
            )
            + flux("far", "'./far/${REGION}'"),
            "apps/live/s.yaml": secret("${ENV}-s")
            + secret("kept-${ENV}").replace(
                "metadata: {", "metadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}, "
            ),
        }
    )
    graph = walk(tree, "root")
    (child,) = [each for each in graph.applied if each.folder == "apps/live"]
    assert child.key == ("flux-system", "apps-live")
    # The child has no postBuild of its own, so that its objects keep their variables.
    assert [item.name for item in child.objects] == ["${ENV}-s", "kept-${ENV}"]
    assert [note.message for note in graph.notes] == ["Kustomization 'far': its path is not followed"]


def test_a_flux_instance_from_a_registry_is_this_repository_by_definition(tree_of):
    sync = Sync("flux", "flux-system", "OCIRepository", "oci://example.org/fleet", "root", (), "x.yaml", 1)
    tree = tree_of(
        {
            "root/a.yaml": flux("apps", "./apps", source="flux", kind="OCIRepository"),
            "apps/s.yaml": secret("s"),
        }
    )
    graph = walk(tree, "root", sync)
    assert applied(graph)["flux-system", "apps"].objects
    assert not graph.notes


def test_ignore_of_the_git_repository_counts(tree_of):
    tree = tree_of(
        {
            "root/sync.yaml": flux("flux-system", "./root")
            + git_repository("flux-system", "https://example.org/x", "ignore: |\n  /drafts/"),
            "root/a.yaml": flux("drafts", "./drafts"),
            "drafts/s.yaml": secret("s"),
        }
    )
    graph = walk(tree, "root")
    assert applied(graph)["flux-system", "drafts"].reason == "'drafts' is not a folder here"


def test_what_is_made_in_the_cluster_only_is_said(tree_of):
    resource_set = document("fluxcd.controlplane.io/v1", "ResourceSet", "tenants", "spec: {inputs: []}\n")
    tree = tree_of({"root/a.yaml": resource_set, "root/t.yaml.j2": "{{ x }}", "other/u.j2": ""})
    assert [(note.path, note.message) for note in walk(tree, "root").notes] == [
        ("root/a.yaml", "not analysed: what the ResourceSet 'tenants' makes is known in the cluster only"),
        ("root/t.yaml.j2", "not analysed: it is a template"),
    ]


def test_a_kustomization_for_another_cluster_is_marked(tree_of):
    tree = tree_of(
        {
            "root/a.yaml": flux("far", "./apps", "kubeConfig: {secretRef: {name: kc}}"),
            "apps/s.yaml": secret("s"),
        }
    )
    (far,) = walk(tree, "root").kustomizations
    assert far.remote


def test_a_missing_component_may_be_left_out(tree_of):
    tree = tree_of(
        {
            "root/a.yaml": flux("apps", "./apps", "components: [../here, ../gone, ../../../out]"),
            "apps/kustomization.yaml": kustomization("resources: []"),
            "here/kustomization.yaml": kustomization("resources: [s.yaml]", kind="Component"),
            "here/s.yaml": secret("s"),
        }
    )
    graph = walk(tree, "root")
    assert [item.name for item in graph.applied[1].objects] == ["s"]
    assert len(graph.notes) == 2
