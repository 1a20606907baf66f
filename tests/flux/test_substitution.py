"""What is said of variables and of what they make, object by object."""

from textwrap import dedent

import pytest

from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.model import Cluster
from fluxsecrets.flux.versions import Controller
from fluxsecrets.repo.graph import walk
from fluxsecrets.repo.presentsettings import Present
from fluxsecrets.repo.tree import make_tree, walk_files
from fluxsecrets.repo.unknown import is_unknown

SOURCE = "sourceRef: {kind: GitRepository, name: flux-system}"
SYNC = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{interval: 1h, prune: true, path: ./c, {SOURCE}}}
"""


def kustomization(name="apps", *, build="{}", more=""):
    return SYNC.replace("name: flux-system, namespace", f"name: {name}, namespace").replace(
        "path: ./c,", f"path: ./{name}, postBuild: {build}{more},"
    )


def config_map(name="c", namespace="apps", **data):
    lines = "".join(f"  {key}: {value}\n" for key, value in data.items())
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n{lines}"
    )


@pytest.fixture
def judged(tmp_path):
    """The verdicts of the Kustomizations of files, by name."""

    def maker(files, *, strict=True, **known):
        for path, text in {"c/sync.yaml": SYNC, **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(dedent(text))
        graph = walk(make_tree(tmp_path, walk_files(tmp_path)), "c")
        found = judge(graph.tree, graph, Cluster(controller=Controller(strict=strict), **known))
        return {each.applied.kustomization.name: each for each in found}

    return maker


@pytest.fixture
def apps(judged):
    """The verdict of one Kustomization with these variables and files."""

    def maker(build, *objects, strict=True, **files):
        made = {f"apps/{number}.yaml": text for number, text in enumerate(objects)}
        return judged({"c/apps.yaml": kustomization(build=build), **made, **files}, strict=strict)["apps"]

    return maker


def told(verdict):
    return [(each.effect, each.behaviour) for each in verdict.outcomes]


def test_an_unset_variable_stops_flux_or_is_replaced_by_nothing(apps):
    text = config_map(a="${A}", b="x ${B}")
    strict = apps("{substitute: {A: '1a'}}", text)
    assert told(strict) == [("fails", "variable-unset")]
    assert strict.outcomes[0].reason == (
        "post build failed for 'ConfigMap.v1.[noGrp]/c': envsubst error: variable substitution failed: "
        'variable not set (strict mode): "B"'
    )
    assert (strict.outcomes[0].path, strict.outcomes[0].line) == ("apps/0.yaml", 6)
    assert told(apps("{substitute: {A: '1a'}}", text, strict=False)) == [("altered", "variable-unset")]


@pytest.mark.parametrize("strict", [True, False])
def test_a_name_that_is_a_part_of_a_secret_is_not_shown(apps, strict):
    secret = """\
        apiVersion: v1
        kind: Secret
        metadata: {name: s, namespace: apps}
        stringData: {password: 'pa${hunter2}'}
        """
    found = apps("{substitute: {A: '1'}}", secret, strict=strict)
    assert [each.behaviour for each in found.outcomes] == ["variable-unset"]
    assert "hunter2" not in repr(found)


def test_without_variables_nothing_is_replaced(apps):
    text = config_map(a="'${A[@]} $$ ${B}'")
    assert told(apps("{}", text)) == []
    assert told(apps("{substituteFrom: [{kind: Secret, name: x, optional: true}]}", text)) == []
    assert told(apps("{substituteStrategy: Always}", text)) == [("fails", "substitution-syntax")]


def test_disabled_objects_need_no_variables(apps):
    text = config_map(a="'${A[@]}'").replace(
        "namespace: apps", "namespace: apps, labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}"
    )
    assert told(apps("{substituteFrom: [{kind: Secret, name: missing}]}", text)) == []


def test_sources_in_their_order(judged):
    build = (
        "{substituteFrom: [{kind: ConfigMap, name: one}, {kind: ConfigMap, name: two}], substitute: {C: c3}}"
    )
    found = judged(
        {
            "c/apps.yaml": kustomization(build=build),
            "c/one.yaml": config_map("one", "flux-system", A="a1", B="b1", C="c1"),
            "c/two.yaml": config_map("two", "flux-system", B="b2", C="c2"),
            "apps/c.yaml": config_map(k="${A} ${B} ${C}"),
        }
    )
    assert found["apps"].objects[0].data["data"] == {"k": "a1 b2 c3"}


def test_a_source_that_a_later_kustomization_applies_is_there_in_the_end(judged):
    found = judged(
        {
            "c/apps.yaml": kustomization(build="{substituteFrom: [{kind: ConfigMap, name: vars}]}"),
            "c/vars.yaml": kustomization("zvars"),
            "zvars/vars.yaml": config_map("vars", "flux-system", A="a1"),
            "apps/c.yaml": config_map(k="${A}"),
        }
    )
    assert told(found["apps"]) == []
    assert found["apps"].objects[0].data["data"] == {"k": "a1"}


@pytest.mark.parametrize("where", ["apps", "child", "waiting"])
def test_a_source_that_comes_after_the_build(judged, where):
    child = kustomization("child") if where == "child" else ""
    waiting = kustomization("waiting", more=", dependsOn: [{name: apps}]")
    found = judged(
        {
            "c/apps.yaml": kustomization(build="{substituteFrom: [{kind: ConfigMap, name: vars}]}"),
            "c/waiting.yaml": waiting,
            "waiting/w.yaml": config_map("w"),
            "apps/c.yaml": config_map(k="${A}"),
            **({"apps/child.yaml": child} if child else {}),
            f"{where}/vars.yaml": config_map("vars", "flux-system", A="a1"),
        }
    )
    assert told(found["apps"])[0] == ("fails", "variable-source-late")
    assert 'configmaps "vars" not found' in found["apps"].outcomes[0].reason


def test_an_optional_source_that_comes_after_the_build(apps):
    text = config_map("vars", "flux-system", A="a1")
    build = "{substituteFrom: [{kind: ConfigMap, name: vars, optional: true}], substitute: {B: b}}"
    assert told(apps(build, config_map(k="${A}"), text)) == [("fails", "variable-unset")]
    assert told(apps(build, config_map(k="${A:=x}"), text)) == []
    assert told(apps(build, config_map(k="${A}"), text, strict=False)) == []


def test_a_missing_source_of_something_that_is_not_followed(judged):
    elsewhere = kustomization("other").replace("name: flux-system}", "name: another-repository}")
    found = judged(
        {
            "c/other.yaml": elsewhere,
            "c/source.yaml": """\
                apiVersion: source.toolkit.fluxcd.io/v1
                kind: OCIRepository
                metadata: {name: another-repository, namespace: flux-system}
                spec: {url: oci://registry.example/other, interval: 1h}
                """,
            "c/apps.yaml": kustomization(
                build="{substituteFrom: [{kind: Secret, name: x}]}", more=", dependsOn: [{name: other}]"
            ),
            "apps/c.yaml": config_map(k="${A}"),
        }
    )
    effect = found["apps"].outcomes[-1].effect if found["other"].applied.reason else "unknown"
    assert effect == "unknown"


def test_a_secret_that_a_controller_makes(judged):
    external = """\
        apiVersion: external-secrets.io/v1
        kind: ExternalSecret
        metadata: {name: vars, namespace: flux-system}
        spec:
          data: [{secretKey: A, remoteRef: {key: a}}]
        """
    files = {
        "c/apps.yaml": kustomization(build="{substituteFrom: [{kind: Secret, name: vars}]}"),
        "c/vars.yaml": external,
        "apps/c.yaml": config_map(k="x${A}"),
    }
    found = judged(files)["apps"]
    assert told(found) == []
    assert is_unknown(found.objects[0].data["data"]["k"])
    files["apps/c.yaml"] = config_map(k="${B}")
    assert told(judged(files)["apps"]) == [("fails", "variable-unset")]
    files["c/vars.yaml"] = external.replace("data: [", "dataFrom: [{extract: {key: b}}], data: [").replace(
        "spec:\n          dataFrom: [{extract: {key: b}}], ", "spec:\n          dataFrom: []\n          "
    )
    files["c/vars.yaml"] = dedent(external) + "  dataFrom: [{extract: {key: b}}]\n"
    assert told(judged(files)["apps"]) == [("unknown", "variable-unset")]


@pytest.mark.parametrize(
    ("value", "text", "behaviour"),
    [
        ("8080", '"${A}"', "value-retyped"),
        ("yes", '"${A}"', "value-retyped"),
        ("{a: b}", "'${A}'", "value-retyped"),
        ("pa #word", "${A}", "value-rewritten"),
        ("x", "a $$ ${A}", "dollar-pair"),
        ("one\\ntwo", "${A}", "variable-newlines"),
        ("x", "'#!/bin/sh ${A} ${B:-b}'", "script-variable"),
    ],
)
def test_what_is_not_what_was_meant(apps, value, text, behaviour):
    found = apps(f'{{substitute: {{A: "{value}"}}}}', config_map(k=text))
    assert ("altered", behaviour) in told(found)
    told_of = next(each for each in found.outcomes if each.behaviour == behaviour)
    assert told_of.reason.startswith("data.k: ")
    assert (told_of.path, told_of.line) == ("apps/0.yaml", 5)
    assert value not in told_of.reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("'8080'", '"${A}"'),
        ("x", "$${A} ${A}"),
        ("x", "${A:=b} ${B:-c}"),
        ("https://example.org/?a=b#c", "${A}"),
        ("one\\n", "${A}"),
    ],
)
def test_what_is_what_was_meant(apps, value, text):
    assert told(apps(f'{{substitute: {{A: "{value}"}}}}', config_map(k=text))) == []


def test_an_unquoted_variable_may_be_a_number(apps):
    service = """\
        apiVersion: v1
        kind: Service
        metadata: {name: s, namespace: apps}
        spec:
          ports:
          - port: ${A}
        """
    assert told(apps("{substitute: {A: '80'}}", service)) == []


def test_a_value_that_breaks_the_yaml(apps):
    found = apps("{substitute: {A: '*.example.org'}}", config_map(j="x", k="'${A}'"))
    assert told(found) == [("fails", "substitution-result")]
    assert found.outcomes[0].line == 6
    assert "example.org" not in found.outcomes[0].reason


def test_the_same_name(apps):
    found = apps("{substitute: {A: c}}", config_map(a="x"), config_map('"${A}"', b="x"))
    assert told(found) == [("fails", "same-name-after-substitution")]


def test_names_of_variables(apps):
    found = apps("{substitute: {a-b: x}}", config_map(a="x"))
    assert told(found) == [("fails", "variable-name-invalid")]


def test_what_takes_too_long_is_not_known(apps):
    found = apps("{substitute: {A: b}}", config_map(a="'" + "${U:=" * 200 + "}" * 200 + "'"))
    assert told(found) == [("unknown", "substitution-limit")]


def test_what_something_else_makes_in_the_cluster(judged):
    files = {
        "c/apps.yaml": kustomization(build="{substituteFrom: [{kind: Secret, name: vars}]}"),
        "apps/c.yaml": config_map(k="x${A}"),
    }
    keys = {None: ("unknown", "variable-unset"), ("A",): None, ("B",): ("fails", "variable-unset")}
    for given, outcome in keys.items():
        present = (Present("Secret", "flux-system", "vars", given),)
        assert told(judged(files, present=present)["apps"]) == ([outcome] if outcome else [])


def test_a_file_that_names_a_missing_source(judged):
    files = {
        "c/apps.yaml": kustomization(build="{substituteFrom: [{kind: Secret, name: vars}]}"),
        "apps/c.yaml": config_map(k="x${A}"),
    }
    found = judged(files, mentions=lambda name: "bootstrap/vars.sh" if name == "vars" else None)["apps"]
    assert told(found) == [("unknown", "variable-source-missing")]
    assert "bootstrap/vars.sh names it" in found.outcomes[0].reason
