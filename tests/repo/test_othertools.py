"""Tools other than Flux, after public patterns."""

import pytest

from fluxsecrets.repo.othertools import TOOLS, decrypted_by, find_uses, notes_of
from fluxsecrets.repo.tree import make_tree

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd}
spec: {source: {repoURL: https://github.com/example/repo, path: apps/web}}
"""
KSOPS = """\
apiVersion: viaduct.ai/v1
kind: ksops
metadata:
  name: secrets
  annotations:
    config.kubernetes.io/function: |
      exec: {path: ksops}
files: [./db.enc.yaml]
secretFrom:
  - metadata: {name: more}
    envs: [./app.enc.env]
    files: [key=./tls.enc.key, ../../../outside]
    binaryFiles: [./missing.bin]
"""
SHOWN = {
    "argo-cd": APPLICATION,
    "argo-cd-plugin": "apiVersion: argoproj.io/v1alpha1\nkind: ConfigManagementPlugin\n",
    "argocd-vault-plugin": "stringData:\n  password: <path:secret/data/db#password>\n",
    "ksops": KSOPS,
    "kustomize-sopssecretgenerator": "apiVersion: goabout.com/v1beta1\nkind: SopsSecretGenerator\n",
    "helm-secrets": "valueFiles:\n  - secrets+age-import:///keys/age.txt?secrets.yaml\n",
    "sops-secrets-operator": "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\n",
    "rancher-fleet": "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\n",
    "helmfile": "helmfiles:\n  - path: apps/*/helmfile.yaml\n",
    "kapp-controller": "apiVersion: packaging.carvel.dev/v1alpha1\nkind: PackageInstall\n",
    "terraform-sops": 'data "sops_file" "db" {\n  source_file = "db.enc.yaml"\n}\n',
}


@pytest.fixture
def uses(tmp_path):
    """The uses in files of a repository."""

    def uses(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return find_uses(make_tree(tmp_path, files))

    return uses


@pytest.mark.parametrize("name", [tool.id for tool in TOOLS])
def test_each_tool_is_found(name, uses):
    path = "x.tf" if name == "terraform-sops" else "x.yaml"
    assert [use.tool.id for use in uses({path: SHOWN[name]})] == [name]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("apps/web/fleet.yaml", "rancher-fleet"),
        ("helmfile.yaml", "helmfile"),
        ("helmfile.d/10-web.yaml.gotmpl", "helmfile"),
    ],
)
def test_files_of_some_names_show_a_tool(uses, path, name):
    assert [use.tool.id for use in uses({path: "helm: {chart: ./chart}\n"})] == [name]
    assert uses({path: "apiVersion: v1\nkind: ConfigMap\n"}) == ()


def test_an_app_of_kapp_controller_may_be_written_in_any_style(uses):
    text = "apiVersion: kappctrl.k14s.io/v1alpha1\nkind: App\nspec: {template: [{sops: {age: {}}}]}\n"
    assert [use.tool.id for use in uses({"x.yaml": text})] == ["kapp-controller"]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n",
        "apiVersion: app.k8s.io/v1beta1\nkind: Application\n",
        "# kind: ksops of viaduct.ai/v1\nkind: ConfigMap\n",
        "  # <path:secret/data/db#password>\n",
        "url: https://example.com/secrets://x\n",
        "kind: App\n",
    ],
)
def test_what_only_looks_like_one(text, uses):
    assert uses({"x.yaml": text}) == ()


def test_the_place_is_the_first_sign(uses):
    (use,) = uses({"apps/x.yaml": f"---\n# one\n{APPLICATION}---\n{APPLICATION}"})
    assert (use.path, use.line) == ("apps/x.yaml", 4)


def test_a_list_holds_applications_too(uses):
    text = "apiVersion: v1\nkind: List\nitems:\n  - kind: Application\n    apiVersion: argoproj.io/v1alpha1\n"
    assert [use.line for use in uses({"x.yaml": text})] == [4]


def test_the_files_that_ksops_decrypts(uses):
    files = {f"apps/web/{name}": "x" for name in ("db.enc.yaml", "app.enc.env", "tls.enc.key")}
    found = decrypted_by(uses({"apps/web/ksops.yaml": KSOPS, "outside": "x", **files}))
    assert found.keys() == files.keys()
    assert {use.path for use in found.values()} == {"apps/web/ksops.yaml"}


def test_a_broken_file_counts(uses):
    (use,) = uses({"x.yaml": KSOPS + "\t- {\n"})
    assert (use.tool.id, use.files) == ("ksops", ())


def test_one_note_per_tool(uses):
    found = notes_of(uses({f"{name}.yaml": APPLICATION for name in "abc"}))
    assert [(note.path, note.line) for note in found] == [("a.yaml", 2)]
    assert found[0].message.startswith("not analysed: Argo CD (and 2 more files): ")
