"""What generators make, as kustomize 5.8 made it of the same files."""

import pytest

from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.generating import content, env_lines
from fluxsecrets.repo.kustomize.hashing import with_hashes
from fluxsecrets.repo.objects import Origin, Source
from layouts import kustomization


@pytest.fixture
def generated(tree_of):
    """The objects of folder `a`, with the names that they get in the end, by their first name."""

    def build(files, *fields):
        built = Builder(tree_of({"a/kustomization.yaml": kustomization(*fields), **files})).build("a")
        assert not built.outcomes
        return {item.name: item.data for item in with_hashes(built.objects)}

    return build


def test_a_secret(generated):
    files = {"a/f.txt": b"hello\n", "a/long": b"x" * 60, "a/e.env": b"A=b=c\n# no\n\n  D= e \nF\n"}
    found = generated(
        files,
        "secretGenerator:",
        "- name: s",
        "  type: example.org/x",
        "  files: [key=f.txt, long]",
        "  envs: [e.env]",
        "  literals: [l=1, 'q=\"in quotes\"']",
        "  options: {labels: {a: b}, annotations: {c: d}, immutable: true}",
    )["s"]
    assert found == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s-d85hhb8m8d", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "type": "example.org/x",
        "data": {
            "A": "Yj1j",
            "D": "IGUg",
            "F": "",
            "key": "aGVsbG8K",
            "l": "MQ==",
            "long": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eH\nh4eHh4eHh4\n",
            "q": "aW4gcXVvdGVz",
        },
        "immutable": True,
    }


def test_a_config_map(generated):
    files = {"a/text": '<&>\u2028"\\\n'.encode(), "a/binary": b"\xff\xfe\x00"}
    found = generated(files, "configMapGenerator: [{name: c, files: [text, binary]}]")["c"]
    assert found["data"] == {"text": '<&>\u2028"\\\n'}
    assert found["binaryData"] == {"binary": "//4A"}
    assert found["metadata"]["name"] == "c-t6m7kf79mf"


def test_merging_keeps_the_name_and_what_is_not_given_anew(generated):
    base = "secretGenerator: [{name: g, literals: [a=old, b=c], options: {labels: {x: z}}}]"
    found = generated(
        {"b/kustomization.yaml": kustomization(base)},
        "namespace: apps",
        "resources: [../b]",
        "secretGenerator: [{name: g, behavior: merge, literals: [a=new, c=d]}]",
    )["g"]
    assert found["data"] == {"a": "bmV3", "b": "Yw==", "c": "ZA=="}
    assert found["metadata"] == {"name": "g-b6bg26m9k4", "namespace": "apps", "labels": {"x": "z"}}


def test_replacing_keeps_the_name_only(generated):
    base = "secretGenerator: [{name: g, literals: [a=old, b=c]}]"
    found = generated(
        {"b/kustomization.yaml": kustomization(base)},
        "resources: [../b]",
        "secretGenerator: [{name: g, behavior: replace, literals: [c=d]}]",
    )["g"]
    assert found["data"] == {"c": "ZA=="}


def test_references_follow_the_hash(generated):
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
        "  - {name: c, envFrom: [{secretRef: {name: g}}, {configMapRef: {name: other}}]}\n"
    )
    found = generated(
        {"a/p.yaml": pod},
        "namePrefix: x-",
        "resources: [p.yaml]",
        "secretGenerator: [{name: g, literals: [a=b]}]",
    )
    assert found["x-g"]["metadata"]["name"] == "x-g-k695gkmbtk"
    (container,) = found["x-p"]["spec"]["containers"]
    assert [next(iter(each.values()))["name"] for each in container["envFrom"]] == ["x-g-k695gkmbtk", "other"]


def test_without_a_hash_the_name_stays(generated):
    found = generated(
        {},
        "generatorOptions: {disableNameSuffixHash: true, labels: {all: x}}",
        "configMapGenerator: [{name: c, literals: [a=b], options: {labels: {all: own, more: y}}}]",
    )["c"]
    assert found["metadata"] == {"name": "c", "labels": {"all": "own", "more": "y"}}


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        (b"", []),
        (b"\xef\xbb\xbfA=b\r\n", [("A", b"b")]),
        (b"A", [("A", b"")]),
        (b"=x\nB==\n", [("B", b"=")]),
        (b"A=b\n" + b"C=" + b"x" * 2**16 + b"\nD=e\n", [("A", b"b")]),
    ],
)
def test_lines_of_envs(data, pairs):
    assert list(env_lines(data)) == pairs


def test_what_is_not_known():
    sources = (
        Source(Origin.ENVS, "", "e.env", "dotenv", 3),
        Source(Origin.LITERAL, "l", "", "", 4, "v"),
        Source(Origin.FILE, "k", "f.txt", "binary", 5),
    )
    made = content("s", sources, lambda _: None)
    assert (dict(made.values), made.unknown, made.complete) == ({"l": b"v"}, ("k",), False)
    assert "v" not in repr(sources).replace("value", "").replace("env", "")


def test_no_value_is_in_a_repr(tree_of):
    files = {"a/kustomization.yaml": kustomization("secretGenerator: [{name: s, literals: [a=throwaway]}]")}
    built = Builder(tree_of(files)).build("a")
    assert "throwaway" not in repr(built)
