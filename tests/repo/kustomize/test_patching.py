"""Patches without a target find their objects by name: compared with looking at every object for each."""

from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.records import replace
from fluxsecrets.repo.kustomize.called import Called
from fluxsecrets.repo.kustomize.naming import with_affixes
from fluxsecrets.repo.kustomize.patches import Patch, PatchError, is_for, merge_into
from fluxsecrets.repo.kustomize.patching import merge_named
from fluxsecrets.repo.objects import Object, with_data

KINDS = (
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v2", "ConfigMap"),
    ("v1", "Namespace"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
NAMES = ("a", "b", "x-a", "1")
NAMESPACES = (None, "default", "team")


def metadata(name, namespace, more):
    return {"name": name, **({"namespace": namespace} if namespace is not None else {}), **more}


@st.composite
def objects(draw):
    made = []
    for line in range(draw(st.integers(0, 8))):
        (api, kind), name = draw(st.sampled_from(KINDS)), draw(st.sampled_from(NAMES))
        namespace = draw(st.sampled_from(NAMESPACES))
        data = {
            "apiVersion": api,
            "kind": kind,
            "metadata": metadata(name, namespace, {}),
            "data": {"k": "v"},
        }
        item = Object(api, kind, name, namespace, "f.yaml", line, data)
        for prefix in draw(st.lists(st.sampled_from(("x-", "y-")), max_size=2)):
            item = with_affixes(item, prefix, "")
        made.append(item)
    return made


@st.composite
def patches(draw):
    made = []
    for line in range(draw(st.integers(0, 6))):
        merges = []
        for _ in range(draw(st.integers(1, 3))):
            (api, kind), name = draw(st.sampled_from(KINDS)), draw(st.sampled_from((*NAMES, 1)))
            more = draw(st.sampled_from(({}, {"labels": {"n": str(line)}}, {"labels": None})))
            extra = draw(
                st.sampled_from(
                    (
                        {},
                        {"$patch": "delete"},
                        {"data": {"k": str(line)}},
                        {"data": "wrong"},
                        {"spec": {"a": 1}},
                    )
                )
            )
            where = metadata(name, draw(st.sampled_from(NAMESPACES)), more)
            merges.append({"apiVersion": api, "kind": kind, "metadata": where, **extra})
        renames, changes = draw(st.booleans()), draw(st.booleans())
        made.append(Patch("p.yaml", line, None, merges=tuple(merges), renames=renames, changes_kind=changes))
    return made


def long_way(patch, kept, *, lenient):
    """What the patch makes of the objects, and the kinds of its problems."""
    problems = []
    for merge in patch.merges:
        found = [place for place, item in enumerate(kept) if is_for(merge, item.data, item.all_names)]
        if len(found) == 1:
            item = kept[found[0]]
            try:
                data = merge_into(patch, merge, item.data)
            except PatchError:
                problems.append("patch-does-not-apply")
                continue
            changed = [] if data is None else [item]
            if data is not None and data is not item.data:
                mark = f"{patch.file}:{patch.line}"
                changed = [replace(with_data(item, data), patched_by=(*item.patched_by, mark))]
            kept[found[0] : found[0] + 1] = changed
        elif found or not lenient:
            problems.append("patch-without-match")
    return problems


@given(objects(), patches(), st.booleans())
def test_what_is_found_by_name_is_what_is_found_among_all(items, given_patches, lenient):
    called, kept = Called(items), list(items)
    for patch in given_patches:
        problems = merge_named(patch, called, lenient=lenient)
        assert [each.behaviour for each in problems] == long_way(patch, kept, lenient=lenient)
        assert list(called) == kept
        assert [item.data for item in called] == [item.data for item in kept]


def test_a_patch_may_use_a_name_that_another_one_gave_or_took():
    item = Object(
        "v1",
        "Secret",
        "a",
        None,
        "f.yaml",
        1,
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}},
    )
    rename = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}}
    called = Called([with_data(item, {**item.data, **rename})])
    for name in ("a", "b"):
        merge = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": {name: "v"}}
        assert not merge_named(Patch("p.yaml", 1, None, merges=(merge,)), called, lenient=False)
    (changed,) = called
    assert changed.data["data"] == {"a": "v", "b": "v"}
