"""Repositories in which environments apply the same folders, in the same ways and in others."""

from hypothesis import strategies as st

from fluxsecrets.repo.tree import make_tree
from layouts import config_map, document, flux, git_repository, kustomization, secret

NAMES = ("blue", "green", "red")
FOLDERS = ("base", "shop", "plain")

DEPLOYMENT = document(
    "apps/v1",
    "Deployment",
    "web",
    "spec: {template: {spec: {containers: [{name: web, envFrom: [{secretRef: {name: db}}]}]}}}\n",
)


def patch(value):
    operation = f'[{{"op": "add", "path": "/spec/x", "value": {value}}}]'
    return f"patches: [{{target: {{kind: Deployment}}, patch: '{operation}'}}]"


URL = "ssh://git@example.org/waddle/infra"
SOURCES = ((), ("ignore: /part/",), ("ignore: /plain/",), ("sparseCheckout: [clusters, base, shop, part]",))
"""What a source leaves out: environments may differ in that, too."""

# `1`, `true` and `1.0` are equal for Python, and three different patches.
SPECS = (
    "targetNamespace: one",
    "targetNamespace: two",
    "namePrefix: a-",
    "nameSuffix: -z",
    "components: [../part]",
    *map(patch, ("1", "true", "1.0")),
    "postBuild: {substitute: {SIZE: big}}",
)
OWN = ("namespace: shop", "namePrefix: p-", "components: [../part]", patch("true"), patch("1"))

kustomizations = st.tuples(
    st.sampled_from(FOLDERS), st.lists(st.sampled_from(SPECS), max_size=2, unique=True)
)


@st.composite
def fleets(draw):
    own = draw(st.lists(st.sampled_from(OWN), max_size=2, unique_by=lambda text: text.split(":")[0]))
    files = {
        "base/kustomization.yaml": kustomization("resources: [all.yaml]", *own),
        "base/all.yaml": DEPLOYMENT + secret("db") + config_map("size", SIZE="${SIZE}"),
        "shop/kustomization.yaml": kustomization("resources: [../base]", *own[:1]),
        "plain/all.yaml": DEPLOYMENT + secret("db"),
        "part/kustomization.yaml": kustomization(
            "resources: [more.yaml]",
            "patches: [{target: {kind: Secret}, path: patch.yaml}]",
            kind="Component",
        ),
        "part/more.yaml": config_map("more", A="b"),
        "part/patch.yaml": "- {op: add, path: /metadata/labels, value: {part: of}}\n",
    }
    for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
        root = f"clusters/{name}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository(
            "flux-system", URL, *draw(st.sampled_from(SOURCES))
        ) + flux("flux-system", f"./{root}")
        for number, (folder, specs) in enumerate(draw(st.lists(kustomizations, max_size=4))):
            files[f"{root}/k{number}.yaml"] = flux(f"k{number}", f"./{folder}", *specs)
    return files


def planned(folder, files):
    """The tree of some texts that are not on disk."""
    contents = {path: text.encode() for path, text in files.items()}
    return make_tree(folder, contents, planned=contents, links=False)
