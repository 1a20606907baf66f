"""Which environments a change may touch."""

import pytest

from fluxsecrets.repo.environments import list_environments
from fluxsecrets.repo.settings import EnvironmentSettings, Settings
from fluxsecrets.repo.touched import touched

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: {name}, namespace: flux-system}}
spec: {{path: {path}, sourceRef: {{kind: GitRepository, name: flux-system}}}}
"""
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{}]\n"
FILES = {
    **{
        f"clusters/{name}/flux-system/gotk-sync.yaml": FLUX.format(
            name="flux-system", path=f"./clusters/{name}"
        )
        for name in ("one", "two", "three")
    },
    "clusters/one/apps.yaml": FLUX.format(name="apps", path="./apps/overlays/one"),
    "clusters/two/apps.yaml": FLUX.format(name="apps", path="./apps/overlays/two/"),
    "clusters/three/apps.yaml": FLUX.format(name="apps", path="./other"),
    "apps/overlays/one/kustomization.yaml": KUSTOMIZATION.format("../../base, secret.yaml"),
    "apps/overlays/two/kustomization.yaml": KUSTOMIZATION.format('"../../base"'),
    "apps/base/kustomization.yaml": KUSTOMIZATION.format("config.yaml"),
    "apps/base/config.yaml": "a: 1\n",
    "apps/overlays/one/secret.yaml": "a: 1\n",
    "other/deep/er/config.yaml": "a: 1\n",
    "notes/readme.yaml": "a: 1\n",
}


@pytest.fixture
def ask(tree_of):
    def touch(*changed, files=FILES, settings=Settings()):  # noqa: B008 - frozen
        tree = tree_of(files)
        roots = list_environments(tree, settings)
        return touched((tree, tree), (roots, roots), (settings, settings), changed)

    return touch


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ("clusters/one/apps.yaml", {"one"}),
        ("apps/overlays/one/secret.yaml", {"one"}),
        ("apps/overlays/two/kustomization.yaml", {"two"}),
        ("apps/base/config.yaml", {"one", "two"}),
        ("apps/base/new.yaml", {"one", "two"}),
        ("other/deep/er/config.yaml", {"three"}),
        ("notes/readme.yaml", set()),
        ("README.md", set()),
    ],
)
def test_only_what_leads_to_the_file(ask, changed, names):
    assert ask(changed) == names


@pytest.mark.parametrize(
    "changed",
    [".fluxsecrets.yaml", "apps/.sourceignore", "keys/cluster-one.pub", "a b.yaml", "a,b.yaml"],
)
def test_what_may_concern_all(ask, changed):
    assert ask(changed) is None


@pytest.mark.parametrize("path", ["./${WHERE}", "./apps/${NAME}", '"./\\u006eotes"', "&x apps", "apps"])
def test_a_path_that_is_not_written_out(ask, path):
    files = {**FILES, "clusters/three/more.yaml": FLUX.format(name="more", path=path)}
    assert "three" in ask("apps/base/config.yaml", files=files)


def test_files_that_the_settings_name(ask):
    settings = Settings(environments=(EnvironmentSettings("two", 1, files=("notes/**",)),))
    assert ask("notes/readme.yaml", settings=settings) == {"two"}


def test_an_environment_that_is_new(tree_of):
    before = tree_of(FILES)
    one = list_environments(before, Settings())
    two = [root for root in one if root.name != "three"]
    found = touched((before, before), (two, one), (Settings(), Settings()), ["README.md"])
    assert found == {"three"}
