"""Which environment a file belongs to by its place: also files that Flux does not read, and plain ones."""

import pytest

from fluxsecrets.repo.belonging import placed
from fluxsecrets.repo.environments import find_environment, list_environments, load_environments
from layouts import flux, git_repository, kustomization, secret

TWO = [("production", "clusters/production"), ("staging", "clusters/staging")]


def owners(tree_of, paths, roots):
    found = placed(tree_of(dict.fromkeys(paths, "")), roots)
    return {path: name for name, files in found.items() for path in files}


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("clusters/production/deep/a.yaml", "production"),
        ("bootstrap/production/age.sops.yaml", "production"),
        ("talos/clusters/production/secrets.yaml", "production"),
        ("terraform/production/main.tf", "production"),
        ("talos/production.sops.yaml", "production"),
        ("apps/web/overlays/production/unlisted.yaml", "production"),
        ("vpn/production/a.yaml", "production"),
        ("other/production/a.yaml", None),
        ("bootstrap/a.yaml", None),
        ("talos/production-old/a.yaml", None),
        ("keys/production.pub", None),
        ("keys/production/a.yaml", None),
        (".github/production/a.yaml", None),
        ("docs/production.md", None),
    ],
)
def test_a_folder_with_an_environments_name(tree_of, path, owner):
    assert owners(tree_of, [path, "vpn/staging/a.yaml", "keys/staging.pub"], TWO).get(path) == owner


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("kubernetes/home/bootstrap/age.yaml", "home"),
        ("kubernetes/home/a.yaml", "home"),
        ("kubernetes/a.yaml", None),
        ("talos/home/a.yaml", "home"),
        ("talos/eu/live/a.yaml", "eu-live"),
        ("talos/eu-live/a.yaml", "eu-live"),
        ("talos/live/a.yaml", None),
        ("talos/us/live/home/a.yaml", "us-live"),
        ("clusters/eu/a.yaml", None),
    ],
)
def test_the_environments_own_folder_and_names_of_several_parts(tree_of, path, owner):
    roots = [
        ("home", "kubernetes/home/flux"),
        ("eu-live", "clusters/eu/live"),
        ("us-live", "clusters/us/live"),
    ]
    assert owners(tree_of, [path], roots).get(path) == owner


@pytest.mark.parametrize(
    ("path", "belongs"),
    [
        ("bootstrap/age.yaml", True),
        ("kubernetes/bootstrap/age.yaml", True),
        ("talos/a/b/secrets.yaml", True),
        ("apps/bootstrap/a.yaml", False),
        ("docs/a.yaml", False),
    ],
)
def test_with_one_environment_the_tools_folders_are_its(tree_of, path, belongs):
    found = owners(tree_of, [path], [("default", "kubernetes/flux/cluster")])
    assert (path in found) == belongs
    assert owners(tree_of, [path], [*TWO, ("default", "kubernetes/flux/cluster")]) == {}


def test_a_folder_that_several_environments_could_have_is_nobodys(tree_of):
    roots = [("a", "kubernetes/x/flux"), ("b", "kubernetes/x/cluster")]
    assert owners(tree_of, ["kubernetes/x/a.yaml"], roots) == {}


def home(name):
    return {
        f"kubernetes/{name}/flux/cluster.yaml": git_repository("home")
        + flux("apps", f"./kubernetes/{name}/apps", source="home"),
        f"kubernetes/{name}/apps/kustomization.yaml": kustomization("resources: [secret.yaml]"),
        f"kubernetes/{name}/apps/secret.yaml": secret("x", "x"),
        f"kubernetes/{name}/bootstrap/age.yaml": secret("sops-age", "flux-system"),
    }


def test_an_environment_has_what_is_placed_in_it(tree_of):
    tree = tree_of({**home("live"), **home("test"), "talos/live.yaml": "", "talos/test.yaml": ""})
    assert [root.name for root in list_environments(tree)] == ["live", "test"]
    environment = find_environment(tree, "live")
    assert environment.files == {*home("live"), "talos/live.yaml"}
    assert environment.placed == {"kubernetes/live/bootstrap/age.yaml", "talos/live.yaml"}
    assert environment.outside == frozenset()
    assert environment == next(each for each in load_environments(tree) if each.name == "live")


def test_one_environment_is_read_without_the_others(tree_of, monkeypatch):
    from fluxsecrets.repo import environments

    tree = tree_of({**home("live"), **home("test"), "talos/live.yaml": "sops: {age: []}\n"})
    walked = []
    walk = environments.walk

    def noted(tree, root, *others):
        walked.append(root)
        return walk(tree, root, *others)

    monkeypatch.setattr(environments, "walk", noted)
    find_environment(tree, "live")
    assert walked == ["kubernetes/live/flux"]
