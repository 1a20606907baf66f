import pytest

from fluxsecrets.repo.flux import Decryption, SourceRef, read_kustomization
from fluxsecrets.repo.graph import walk
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.objects import object_of
from fluxsecrets.repo.tree import make_tree, walk_files


def flux(name, path, **spec):
    source = spec.pop("source", "GitRepository/flux-system")
    kind, source_name = source.split("/")
    extra = "".join(f"  {key}: {value}\n" for key, value in spec.items())
    return (
        "---\n"
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\n"
        "kind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        "spec:\n"
        f"  path: {path}\n"
        f"  sourceRef: {{kind: {kind}, name: {source_name}}}\n"
        f"{extra}"
    )


def git_source(name, url):
    return (
        "---\n"
        "apiVersion: source.toolkit.fluxcd.io/v1\n"
        "kind: GitRepository\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec: {{url: '{url}'}}\n"
    )


def sync(path="./clusters/prod", url="ssh://git@example.org/org/infra"):
    return git_source("flux-system", url) + flux("flux-system", path)


def config_map(name="a"):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def notes(graph):
    return [f"{note.path}:{note.line}: {note.message}" for note in graph.notes]


def test_a_kustomization_is_read():
    text = flux(
        "apps", "./apps/prod/",
        decryption="{provider: sops, secretRef: {name: sops-age}}",
        dependsOn="[{name: infra}, {name: crds, namespace: other}]",
        suspend="true",
        components="[../components/x]",
    )  # fmt: skip
    found = read_kustomization(object_of(read_manifests(text.encode(), "a.yaml").manifests[0], "a.yaml"))
    assert (found.name, found.namespace, found.path, found.line) == ("apps", "flux-system", "apps/prod", 2)
    assert found.source == SourceRef("GitRepository", None, "flux-system")
    assert found.decryption == Decryption("sops", "sops-age")
    assert found.depends_on == ((None, "infra"), ("other", "crds"))
    assert found.suspend
    assert found.components == ("../components/x",)


def test_a_folder_without_a_kustomization_file_is_taken_with_all_its_manifests(tree_of):
    tree = tree_of(
        {
            "root/a.yaml": config_map(),
            "root/deep/er/b.yml": config_map(),
            "root/c.json": "{}",
            "root/README.md": "",
            "root/.sops.yaml": "creation_rules: []",
            "root/own/kustomization.yaml": "resources: [d.yaml]\n",
            "root/own/d.yaml": config_map(),
            "root/own/unlisted.yaml": config_map(),
            "root/own/below/e.yaml": config_map(),
            "other/f.yaml": config_map(),
        }
    )
    graph = walk(tree, "root")
    assert graph.files == {
        "root/a.yaml",
        "root/deep/er/b.yml",
        "root/own/kustomization.yaml",
        "root/own/d.yaml",
    }
    assert graph.notes == ()


def test_a_kustomization_file_names_all_that_counts(tree_of):
    tree = tree_of(
        {
            "root/kustomization.yaml": "resources: [a.yaml, ../base]\ncomponents: [../component]\n"
            "patches: [{path: p.yaml}]\n"
            "secretGenerator: [{name: s, files: [k.json=files/s.txt], envs: [e.env]}]\n"
            "configMapGenerator: [{name: c, files: [c.conf]}]\n",
            "root/a.yaml": config_map(),
            "root/unlisted.yaml": config_map(),
            "root/p.yaml": config_map(),
            "root/files/s.txt": "{}",
            "root/e.env": "A=b",
            "root/c.conf": "",
            "base/kustomization.yml": "bases: [../deeper]\n",
            "deeper/Kustomization": "resources: [d.yaml]\n",
            "deeper/d.yaml": config_map("d"),
            "component/kustomization.yaml": "kind: Component\nnamespace: n\n",
        }
    )
    graph = walk(tree, "root")
    assert graph.files == set(tree.paths) - {"root/unlisted.yaml"}
    assert graph.decrypted_as == {"root/e.env": "dotenv", "root/files/s.txt": "json", "root/p.yaml": "yaml"}
    assert graph.notes == ()


def test_flux_kustomizations_are_followed_from_the_sources_root(tree_of):
    tree = tree_of(
        {
            "clusters/prod/flux-system/gotk-sync.yaml": sync(),
            "clusters/prod/apps.yaml": flux("apps", "./apps/prod"),
            "apps/prod/kustomization.yaml": "resources: [more.yaml, ../base]\n",
            "apps/prod/more.yaml": flux("more", "apps/more", components="[../extra]"),
            "apps/base/kustomization.yaml": "resources: []\n",
            "apps/more/a.yaml": config_map(),
            "apps/extra/kustomization.yaml": "kind: Component\n",
            "apps/staging/a.yaml": config_map(),
        }
    )
    graph = walk(tree, "clusters/prod")
    assert graph.files == set(tree.paths) - {"apps/staging/a.yaml"}
    assert graph.folders == ("clusters/prod", "apps/prod", "apps/more", "apps/extra")
    assert [item.name for item in graph.kustomizations] == ["flux-system", "apps", "more"]
    assert [source.name for source in graph.sources] == ["flux-system"]
    assert graph.notes == ()


def test_loops_end(tree_of):
    tree = tree_of(
        {
            "a/kustomization.yaml": "resources: [../b, x.yaml]\n",
            "a/x.yaml": flux("b", "./b") + flux("a", "./a") + flux("root", "./"),
            "b/kustomization.yaml": "resources: [../a, ../b]\n",
            "c/y.yaml": flux("c", "./c"),
        }
    )
    assert walk(tree, "a").files == set(tree.paths)
    assert walk(tree, "").files == set(tree.paths)


@pytest.mark.parametrize("source", ["OCIRepository/apps", "Bucket/apps", "ExternalArtifact/apps"])
def test_other_kinds_of_source_are_noted(tree_of, source):
    tree = tree_of(
        {
            "root/a.yaml": flux("apps", "./apps", source=source),
            "root/b.yaml": flux("own", "./own"),
            "own/a.yaml": config_map(),
            "apps/a.yaml": config_map(),
        }
    )
    graph = walk(tree, "root")
    assert graph.files == {"root/a.yaml", "root/b.yaml", "own/a.yaml"}
    (note,) = notes(graph)
    assert note.startswith("root/a.yaml:2: Kustomization 'apps': not followed")
    assert source.split("/")[0] in note


def test_another_repository_is_noted_wherever_it_is_declared(tree_of):
    tree = tree_of(
        {
            "clusters/prod/flux-system/gotk-sync.yaml": sync(),
            "clusters/prod/a.yaml": flux("podinfo", "./kustomize", source="GitRepository/podinfo"),
            "clusters/prod/z.yaml": flux("sources", "./sources"),
            "sources/podinfo.yaml": git_source("podinfo", "https://github.com/stefanprodan/podinfo"),
            "kustomize/a.yaml": config_map(),
        }
    )
    graph = walk(tree, "clusters/prod")
    assert "sources/podinfo.yaml" in graph.files
    assert "kustomize/a.yaml" not in graph.files
    (note,) = notes(graph)
    assert "'podinfo' is another repository" in note


@pytest.mark.parametrize(
    "sources",
    [
        "",
        git_source("other", "https://example.org/org/infra.git"),
        git_source("other", "git@example.org:Org/infra"),
    ],
    ids=["undeclared", "https", "scp"],
)
def test_another_name_for_this_repository_is_followed(tree_of, sources):
    tree = tree_of(
        {
            "clusters/prod/flux-system/gotk-sync.yaml": sync() + sources,
            "clusters/prod/a.yaml": flux("apps", "./apps", source="GitRepository/other"),
            "apps/a.yaml": config_map(),
        }
    )
    graph = walk(tree, "clusters/prod")
    assert "apps/a.yaml" in graph.files
    assert graph.notes == ()


@pytest.mark.parametrize("path", ["./missing", "'./apps/${CLUSTER}'", "../outside", "./root/a.yaml"])
def test_paths_that_lead_nowhere_are_noted(tree_of, path):
    graph = walk(tree_of({"root/a.yaml": flux("apps", path)}), "root")
    assert graph.files == {"root/a.yaml"}
    assert len(graph.notes) == 1
    assert graph.notes[0].line == 2


def test_what_kustomize_would_miss_is_noted(tree_of):
    tree = tree_of(
        {
            "root/kustomization.yaml": "resources:\n- gone.yaml\n- ../empty\n- https://example.org/x.yaml\n",
            "empty/readme.txt": "",
        }
    )
    graph = walk(tree, "root")
    assert notes(graph) == [
        "empty:None: not analysed: the folder has no kustomization file",
        "root/kustomization.yaml:2: 'root/gone.yaml' is not in the repository, or ignored by git",
        "root/kustomization.yaml:4: 'https://example.org/x.yaml' is fetched from elsewhere, not followed",
    ]


def test_unreadable_files_are_noted_and_the_rest_goes_on(tree_of):
    tree = tree_of(
        {
            "root/bad.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: [\n",
            "root/good.yaml": flux("apps", "./apps"),
            "apps/kustomization.yaml": "resources: [\n",
        }
    )
    graph = walk(tree, "root")
    assert graph.files == set(tree.paths)
    assert [(note.path, note.message[:12]) for note in graph.notes] == [
        ("apps/kustomization.yaml", "not analysed"),
        ("root/bad.yaml", "not analysed"),
    ]


def test_two_kustomization_files_are_both_taken_and_noted(tree_of):
    tree = tree_of(
        {
            "root/kustomization.yaml": "resources: [a.yaml]\n",
            "root/kustomization.yml": "resources: [b.yaml]\n",
            "root/a.yaml": config_map(),
            "root/b.yaml": config_map(),
        }
    )
    graph = walk(tree, "root")
    assert graph.files == set(tree.paths)
    assert ["Flux refuses" in note for note in notes(graph)] == [True]


def test_a_file_read_as_two_formats_is_noted(tree_of):
    tree = tree_of(
        {
            "root/kustomization.yaml": "secretGenerator:\n- {name: a, files: [a.yaml=s]}\n"
            "- {name: b, files: [b=s]}\n",
            "root/s": "x",
        }
    )
    graph = walk(tree, "root")
    assert graph.decrypted_as == {"root/s": "yaml"}
    assert notes(graph) == [
        "root/kustomization.yaml:3: 'root/s' is read as binary here, and as yaml elsewhere"
    ]


def test_links_are_not_followed_since_they_do_not_reach_flux(tree_of, tmp_path, write):
    write(
        {
            "repo/root/kustomization.yaml": "resources: [in]\n",
            "repo/base/kustomization.yaml": "resources: []\n",
        }
    )
    repo = tmp_path / "repo"
    (repo / "root/in").symlink_to("../base")
    graph = walk(make_tree(repo, walk_files(repo)), "root")
    assert graph.files == {"root/kustomization.yaml"}
    assert notes(graph) == [
        "root/kustomization.yaml:1: 'root/in' is not in the repository, or ignored by git"
    ]
