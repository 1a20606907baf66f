import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.repo.kustomize.patches import (
    Patch,
    PatchError,
    Target,
    apply,
    check_json,
    read_patch,
    selects,
)
from tables import each_row

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"tier": "front", "team": "a"}},
    "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "args": ["x", "y"]},
}
NAMES = (("shop", "web"), (None, "old-web"))


def merge(document, target=None):
    return apply(Patch("p.yaml", 1, target, merges=(document,)), DEPLOYMENT, NAMES)


def operate(*operations):
    return apply(Patch("p.yaml", 1, Target(), operations=operations), DEPLOYMENT, NAMES)


@pytest.mark.parametrize(
    ("target", "fits"),
    [
        (Target(), True),
        (Target(kind="Deployment", group="apps", version="v1"), True),
        (Target(kind="Deploy"), False),
        (Target(kind="Deploy.*|StatefulSet"), True),
        (Target(group="batch"), False),
        (Target(name="web"), True),
        (Target(name="we"), False),
        (Target(name="old-.*"), True),
        (Target(name="web", namespace="other"), False),
        (Target(labels="tier=front,team!=b"), True),
        (Target(labels="tier in (back, front), !gone, team"), True),
        (Target(labels="tier notin (front)"), False),
        (Target(labels="!tier"), False),
        (Target(labels="tier=="), False),
        (Target(annotations="a=b"), False),
    ],
)
def test_targets(target, fits):
    assert selects(target, DEPLOYMENT, NAMES) is fits


@pytest.mark.parametrize("target", [Target(name="("), Target(labels="???")])
def test_a_target_that_is_not_valid_is_refused(target):
    with pytest.raises(PatchError):
        selects(target, DEPLOYMENT, NAMES)


def test_lists_of_kubernetes_own_kinds_are_merged_by_their_keys():
    changed = merge(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "old-web", "labels": {"team": None}},
            "spec": {
                "containers": [
                    {"name": "a", "env": [{"name": "E"}]},
                    {"$patch": "delete", "name": "b"},
                    {"name": "c"},
                ],
                "args": ["z"],
            },
        }
    )
    assert changed["spec"]["containers"] == [
        {"name": "a", "image": "1", "env": [{"name": "E"}]},
        {"name": "c"},
    ]
    assert changed["spec"]["args"] == ["z"]
    assert changed["metadata"] == {"name": "web", "namespace": "shop", "labels": {"tier": "front"}}


def test_lists_of_other_kinds_are_replaced():
    release = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": {"name": "x"},
               "spec": {"containers": [{"name": "a"}]}}  # fmt: skip
    patch = {**release, "spec": {"containers": [{"name": "b"}]}}
    assert apply(Patch("p", 1, None, merges=(patch,)), release, ((None, "x"),)) == patch


@pytest.mark.parametrize(
    "document",
    [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "other"}, "spec": {"a": 1}},
        {"apiVersion": "v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"a": 1}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "x"},
            "spec": {},
        },
    ],
)
def test_a_merge_patch_without_a_target_is_for_what_it_names(document):
    assert merge(document) is DEPLOYMENT


def test_with_a_target_the_name_in_the_patch_means_nothing():
    changed = merge(
        {"kind": "X", "metadata": {"name": "_"}, "spec": {"$patch": "replace", "a": 1}}, Target(name="web")
    )
    assert (changed["kind"], changed["metadata"]["name"], changed["spec"]) == ("Deployment", "web", {"a": 1})


def test_a_whole_object_can_be_deleted():
    assert merge({"$patch": "delete"}, Target(kind="Deployment")) is None


def test_operations():
    changed = operate(
        {"op": "add", "path": "/spec/args/-", "value": "z"},
        {"op": "add", "path": "/spec/args/0", "value": "w"},
        {"op": "remove", "path": "/spec/containers/1"},
        {"op": "replace", "path": "/metadata/name", "value": "new"},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/a~1b~0c", "value": "d"},
        {"op": "copy", "from": "/spec/args/0", "path": "/spec/first"},
        {"op": "move", "from": "/metadata/labels/team", "path": "/spec/team"},
        {"op": "test", "path": "/spec/team", "value": "a"},
    )
    assert changed["spec"] == {
        "containers": [{"name": "a", "image": "1"}], "args": ["w", "x", "y", "z"], "first": "w", "team": "a",
    }  # fmt: skip
    assert changed["metadata"]["name"] == "new"
    assert changed["metadata"]["annotations"] == {"a/b~c": "d"}
    assert changed["metadata"]["labels"] == {"tier": "front"}
    assert DEPLOYMENT["metadata"]["labels"] == {"tier": "front", "team": "a"}


@each_row(
    "operation",
    [
        {"op": "remove", "path": "/spec/gone"},
        {"op": "replace", "path": "/spec/args/7", "value": 1},
        {"op": "add", "path": "/gone/further", "value": 1},
        {"op": "add", "path": "/spec/args/5", "value": 1},
        {"op": "test", "path": "/kind", "value": "Job"},
        {"op": "remove", "path": ""},
        {"op": "grow", "path": "/kind"},
        {"op": "add", "path": "kind"},
        {"op": "add"},
        {"op": ["add"], "path": "/a"},
        {"op": None, "path": "/a"},
        {"op": "add", "path": 5},
        {"op": "add", "path": ["a"]},
        {"op": "add", "path": None},
        {"op": "add", "path": "/spec/args/-/x"},
        {"op": "add", "path": "/kind/x"},
        {"op": "replace", "path": "/spec/args/-"},
        {"op": "remove", "path": "/spec/args/-"},
        {"op": "test", "path": "/spec/args/-", "value": "y"},
        {"op": "move", "path": "/a"},
        {"op": "move", "path": "/a", "from": 5},
        {"op": "copy", "path": "/a", "from": "/spec/args/-"},
        {"op": "move", "path": "/spec/args/0", "from": "/spec"},
    ],
)
def test_operations_that_do_not_fit(operation):
    with pytest.raises(PatchError) as caught:
        operate(operation)
    assert "web" not in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "field", "value"),
    [
        ({"op": "replace", "path": "/spec/gone", "value": 1}, "gone", 1),
        ({"op": "add", "path": "/spec/args/01", "value": "n"}, "args", ["x", "n", "y"]),
        ({"op": "remove", "path": "/spec/args/-1"}, "args", ["x"]),
        ({"op": "copy", "path": "/spec/a", "from": "/spec/gone"}, "a", None),
        ({"op": "add", "path": "/spec/a~2", "value": 1}, "a~2", 1),
    ],
)
def test_operations_that_fit_although_the_rfc_refuses_them(operation, field, value):
    assert operate(operation)["spec"][field] == value


def test_operations_find_annotations_in_every_object():
    """kustomize keeps some of its own there meanwhile."""
    changed = operate({"op": "add", "path": "/metadata/annotations/a.b~1c", "value": "d"})
    assert changed["metadata"]["annotations"] == {"a.b/c": "d"}
    assert operate({"op": "add", "path": "/spec/x", "value": 1})["metadata"] == DEPLOYMENT["metadata"]
    with pytest.raises(PatchError):
        operate({"op": "add", "path": "/metadata/other/a", "value": "d"})


def test_a_missing_value_is_null():
    assert operate({"op": "add", "path": "/spec/x"})["spec"]["x"] is None


@pytest.mark.parametrize(
    ("documents", "target"),
    [
        (["text"], Target()),
        ([{"kind": "Secret", "data": {}}], Target()),
        ([[{"op": "add"}]], None),
        ([[1]], Target()),
        ([{"a": 1}, [1]], Target()),
    ],
)
def test_what_is_no_patch(documents, target):
    with pytest.raises(PatchError):
        read_patch(documents, target, "p.yaml", 1)


@pytest.mark.parametrize("documents", [[], [None], [{}], [[]]])
def test_an_empty_patch_does_nothing(documents):
    assert read_patch(documents, None, "p.yaml", 1) is None


_data = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_maps = st.dictionaries(st.sampled_from("abc"), _data, max_size=3)


@given(_maps, _maps)
def test_merging_is_what_rfc_7396_says_where_the_kinds_fit_and_changes_neither(base, patch):
    def expected(old, new):
        if not isinstance(new, dict):
            return new
        known = dict(old) if isinstance(old, dict) else {}
        for key, value in new.items():
            known.pop(key, None)
            if value is not None:
                known[key] = expected((old if isinstance(old, dict) else {}).get(key), value)
        return known

    def cleaned(value):  # inside of lists a null in a map means nothing to us either
        if isinstance(value, list):
            return [cleaned(item) for item in value]
        if isinstance(value, dict):
            return {key: cleaned(item) for key, item in value.items() if item is not None}
        return value

    def fits(old, new):
        if old is None or new is None:
            return True
        if isinstance(new, dict):
            return isinstance(old, dict) and all(fits(old.get(key), new[key]) for key in new)
        return isinstance(old, list) is isinstance(new, list) and not isinstance(old, dict)

    copies = repr((base, patch))
    patched = Patch("p", 1, Target(), merges=({"spec": patch},))
    if not fits(base, patch):
        with pytest.raises(PatchError, match="wrong node kind"):
            apply(patched, {"kind": "X", "spec": base}, NAMES)
        return
    changed = apply(patched, {"kind": "X", "spec": base}, NAMES)
    assert cleaned(changed.get("spec")) == cleaned(expected(base, patch))
    assert repr((base, patch)) == copies


@pytest.mark.parametrize(
    "text", ["[]", '[{"op": "remove", "path": "/a"}]', "- {op: remove, path: /a}", " [{op: a}]"]
)
def test_a_patch_is_json_or_yaml(text):
    check_json(text)


@pytest.mark.parametrize(
    "text", ["[{op: remove, path: /a}]", '[{"op": "add", "value": NaN}]', "[", "[" * 100_000]
)
def test_a_patch_that_starts_as_json_must_be_json(text):
    with pytest.raises(PatchError, match="must be JSON"):
        check_json(text)
