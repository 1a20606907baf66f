"""What kustomize makes of a folder."""

import pytest

from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.built import Cycle, Overlay
from fluxsecrets.repo.kustomize.patches import Patch, Target
from layouts import config_map, document, flux, kustomization, secret


@pytest.fixture
def build(tree_of):
    return lambda files, folder="a", overlay=None: Builder(tree_of(files)).build(folder, overlay)


def names(built):
    return [(item.kind, item.namespace, item.name) for item in built.objects]


def notes(built):
    return [f"{note.path}:{note.line}: {note.message}" for note in built.notes]


def test_outer_folders_work_on_what_inner_ones_made(build):
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "namespace: outer", "namePrefix: p-", "resources: [../b, plain.yaml]"
            ),
            "a/plain.yaml": config_map("plain") + document("v1", "Namespace", "x"),
            "b/kustomization.yaml": kustomization(
                "namespace: inner", "nameSuffix: -s", "resources: [c.yaml]"
            ),
            "b/c.yaml": secret("c") + document("rbac.authorization.k8s.io/v1", "ClusterRole", "r"),
        }
    )
    assert names(built) == [
        ("Secret", "outer", "p-c-s"),
        ("ClusterRole", None, "p-r-s"),
        ("ConfigMap", "outer", "p-plain"),
        ("Namespace", None, "outer"),
    ]
    inner = built.objects[0]
    assert inner.names[0] == (None, "c")
    assert inner.through == ("b/kustomization.yaml", "a/kustomization.yaml")
    assert (inner.file, inner.line) == ("b/c.yaml", 2)


def test_an_object_that_is_included_twice_comes_twice(build):
    built = build(
        {
            "a/kustomization.yaml": kustomization("resources: [../b, ../c]"),
            "b/kustomization.yaml": kustomization("namespace: b", "resources: [../base]"),
            "c/kustomization.yaml": kustomization("namespace: c", "resources: [../base]"),
            "base/kustomization.yaml": kustomization("resources: [s.yaml]"),
            "base/s.yaml": secret("s"),
        }
    )
    assert names(built) == [("Secret", "b", "s"), ("Secret", "c", "s")]


def test_a_component_works_on_all_that_there_is_and_adds_its_own(build):
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "namespace: n", "resources: [d.yaml]", "components: [../comp]", "secretGenerator: [{name: g}]"
            ),
            "a/d.yaml": document("apps/v1", "Deployment", "d", "spec: {}\n"),
            "comp/kustomization.yaml": kustomization(
                "resources: [more.yaml]",
                "patches:\n- target: {kind: Deployment}\n"
                "  patch: |\n    - {op: add, path: /spec/x, value: 1}",
                "namePrefix: c-",
                kind="Component",
            ),
            "comp/more.yaml": config_map("more"),
        }
    )
    assert names(built) == [("Deployment", "n", "c-d"), ("Secret", "n", "c-g"), ("ConfigMap", "n", "c-more")]
    assert built.objects[0].data["spec"] == {"x": 1}
    assert built.objects[0].patched_by == ("comp/kustomization.yaml:6",)


def test_what_refers_to_a_renamed_secret_follows_where_kustomize_does(build):
    pod = "spec: {containers: [{name: c, envFrom: [{secretRef: {name: s}}, {secretRef: {name: other}}]}]}\n"
    built = build(
        {
            "a/kustomization.yaml": kustomization("namePrefix: x-", "resources: [all.yaml]"),
            "a/all.yaml": secret("s")
            + document("v1", "Pod", "p", pod)
            + document(
                "helm.toolkit.fluxcd.io/v2",
                "HelmRelease",
                "h",
                "spec: {valuesFrom: [{kind: Secret, name: s}]}\n",
            ),
        }
    )
    pod, release = built.objects[1:]
    assert [each["secretRef"]["name"] for each in pod.data["spec"]["containers"][0]["envFrom"]] == [
        "x-s",
        "other",
    ]
    assert release.data["spec"]["valuesFrom"][0]["name"] == "s"


def test_generators(build):
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "resources: [../b]",
                "generatorOptions: {disableNameSuffixHash: true}",
                "secretGenerator:",
                "- {name: one, namespace: n, files: [key=f.txt, g.txt], literals: [l=1]}",
                "- {name: two, behavior: merge, envs: [e.env]}",
                "configMapGenerator: [{name: three, literals: [x=y]}]",
            ),
            "a/f.txt": "", "a/g.txt": "", "a/e.env": "A=b\n",
            "b/kustomization.yaml": kustomization("secretGenerator: [{name: two, files: [h.txt]}]"),
            "b/h.txt": "",
        }
    )  # fmt: skip
    two, three, one = built.objects
    assert [(each.kind, each.namespace, each.name) for each in (one, two, three)] == [
        ("Secret", "n", "one"),
        ("Secret", None, "two"),
        ("ConfigMap", None, "three"),
    ]
    assert (one.generated.keys, one.generated.complete, one.generated.hashed) == (
        ("key", "g.txt", "l"),
        True,
        False,
    )
    assert (two.generated.keys, two.generated.complete, two.generated.hashed) == (("h.txt", "A"), True, False)
    assert (one.generated.literals, two.generated.literals) == (True, False)
    assert two.generated.files == ("b/h.txt", "a/e.env")
    assert three.generated.keys == ("x",)
    assert (one.file, one.line) == ("a/kustomization.yaml", 6)


def test_patches_of_all_kinds(build):
    target = "target: {kind: ConfigMap, name: c}"
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "resources: [c.yaml]",
                f"patches:\n- path: merge.yaml\n- {target}\n  path: six.yaml\n",
                "patchesStrategicMerge:\n- old.yaml\n- |-\n  "
                + config_map("c", e="inline").removeprefix("---\n").replace("\n", "\n  "),
                f"patchesJson6902:\n- {target}\n  patch: '- {{op: add, path: /data/f, value: g}}'",
            ),
            "a/c.yaml": config_map("c", a="a", b="b"),
            "a/merge.yaml": config_map("c", b="merge"),
            "a/six.yaml": "- {op: add, path: /data/c, value: six}\n",
            "a/old.yaml": config_map("c", d="old"),
        }
    )
    (item,) = built.objects
    assert item.data["data"] == {"a": "a", "b": "merge", "c": "six", "d": "old", "e": "inline", "f": "g"}
    assert not built.notes


def test_a_broken_patch_is_a_note_and_the_rest_goes_on(build):
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "resources: [c.yaml]",
                "patches:",
                "- {path: broken.yaml}",
                "- {path: text.yaml}",
                "- {target: {kind: ConfigMap}, patch: '- {op: remove, path: /data/gone}'}",
                "- {target: {kind: ConfigMap}, patch: '- {op: add, path: /data/x, value: new}'}",
            ),
            "a/c.yaml": config_map("c", a="a"),
            "a/broken.yaml": "a: [\n",
            "a/text.yaml": "just text\n",
        }
    )
    assert built.objects[0].data["data"] == {"a": "a", "x": "new"}
    assert [note.partition(": ")[0] for note in notes(built)] == [
        "a/broken.yaml:2",
        "a/text.yaml:1",
        "a/kustomization.yaml:7",
    ]
    assert "Unable to remove nonexistent key" in notes(built)[2]
    assert all(note.warning for note in built.notes)


REPLACEMENT = """\
- source: {kind: Namespace, fieldPath: metadata.name}
  targets:
  - select: {kind: Kustomization, group: kustomize.toolkit.fluxcd.io}
    reject: [{name: not-me}]
    fieldPaths: [spec.targetNamespace]
    options: {create: true}
"""


@pytest.mark.parametrize("inline", [True, False])
def test_replacements(build, inline):
    files = {
        "a/kustomization.yaml": kustomization(
            "namespace: media",
            "resources: [all.yaml]",
            "replacements:",
            REPLACEMENT if inline else "- {path: ../r.yaml}",
        ),
        "a/all.yaml": document("v1", "Namespace", "x") + flux("one", "./one") + flux("not-me", "./two"),
        "r.yaml": REPLACEMENT,
    }
    built = build(files)
    assert [item.data["spec"].get("targetNamespace") for item in built.objects[1:]] == ["media", None]
    assert not built.notes


def test_parts_of_texts_can_be_replaced(build):
    options, path = "options: {delimiter: '-', index: 1}", "'spec.containers.[name=c].image'"
    built = build(
        {
            "a/kustomization.yaml": kustomization(
                "resources: [all.yaml]",
                "replacements:",
                f"- source: {{kind: ConfigMap, name: from, fieldPath: data.a, {options}}}",
                f"  targets: [{{select: {{kind: Pod}}, fieldPaths: [{path}], {options}}}]",
                "- source: {kind: ConfigMap, name: gone}",
                "  targets: [{select: {kind: Pod}}]",
            ),
            "a/all.yaml": config_map("from", a="x-y-z")
            + document(
                "v1", "Pod", "p", "spec: {containers: [{name: b, image: 1-2}, {name: c, image: 1-2-3}]}\n"
            ),
        }
    )
    assert [each["image"] for each in built.objects[1].data["spec"]["containers"]] == ["1-2", "1-y-3"]
    (note,) = notes(built)
    assert note.startswith("a/kustomization.yaml:7: not analysed: a replacement does not fit")


def test_what_is_not_modelled_is_said(build):
    built = build(
        {"a/kustomization.yaml": kustomization("resources: []", "transformers: [t.yaml]"), "a/t.yaml": ""}
    )
    assert notes(built) == [
        "a/kustomization.yaml:4: `transformers` is not analysed: what it changes is not known"
    ]


def test_an_include_that_leads_back_is_a_cycle(build):
    files = {
        "a/kustomization.yaml": kustomization("resources: [../b, s.yaml]"),
        "a/s.yaml": secret("s"),
        "b/kustomization.yaml": kustomization("components: [../c]"),
        "c/kustomization.yaml": kustomization("resources:\n- ../a", kind="Component"),
    }
    built = build(files)
    assert built.cycles == (Cycle("include", ("a", "b", "c", "a"), "c/kustomization.yaml", 4),)
    assert names(built) == [("Secret", None, "s")]
    assert "kustomize refuses this: a includes b includes c includes a" in notes(built)[0]
    assert built.notes[0].warning


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"a/kustomization.yaml": kustomization("resources:\n- gone.yaml")}, "a/kustomization.yaml:4"),
        ({"a/kustomization.yaml": kustomization("resources: [../b]"), "b/s.yaml": secret("s")}, "b:None"),
        ({"a/kustomization.yaml": kustomization("components: [../b]"), "b/s.yaml": secret("s")}, "b:None"),
        ({"a/kustomization.yaml": "resources: [\n"}, "a/kustomization.yaml:2"),
        (
            {"a/kustomization.yaml": kustomization(), "a/Kustomization": kustomization()},
            "a/Kustomization:None",
        ),
        ({"a/broken.yaml": "a: [\n", "a/s.yaml": secret("s")}, "a/broken.yaml:2"),
    ],
)
def test_what_flux_would_fail_on_is_a_warning_with_its_place(build, files, place):
    (note,) = build(files).notes
    assert note.warning
    assert f"{note.path}:{note.line}" == place


def test_what_is_only_not_followed_is_no_warning(build):
    url = "https://example.org/x//y?ref=v1"
    built = build({"a/kustomization.yaml": kustomization(f"resources: ['{url}']", "vars: [{name: x}]")})
    assert len(built.notes) == 2
    assert not any(note.warning for note in built.notes)


def test_what_a_flux_kustomization_adds_comes_on_top(build):
    overlay = Overlay(
        namespace="target",
        name_prefix="p-",
        patches=(Patch("ks.yaml", 1, Target(kind="Secret"), merges=({"data": {"x": "y"}},)),),
    )
    files = {
        "a/kustomization.yaml": kustomization("namespace: own", "namePrefix: own-", "resources: [s.yaml]"),
        "a/s.yaml": secret("s"),
    }
    built = build(files, overlay=overlay)
    assert names(built) == [("Secret", "target", "p-s")]
    assert built.objects[0].data["data"] == {"x": "y"}


def test_local_configuration_is_not_applied(build):
    local = secret("local").replace(
        "{name: local}", "{name: local, annotations: {config.kubernetes.io/local-config: 'true'}}"
    )
    built = build({"a/all.yaml": local + secret("s")})
    assert names(built) == [("Secret", None, "s")]


def test_definitions_are_objects_without_what_they_define(build):
    definition = document(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "crd", "spec:\n  a:\n  - 1\n"
    )
    built = build({"a/all.yaml": definition + secret("one") + definition + secret("two")})
    assert [(item.name, item.line) for item in built.objects] == [
        ("crd", 2),
        ("one", 9),
        ("crd", 15),
        ("two", 22),
    ]
    assert "spec" not in built.objects[0].data


def test_subjects_of_bindings_follow_their_accounts(build):
    subjects = (
        "subjects: [{kind: ServiceAccount, name: a}, {kind: ServiceAccount, name: b, namespace: other}]\n"
    )
    version = "rbac.authorization.k8s.io/v1"
    built = build(
        {
            "a/kustomization.yaml": kustomization("namespace: apps", "namePrefix: p-", "resources: [x.yaml]"),
            "a/x.yaml": document("v1", "ServiceAccount", "a")
            + document(version, "RoleBinding", "r", subjects),
        }
    )
    assert built.objects[1].data["subjects"] == [
        {"kind": "ServiceAccount", "name": "p-a", "namespace": "apps"},
        {"kind": "ServiceAccount", "name": "b", "namespace": "other"},
    ]


@pytest.mark.parametrize(
    ("entry", "image"),
    [
        ("newTag: '2'", "example.org:5000/web:2"),
        ("newName: other", "other:1@sha256:abc"),
        ("digest: 'sha256:def'", "example.org:5000/web@sha256:def"),
        ("newName: other, newTag: '2', digest: 'sha256:def'", "other:2@sha256:def"),
    ],
)
def test_images(build, entry, image):
    before = "example.org:5000/web:1@sha256:abc"
    pod = f"spec: {{containers: [{{name: c, image: '{before}'}}, {{name: d, image: web2}}]}}\n"
    images = f"images: [{{name: 'example.org:5000/web', {entry}}}]"
    built = build(
        {
            "a/kustomization.yaml": kustomization("resources: [x.yaml]", images),
            "a/x.yaml": document("v1", "Pod", "p", pod),
        }
    )
    assert [each["image"] for each in built.objects[0].data["spec"]["containers"]] == [image, "web2"]
