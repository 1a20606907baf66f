"""What kustomize refuses in a folder: the behaviour, the words, and the place."""

import pytest

from fluxsecrets.repo.kustomize import assembly
from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.built import Overlay
from fluxsecrets.repo.outcome import Effect
from layouts import config_map, document, kustomization, secret


@pytest.fixture
def outcomes(tree_of):
    """The outcomes of folder `a`."""

    def build(files, overlay=None):
        return Builder(tree_of(files)).build("a", overlay).outcomes

    return build


@pytest.fixture
def refused(outcomes):
    """Behaviour, path and line of what is refused."""

    def find(files):
        found = outcomes(files)
        assert all(each.effect is Effect.FAILS for each in found)
        return [(each.behaviour, each.path, each.line) for each in found]

    return find


def folder(*fields, **files):
    return {"a/kustomization.yaml": kustomization(*fields)} | {
        f"a/{name}.yaml": text for name, text in files.items()
    }


@pytest.mark.parametrize(
    ("text", "behaviour", "line"),
    [
        ("foo: bar\n", "not-a-manifest", 1),
        ("- 1\n", "not-a-manifest", 1),
        ("text\n", "not-a-manifest", 1),
        ("kind: Secret\n", "not-a-manifest", 1),
        ("apiVersion: v1\nmetadata: {name: a}\n", "not-a-manifest", 1),
        ("apiVersion: v1\nkind: Secret\nmetadata: {generateName: a-}\n", "not-a-manifest", 1),
        ("apiVersion: v1\nkind: SecretList\nitems: {a: b}\n", "not-a-manifest", 1),
        ("apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n", "not-a-manifest", 4),
        ("apiVersion: v1\nkind: SecretList\nmetadata: {name: x}\n", "not-a-manifest", 1),
        ("kind: ConfigMap\nmetadata: {name: a}\n", "api-version-missing", 1),
        ("a: [\n", "malformed-yaml", 2),
        (config_map("x") + "--- y\n" + config_map("z"), "malformed-yaml", 5),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nkind: X\n", "duplicate-key", 4),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {1: x}\n", "key-not-text", 4),
    ],
)
@pytest.mark.parametrize("listed", [True, False])
def test_files_that_are_no_manifests(refused, text, behaviour, line, listed):
    files = folder("resources: [x.yaml]", x=text) if listed else {"a/x.yaml": text}
    assert refused(files) == [(behaviour, "a/x.yaml", line)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "---\n---\nnull\n",
        "{}\n",
        config_map("x") + "---  # next\n" + config_map("y"),
        "apiVersion: v1\nkind: List\nitems: []\n",
        "apiVersion: example.org/v1\nkind: BlockList\nmetadata: {name: x}\n",
    ],
)
def test_files_that_are(outcomes, text):
    assert not outcomes(folder("resources: [x.yaml]", x=text))


def test_a_name_that_is_a_number_drops_the_object(tree_of):
    built = Builder(tree_of({"a/x.yaml": config_map("0").replace("name: 0", "name: 12")})).build("a")
    assert not built.objects
    assert [(each.effect, each.behaviour) for each in built.outcomes] == [(Effect.ALTERED, "object-dropped")]


@pytest.mark.parametrize(
    ("field", "behaviour"),
    [
        ("resources: [gone.yaml]", "missing-file"),
        ("components: [gone]", "missing-file"),
        ("patches: [{path: gone.yaml}]", "missing-file"),
        ("secretGenerator: [{name: s, files: [gone.txt]}]", "missing-file"),
        ("configMapGenerator: [{name: s, envs: [gone.env]}]", "missing-file"),
        ("replacements: [{path: gone.yaml}]", "missing-file"),
        ("crds: [gone.yaml]", "missing-file"),
        ("resources: [../../x.yaml]", "outside-reference"),
        ("resources: [/etc/x.yaml]", "outside-reference"),
        ("resources: [.]", "include-cycle"),
        ("resources: [..]", "include-cycle"),
        ("helmCharts: [{name: x}]", "kustomization-file-refused"),
        ("sortOptions: {order: random}", "kustomization-file-refused"),
        ("patches: [{target: {kind: X}}]", "kustomization-file-refused"),
        ("patches: [{path: x.yaml, patch: y}]", "kustomization-file-refused"),
        ("resources: x.yaml", "kustomization-file-refused"),
        ("apiVersion: v1", "kustomization-file-refused"),
        ("kind: Customization", "kustomization-file-refused"),
        ("generatorOptions: {immutable: 'yes'}", "kustomization-file-refused"),
        ("replicas: [{name: web, count: 1}]", "replicas-without-match"),
        ("generators: [g.yaml]", "external-plugin"),
    ],
)
def test_kustomization_files(refused, field, behaviour):
    files = folder(x=config_map("x"), g=document("viaduct.ai/v1", "ksops", "g"))
    files["a/kustomization.yaml"] = f"{field}\n"
    assert refused(files) == [(behaviour, "a/kustomization.yaml", 1)]


@pytest.mark.parametrize("field", ["colour: blue", "secretGenerator: [{name: s, litterals: [a=b]}]"])
def test_unknown_fields_count_below_the_root_only(outcomes, field):
    base = {"b/kustomization.yaml": kustomization("resources: [x.yaml]", field), "b/x.yaml": config_map("x")}
    assert not outcomes({path.replace("b/", "a/"): text for path, text in base.items()})
    (found,) = outcomes({**base, **folder("resources: [../b]")})
    assert (found.behaviour, found.path, found.line) == (
        "kustomization-file-refused",
        "b/kustomization.yaml",
        4,
    )
    assert "unknown field" in found.reason


def test_an_empty_file_counts_below_the_root_only(refused):
    assert not refused({"a/kustomization.yaml": kustomization()})
    files = {**folder("resources: [../b]"), "b/kustomization.yaml": kustomization()}
    assert refused(files) == [("kustomization-file-refused", "b/kustomization.yaml", 1)]


def test_fields_of_any_case_and_the_last_of_two_count(tree_of):
    files = folder("Resources: [x.yaml]", "namespace: one", "namespace: two", x=config_map("x"))
    built = Builder(tree_of(files)).build("a")
    assert not built.outcomes
    assert [(item.namespace, item.name) for item in built.objects] == [("two", "x")]


@pytest.mark.parametrize(
    ("listed", "files", "behaviour", "path"),
    [
        ("resources", "b", "component-as-resource", "b"),
        (None, "a/b", "component-as-resource", "a/b"),
        ("components", "b", "resource-as-component", "b"),
    ],
)
def test_components_and_kustomizations_in_the_wrong_place(refused, listed, files, behaviour, path):
    kind = "Component" if behaviour == "component-as-resource" else "Kustomization"
    files = {f"{files}/kustomization.yaml": kustomization("namespace: some", kind=kind)}
    if listed is not None:
        files |= folder(f"{listed}: [../b]")
    assert refused(files) == [(behaviour, f"{path}/kustomization.yaml", 1)]


def test_a_folder_without_a_file_is_refused_where_it_is_listed(refused):
    files = {**folder("resources:", "- ../b"), "b/x.yaml": config_map("x")}
    assert refused(files) == [("no-kustomization-file", "a/kustomization.yaml", 4)]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        (folder("resources: [x.yaml, y.yaml]", x=secret("s", "n"), y=secret("s", "n")), ("a/y.yaml", 2)),
        (folder("resources: [x.yaml]", x=secret("s") + secret("s", "default")), ("a/x.yaml", 8)),
        (
            folder("namespace: z", "resources: [x.yaml]", x=secret("s", "m") + secret("s", "n")),
            ("a/x.yaml", 8),
        ),
        ({"a/x.yaml": secret("s"), "a/b/y.yaml": secret("s")}, ("a/x.yaml", 2)),
    ],
)
def test_what_is_there_twice(outcomes, files, place):
    (found,) = outcomes(files)
    assert (found.behaviour, (found.path, found.line)) == ("duplicate-id", place)
    assert "Secret.v1.[noGrp]/s" in found.reason


def test_a_later_prefix_can_make_two_of_one(refused):
    files = {
        **folder("resources: [../b, x.yaml]", x=secret("p-s")),
        "b/kustomization.yaml": kustomization("namePrefix: p-", "resources: [x.yaml]"),
        "b/x.yaml": secret("s"),
    }
    assert refused(files) == [("duplicate-id", "a/x.yaml", 2)]


PATCH = "patches:\n- target: {{kind: ConfigMap}}\n  patch: '{}'"


@pytest.mark.parametrize(
    ("patch", "behaviour"),
    [
        (PATCH.format("- {op: remove, path: /data/gone}"), "patch-does-not-apply"),
        (PATCH.format("- {op: test, path: /data/k, value: other}"), "patch-does-not-apply"),
        (PATCH.format("{data: {}}"), "patch-refused"),
        ("patches: [{patch: '- {op: add, path: /data/k, value: x}'}]", "patch-refused"),
        ("patches: [{patch: '" + config_map("gone").replace("---\n", "").strip() + "'}]", None),
    ],
)
def test_patches_that_do_not_fit(refused, patch, behaviour):
    if behaviour is None:
        patch = "patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}}'}]"
        behaviour = "patch-without-match"
    found = refused(folder("resources: [x.yaml]", patch, x=config_map("x", k="v")))
    assert [each[0] for each in found] == [behaviour]


def test_a_target_that_selects_nothing_is_no_error(outcomes):
    patch = "patches: [{target: {kind: Secret}, patch: '- {op: add, path: /data/k, value: x}'}]"
    assert not outcomes(folder("resources: [x.yaml]", patch, x=config_map("x")))


@pytest.mark.parametrize(
    ("entries", "behaviour", "words"),
    [
        ("{name: g, literals: [novalue]}", "generator-refused", "expected key=value"),
        ("{name: g, literals: [a=b, a=c]}", "generator-refused", "repeats the key `a`"),
        ("{name: g, files: [a=b=c]}", "generator-refused", "contains '='"),
        ("{literals: [a=b]}", "generator-refused", "must have a name"),
        ("{name: g, behavior: merge, literals: [a=b]}", "generator-does-not-fit", "cannot merge or replace"),
        ("{name: g}, {name: g}", "generator-does-not-fit", "behavior must be merge or replace"),
    ],
)
def test_generators_that_do_not_fit(outcomes, entries, behaviour, words):
    (found,) = outcomes(folder(f"secretGenerator: [{entries}]"))
    assert (found.behaviour, found.path) == (behaviour, "a/kustomization.yaml")
    assert words in found.reason


def test_no_value_is_in_a_reason(outcomes):
    literal = "throwaway-in-plain-text"
    found = outcomes(
        folder(
            f"secretGenerator: [{{name: g, literals: [{literal}]}}]",
            PATCH.format(f"[{{op: test, path: /data/k, value: {literal}}}]"),
            "resources: [x.yaml]",
            x=config_map("x", k="v"),
        )
    )
    assert found
    assert literal not in repr(found)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("{kind: Secret, name: gone}", "data.k", "nothing selected by"),
        ("{kind: ConfigMap}", "data.k", "multiple matches"),
        ("{kind: ConfigMap, name: x, fieldPath: data.gone}", "data.k", "is missing"),
        ("{kind: ConfigMap, name: x, fieldPath: data.k}", "data.gone", "unable to find field"),
    ],
)
def test_replacements_that_do_not_fit(outcomes, source, target, words):
    entry = f"- source: {source}\n  targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{target}]}}]"
    files = folder("resources: [x.yaml]", f"replacements:\n{entry}")
    files["a/x.yaml"] = config_map("x", k="v") + config_map("y", k="v")
    (found,) = outcomes(files)
    assert found.behaviour == "replacement-refused"
    assert words in found.reason


@pytest.mark.parametrize(
    ("field", "behaviour"),
    [
        ("resources: ['https://example.org/x.yaml']", "remote-base"),
        ("components: ['github.com/example/x?ref=v1']", "remote-base"),
        ("vars: [{name: X}]", "not-modelled"),
        ("transformers: [t.yaml]", "not-modelled"),
    ],
)
def test_what_cannot_be_told_hides_what_would_follow_from_it(outcomes, field, behaviour):
    merge = "secretGenerator: [{name: g, behavior: merge, literals: [a=b]}]"
    found = outcomes(folder(field, merge, t="apiVersion: builtin\nkind: X\nmetadata: {name: t}\n"))
    assert [(each.effect, each.behaviour) for each in found] == [(Effect.UNKNOWN, behaviour)]


def test_what_is_missing_hides_what_would_follow_from_it(refused):
    patch = "patches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}}'}]"
    found = refused(folder("resources: [gone.yaml]", patch))
    assert [each[0] for each in found] == ["missing-file"]


def test_a_patch_that_flux_adds_is_refused_at_the_kustomization(outcomes, tree_of):
    from fluxsecrets.repo.flux import read_kustomization
    from layouts import flux

    spec = "patches: [{target: {kind: Secret}, patch: '{data: {}}'}]"
    tree = tree_of({"x.yaml": flux("apps", "./a", spec), **folder("resources: []")})
    (item,) = Builder(tree).resource_file("x.yaml").objects
    assert read_kustomization(item).broken_patches == ("patch 1: unable to parse SM or JSON patch",)
    assert outcomes(folder("resources: []"), Overlay()) == ()


COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


def doubled(field, head):
    """Folders that include two others each, ten levels of them."""
    return {
        f"b/{level}{name}/kustomization.yaml": head.format(name=name)
        + f"{field}: [../{level + 1}x, ../{level + 1}y]\n"
        for level in range(10)
        for name in "xy"
    }


@pytest.mark.parametrize(
    "files",
    [
        {
            "a/kustomization.yaml": "resources: [../b/0]\n",
            **{f"b/{level}/kustomization.yaml": f"resources: [../{level + 1}]\n" for level in range(500)},
        },
        {
            "a/kustomization.yaml": "resources: [../b/0x]\n",
            **doubled("resources", "namePrefix: {name}-\n"),
            **{f"b/10{name}/kustomization.yaml": "resources: [c.yaml]\n" for name in "xy"},
            **{f"b/10{name}/c.yaml": config_map(name) for name in "xy"},
        },
        {"a/kustomization.yaml": "components: [../b/0x]\n", **doubled("components", COMPONENT)},
    ],
    ids=["levels", "objects", "components"],
)
def test_a_build_has_limits(outcomes, files, monkeypatch):
    monkeypatch.setattr(assembly, "MOST_OBJECTS", 500)
    monkeypatch.setattr(assembly, "MOST_COMPONENTS", 500)
    assert "build-limit" in {each.behaviour for each in outcomes(files)}
