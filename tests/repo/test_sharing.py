"""What environments share is built once, and is for each what it would be alone."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.environments import list_environments, load_environment, load_environments
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.perobject import PerObject
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
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository() + flux("flux-system", f"./{root}")
        for number, (folder, specs) in enumerate(draw(st.lists(kustomizations, max_size=4))):
            files[f"{root}/k{number}.yaml"] = flux(f"k{number}", f"./{folder}", *specs)
    return files


def shown(environment):
    """All of an environment, with the data of objects, in which 1 and true differ."""
    graph = environment.graph
    return repr(environment), repr(graph), [(repr(item), repr(item.data)) for _, item in graph.objects]


@given(fleets())
def test_environments_are_the_same_together_and_alone(tmp_path_factory, files):
    contents = {path: text.encode() for path, text in files.items()}
    root = tmp_path_factory.getbasetemp() / "nowhere"
    tree = make_tree(root, contents, planned=contents, links=False)
    together = load_environments(tree)
    alone = [load_environment(tree, each) for each in list_environments(tree)]
    assert [*map(shown, together)] == [*map(shown, alone)]


def test_what_several_apply_alike_is_the_same_objects(tmp_path):
    files = {"base/a.yaml": secret("db")}
    for name in NAMES:
        root = f"clusters/{name}"
        files[f"{root}/flux-system/gotk-sync.yaml"] = git_repository() + flux("flux-system", f"./{root}")
        files[f"{root}/base.yaml"] = flux("base", "./base")
    contents = {path: text.encode() for path, text in files.items()}
    tree = make_tree(tmp_path, contents, planned=contents, links=False)
    found = [
        item
        for environment in load_environments(tree)
        for _, item in environment.graph.objects
        if item.kind == "Secret"
    ]
    assert len(found) == len(NAMES)
    assert len(set(map(id, found))) == 1


def test_an_answer_is_for_the_object_and_not_for_its_equal():
    first = Object("v1", "Secret", "a", None, "a.yaml", 1, {"data": 1})
    second = Object("v1", "Secret", "a", None, "a.yaml", 1, {"data": True})
    asked = []
    data_of = PerObject(lambda item: asked.append(item) or item.data["data"])
    assert first == second
    assert [data_of(first), data_of(second), data_of(first)] == [1, True, 1]
    assert [id(item) for item in asked] == [id(first), id(second)]
