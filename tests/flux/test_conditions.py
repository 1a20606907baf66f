"""What stops a Kustomization before it is built, and what only the cluster knows."""

import pytest

from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.model import Cluster
from fluxsecrets.flux.release import Release
from fluxsecrets.flux.versions import Controller
from fluxsecrets.repo.graph import walk
from fluxsecrets.repo.tree import make_tree, walk_files

SYNC = """apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, url: ssh://git@example.com/org/repo}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {interval: 1m, prune: true, path: ./root, sourceRef: {kind: GitRepository, name: flux-system}}
"""
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\n"
RESOURCE_SET = "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: s, namespace: a}\n"


def kustomization(
    name, more="", *, namespace="flux-system", version="v1", source="GitRepository/flux-system"
):
    kind, _, of = source.partition("/")
    return f"""apiVersion: kustomize.toolkit.fluxcd.io/{version}
kind: Kustomization
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  interval: 10m
  prune: true
  path: ./apps
  sourceRef: {{kind: {kind}, name: {of}, namespace: flux-system}}
{more}
"""


def cluster_of(version):
    return Cluster(controller=Controller(Release(version, "a test"))) if version else Cluster()


@pytest.fixture
def judged(tmp_path):
    """The verdicts of `root`, by name."""

    def judger(files, cluster=None):
        for path, content in {"root/sync.yaml": SYNC, "apps/c.yaml": CONFIG_MAP, **files}.items():
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        graph = walk(make_tree(tmp_path, walk_files(tmp_path)), "root")
        found = judge(graph.tree, graph, cluster or Cluster())
        return {each.applied.kustomization.name: each for each in found if each.applied.kustomization}

    return judger


def told(verdict):
    return [(str(each.effect), each.behaviour) for each in verdict.outcomes]


def test_a_dependency_may_be_made_in_the_cluster(judged):
    waiting = kustomization("a", "  dependsOn: [{name: nobody}]")
    found = judged({"root/a.yaml": waiting, "root/s.yaml": RESOURCE_SET})
    assert told(found["a"]) == [("unknown", "dependency-missing")]
    assert told(found["flux-system"]) == [("unknown", "made-in-cluster")]


def test_a_dependency_that_fails_may_be_ready_by_its_expression(judged):
    broken = kustomization("broken").replace("./apps", "./nowhere")
    waiting = kustomization("a", "  dependsOn: [{name: broken, readyExpr: 'true'}]")
    found = judged({"root/a.yaml": waiting, "root/b.yaml": broken})
    assert told(found["a"]) == [("unknown", "dependency-fails")]


def test_a_suspended_dependency_with_another_source_may_be_ready(judged):
    sources = SYNC.partition("---")[0].replace("name: flux-system", "name: other")
    suspended = kustomization("s", "  suspend: true", source="GitRepository/other")
    waiting = kustomization("a", "  dependsOn: [{name: s}]")
    found = judged({"root/a.yaml": waiting, "root/s.yaml": suspended, "root/o.yaml": sources})
    assert told(found["a"]) == [("unknown", "dependency-suspended")]


def test_the_namespace_is_the_hint_for_a_dependency_in_another_one(judged):
    waiting = kustomization("a", "  dependsOn: [{name: b}]", namespace="tenant")
    found = judged({"root/a.yaml": waiting, "root/b.yaml": kustomization("b")})
    (outcome,) = found["a"].outcomes
    assert (outcome.path, outcome.line) == ("root/a.yaml", 9)
    assert outcome.reason == (
        "dependency 'tenant/b' not found: kustomizations.kustomize.toolkit.fluxcd.io \"b\" not found"
    )
    assert outcome.hint == "set `namespace: flux-system` for it"


def test_a_path_that_git_or_flux_leaves_out_is_told_from_a_wrong_one(judged):
    files = {"root/a.yaml": kustomization("a"), ".sourceignore": "/apps\n"}
    (outcome,) = judged(files)["a"].outcomes
    assert outcome.reason == "kustomization path not found: stat apps: no such file or directory"
    assert ".sourceignore" in outcome.hint


def test_a_wrong_path_has_a_near_one_in_the_hint(judged):
    (outcome,) = judged({"root/a.yaml": kustomization("a").replace("./apps", "./app")})["a"].outcomes
    assert outcome.hint == "correct the path; is it 'apps'?"


def test_a_source_leaves_out_what_it_says(judged):
    source = SYNC.partition("---")[0].replace("name: flux-system", "name: cut")
    cut = source.replace("spec: {", "spec: {ignore: '/apps', ")
    found = judged({"root/s.yaml": cut, "root/a.yaml": kustomization("a", source="GitRepository/cut")})
    assert told(found["a"]) == [("fails", "path-not-found")]


def test_a_sparse_checkout_has_its_folders_only(judged):
    source = SYNC.partition("---")[0].replace("name: flux-system", "name: cut")
    cut = source.replace("spec: {", "spec: {sparseCheckout: [./other], ")
    found = judged({"root/s.yaml": cut, "root/a.yaml": kustomization("a", source="GitRepository/cut")})
    assert told(found["a"]) == [("fails", "path-not-found")]


def test_another_branch_may_have_other_files(judged):
    source = SYNC.partition("---")[0].replace("name: flux-system", "name: next")
    branch = source.replace("spec: {", "spec: {ref: {branch: next}, ")
    found = judged({"root/s.yaml": branch, "root/a.yaml": kustomization("a", source="GitRepository/next")})
    assert told(found["a"]) == [("unknown", "source-of-other-revision")]


@pytest.mark.parametrize("more", ["include: [{repository: {name: x}}]", "recurseSubmodules: true"])
def test_a_source_may_have_files_of_other_repositories(judged, more):
    sync = SYNC.replace("spec: {interval: 1m, url", f"spec: {{{more}, interval: 1m, url")
    found = judged({"root/sync.yaml": sync, "root/a.yaml": kustomization("a").replace("./apps", "./x")})
    assert told(found["a"]) == [("unknown", "source-has-more"), ("unknown", "path-not-found")]


def test_a_cycle_is_told_once(judged):
    items = {"a": "b", "b": "c", "c": "a"}
    files = {
        f"root/{key}.yaml": kustomization(key, f"  dependsOn: [{{name: {to}}}]") for key, to in items.items()
    }
    found = judged(files)
    assert [told(found[key]) for key in items] == [[("fails", "dependency-cycle")]] * 3


def test_a_source_that_no_file_makes_is_not_known(judged):
    found = judged({"root/a.yaml": kustomization("a", source="GitRepository/nobody")})
    assert told(found["a"]) == [("unknown", "source-not-found")]


def test_the_root_may_be_synced_from_a_source_that_was_made_by_hand(judged):
    files = {"root/sync.yaml": kustomization("a"), "root/b.yaml": kustomization("b")}
    assert [told(each) for each in judged(files).values()] == [[], []]


@pytest.mark.parametrize(
    ("annotations", "effect"),
    [("{}", "fails"), ("{reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'}", "unknown")],
)
def test_a_decryption_secret_in_another_namespace(judged, annotations, effect):
    secret = (
        "apiVersion: v1\nkind: Secret\n"
        f"metadata: {{name: sops-age, namespace: vault, annotations: {annotations}}}\n"
    )
    decrypting = kustomization("a", "  decryption: {provider: sops, secretRef: {name: sops-age}}")
    found = judged({"root/a.yaml": decrypting, "root/s.yaml": secret})
    assert told(found["a"]) == [(effect, "decryption-secret-elsewhere")]
    assert found["a"].outcomes[0].reason.startswith('secrets "sops-age" not found')


def test_the_usual_decryption_secret_was_made_by_hand(judged):
    more = "  decryption: {provider: sops, secretRef: {name: %s}}"
    names = {"a": "sops-age", "b": "sops-age", "c": "other"}
    found = judged({f"root/{key}.yaml": kustomization(key, more % name) for key, name in names.items()})
    assert [told(found[key]) for key in names] == [[], [], [("unknown", "decryption-secret-not-known")]]


def test_what_is_applied_to_another_cluster_is_not_in_this_one(judged):
    remote = kustomization("remote", "  kubeConfig: {secretRef: {name: k}}").replace("./apps", "./far")
    child = kustomization("child")
    assert told(judged({"root/r.yaml": remote, "far/a.yaml": child})["child"]) == [
        ("unknown", "other-cluster")
    ]


def test_the_same_object_with_other_content_is_contested(judged):
    other = kustomization("b").replace("./apps", "./more")
    files = {"root/a.yaml": kustomization("a"), "root/b.yaml": other, "more/c.yaml": CONFIG_MAP}
    assert told(judged(files)["b"]) == []
    changed = {**files, "more/c.yaml": CONFIG_MAP + "data: {a: b}\n"}
    assert told(judged(changed)["b"]) == [("altered", "applied-twice")]
    shared = CONFIG_MAP.replace("apps}", "apps, annotations: {kustomize.toolkit.fluxcd.io/ssa: Merge}}")
    assert told(judged({**files, "more/c.yaml": shared})["b"]) == []


def test_objects_are_told_apart_by_their_names_after_substitution(judged):
    files = {"apps/c.yaml": CONFIG_MAP.replace("name: c", "name: '${APP}'") + "data: {a: '${APP}'}\n"}
    for name in ("a", "b"):
        more = f"  postBuild: {{substitute: {{APP: {name}}}}}"
        files[f"root/{name}.yaml"] = kustomization(name, more)
    assert [told(each) for each in judged(files).values()] == [[], [], []]


@pytest.mark.parametrize(
    ("version", "flux", "effect"),
    [
        ("v1beta2", "2.7.5", None),
        ("v1beta2", "2.8.0", "fails"),
        ("v1beta2", None, "unknown"),
        ("v1beta1", "2.7.0", "fails"),
        ("v1alpha9", None, "fails"),
    ],
)
def test_versions_of_the_kind_that_are_gone(judged, version, flux, effect):
    found = judged({"root/a.yaml": kustomization("a", version=version)}, cluster_of(flux))
    assert told(found["flux-system"]) == ([(effect, "kustomization-version")] if effect else [])


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("  dependson: [{name: a}]", ".spec.dependson: field not declared in schema"),
        ("  wait: 'true'", ".spec.wait: expected boolean"),
        ("  timeout: 5", ".spec.timeout: expected string"),
        ("  components: x", ".spec.components: expected list"),
        ("  dependsOn: [{name: a, ns: b}]", ".spec.dependsOn[0].ns: field not declared in schema"),
        ("  postBuild: {substitute: {A: 1}}", ".spec.postBuild.substitute.A: expected string"),
        ("  dependsOn: [{namespace: a}]", "spec.dependsOn[0].name: Required value"),
        ("  timeout: 1d", "spec.timeout: Invalid value: spec.timeout in body should match"),
        ("  targetNamespace: ''", "spec.targetNamespace in body should be at least 1 chars long"),
        (
            "  decryption: {provider: vault}",
            'spec.decryption.provider: Unsupported value: supported values: "sops"',
        ),
        (
            "  buildMetadata: [originAnnotations]",
            ".spec.buildMetadata: field not declared in schema before Flux 2.9",
        ),
        ("  deletionPolicy: Orphan\n  path: null", None),
    ],
)
def test_fields_that_the_api_server_refuses(judged, more, reason):
    text = kustomization("a", more)
    if "path: null" in more:
        text = text.replace("  path: ./apps\n", "")
    found = judged({"root/a.yaml": text}, cluster_of("2.8.1"))["flux-system"]
    if reason is None:
        assert found.outcomes == ()
    else:
        assert [each.behaviour for each in found.outcomes] == ["kustomization-refused"]
        assert reason in found.outcomes[0].reason
        assert (found.outcomes[0].path, found.outcomes[0].line) >= ("root/a.yaml", 9)


def test_of_a_suspended_kustomization_nothing_else_counts(judged):
    suspended = kustomization("a", "  suspend: true").replace("./apps", "./nowhere")
    assert told(judged({"root/a.yaml": suspended})["a"]) == [("unknown", "suspended")]


def test_a_controller_may_refuse_sources_in_other_namespaces(judged):
    files = {"root/a.yaml": kustomization("a", namespace="tenant"), "root/b.yaml": kustomization("b")}
    found = judged(files, Cluster(controller=Controller(keeps_namespaces=True)))
    assert told(found["a"]) == [("fails", "source-blocked")]
    assert told(found["b"]) == []


@pytest.mark.parametrize(
    ("gates", "effect"),
    [(None, "unknown"), (frozenset(), "fails"), (frozenset({"ObjectLevelWorkloadIdentity"}), None)],
)
def test_a_service_account_for_decryption_needs_a_gate(judged, gates, effect):
    files = {"root/a.yaml": kustomization("a", "  decryption: {provider: sops, serviceAccountName: a}")}
    found = told(judged(files, Cluster(controller=Controller(gates=gates)))["a"])
    assert found == ([(effect, "decryption-service-account")] if effect else [])


def test_an_external_artifact_needs_a_gate(judged):
    files = {"root/a.yaml": kustomization("a", source="ExternalArtifact/x")}
    found = told(judged(files, Cluster(controller=Controller(gates=frozenset())))["a"])
    assert found == [("fails", "source-blocked"), ("unknown", "source-not-followed")]
