"""What may be in a build once only, where components add to it one after the other."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.identity import Identities, identity
from fluxsecrets.repo.objects import Object
from layouts import config_map, kustomization
from sharedfolders import planned

NAMES = st.sampled_from(("a", "b", "p-a", "p-b"))
RENAMES = st.sampled_from((None, "namePrefix: p-", "namespace: x", "commonLabels: {k: v}"))


@given(st.lists(st.tuples(NAMES, RENAMES), max_size=6))
def test_a_second_object_is_found_whichever_component_brings_it(tmp_path_factory, components):
    files = {
        "a/kustomization.yaml": kustomization(
            f"components: [{', '.join(f'../c{i}' for i in range(len(components)))}]"
        )
    }
    names, namespaces, twice = [], [], False
    for number, (name, rename) in enumerate(components):
        fields = ["resources: [r.yaml]", *([rename] if rename is not None else [])]
        files[f"c{number}/kustomization.yaml"] = kustomization(*fields, kind="Component")
        files[f"c{number}/r.yaml"] = config_map(name)
        # A component renames what is there as well as what it adds.
        before = list(zip(names, namespaces, strict=True))
        twice = twice or (name, None) in before
        names, namespaces = [*names, name], [*namespaces, None]
        if rename == "namePrefix: p-":
            names = [f"p-{each}" for each in names]
        if rename == "namespace: x":
            namespaces = ["x"] * len(namespaces)
            now = list(zip(names, namespaces, strict=True))
            twice = twice or len(set(now)) < len(now)
    tree = planned(tmp_path_factory.getbasetemp() / "nowhere", files)
    built = Builder(tree).build("a")
    assert [(item.name, item.namespace) for item in built.objects] == list(
        zip(names, namespaces, strict=True)
    )
    assert any(each.behaviour == "duplicate-id" for each in built.outcomes) is (
        twice or len(set(zip(names, namespaces, strict=True))) < len(names)
    )


def made(name):
    return Object("v1", "ConfigMap", name, None, "a.yaml", 1, {"metadata": {"name": name}})


@given(st.lists(st.lists(NAMES, max_size=3), max_size=5), st.data())
def test_what_is_kept_are_the_identities_of_the_list(parts, data):
    identities, objects = Identities(), []
    for part in parts:
        known = identities.of(objects)
        assert known == set(map(identity, objects))
        objects = [*objects, *map(made, part)]
        known.update(map(identity, objects))
        identities.keep(objects, known)
        if data.draw(st.booleans()):
            objects = [made(f"x-{item.name}") for item in objects]
