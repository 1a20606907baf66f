import pytest

from fluxsecrets.flux.release import Release
from fluxsecrets.flux.since import FACTS, POST_QUANTUM, STRICT, has, is_newer, is_sure, minor_of
from fluxsecrets.flux.versions import read_controller
from fluxsecrets.repo.objects import Object


def item(api_version, kind, name, *, labels=None, **spec):
    data = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "flux-system", "labels": labels or {}},
        "spec": spec,
    }
    return Object(api_version, kind, name, "flux-system", "f.yaml", 1, data)


def deployment(image, *args):
    containers = [{"name": "manager", "image": image, "args": list(args)}]
    return item(
        "apps/v1", "Deployment", "kustomize-controller", template={"spec": {"containers": containers}}
    )


def instance(version, *patches):
    return item(
        "fluxcd.controlplane.io/v1",
        "FluxInstance",
        "flux",
        distribution={"version": version},
        kustomize={"patches": list(patches)},
    )


@pytest.mark.parametrize(
    ("version", "strict"),
    [
        (None, True),
        ("2.9.0", True),
        ("2.10.1", True),
        ("v2.9.0-rc.1", True),
        ("v2.8.6", False),
        ("2.9", True),
        ("2.8", False),
        ("2.x", True),
        ("2.7.x", False),
        ("~2.8.0", False),
        ("^2.7.0", True),
        (">=2.7.0 <2.9.0", False),
        ("<=2.9.0", True),
        ("<2.9.3", True),
        ("<3.0.0", True),
        ("0.41.2", False),
        ("3.0.0", True),
        ("main", True),
    ],
)
def test_strict_since_2_9(version, strict):
    assert has(version, STRICT) is strict


def test_the_controllers_image():
    found = read_controller([deployment("ghcr.io/fluxcd/kustomize-controller:v1.8.4@sha256:00")])
    assert (found.version, found.strict) == ("2.8", False)
    assert read_controller([deployment("registry:5000/kustomize-controller:v1.9.4")]).strict
    assert read_controller([deployment("ghcr.io/fluxcd/kustomize-controller:v0.35.1")]).version == "0.35"


def test_the_instance():
    assert read_controller([instance("2.7.x")]).strict is False
    chart = item(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "flux-instance",
        values={"instance": {"distribution": {"version": "2.8.3"}}},
    )
    found = read_controller([chart])
    assert (found.version, found.strict) == ("2.8.3", False)


def test_labels_and_the_manifests_artifact():
    labels = {"app.kubernetes.io/part-of": "flux", "app.kubernetes.io/version": "v2.6.4"}
    assert read_controller([item("v1", "Namespace", "flux-system", labels=labels)]).version == "2.6.4"
    artifact = item(
        "source.toolkit.fluxcd.io/v1",
        "OCIRepository",
        "flux-manifests",
        url="oci://ghcr.io/fluxcd/flux-manifests",
        ref={"tag": "v2.5.1"},
    )
    assert read_controller([artifact]).version == "2.5.1"


def test_the_feature_gate_counts_more_than_the_version():
    image = "ghcr.io/fluxcd/kustomize-controller:v1.9.4"
    off = "--feature-gates=GroupChangeLog=true,StrictPostBuildSubstitutions=false"
    assert not read_controller([deployment(image, off)]).strict
    assert read_controller([deployment(image.replace("1.9", "1.5"), off.replace("false", "true"))]).strict
    assert read_controller([deployment(image, off, off.replace("false", "true"))]).strict


@pytest.mark.parametrize(
    ("target", "strict"),
    [
        ({"kind": "Deployment", "name": "kustomize-controller"}, False),
        ({"kind": "Deployment", "name": "(kustomize-controller|helm-controller)"}, False),
        ({"kind": "Deployment", "name": "helm-controller"}, True),
        ({"kind": "Deployment", "name": "("}, True),
    ],
)
def test_patches_of_the_instance(target, strict):
    patch = "- op: add\n  path: /spec/template/spec/containers/0/args/-\n  value: "
    patch += "--feature-gates=StrictPostBuildSubstitutions=false\n"
    assert read_controller([instance("2.x", {"target": target, "patch": patch})]).strict is strict


def test_a_key_for_all_kustomizations():
    assert read_controller([deployment("x", "--sops-age-secret=sops-age")]).global_key.name == "sops-age"
    assert read_controller([deployment("x")]).global_key is None


def test_what_is_known_otherwise_counts_more():
    found = read_controller([instance("2.7.x")], Release("2.9.1", "--flux-version"))
    assert (found.version, found.strict) == ("2.9.1", True)


def test_what_the_controllers_arguments_allow():
    gates = "--feature-gates=ExternalArtifact=true,DirectSourceFetch=false"
    found = read_controller([deployment("x", gates, "--no-cross-namespace-refs=true")])
    assert (found.gates, found.keeps_namespaces) == (frozenset({"ExternalArtifact"}), True)
    assert not read_controller([deployment("x", "--no-cross-namespace-refs=false")]).keeps_namespaces
    assert read_controller([]).gates is None


def test_what_says_the_version_has_a_place():
    found = read_controller([deployment("ghcr.io/fluxcd/kustomize-controller:v1.8.4")]).release
    assert found == Release("2.8", "the image of kustomize-controller", "f.yaml", 1)
    assert read_controller([instance("2.x")]).release.by == "the FluxInstance 'flux'"


@pytest.mark.parametrize(
    ("version", "minor"),
    [
        (None, None),
        ("2.6", 6),
        ("2.x", None),
        ("~2.7.0", 7),
        (">=2.7.0 <2.9.0", 8),
        ("0.41.2", 0),
        ("main", None),
    ],
)
def test_the_minor_version_that_a_text_allows(version, minor):
    assert minor_of(version) == minor


def test_without_a_version_only_what_all_maintained_versions_have_is_sure():
    assert [fact.id for fact in FACTS if not is_sure(None, fact)] == [
        "v1beta2-removed",
        "decryption-disabled",
        "strict-variables",
        "literal-values",
        "age-post-quantum",
        "vault-workload-identity",
        "artifact-path-pattern",
    ]
    assert is_sure("2.6", POST_QUANTUM)


def test_old_versions_have_no_gate_for_variables():
    gate = "--feature-gates=StrictPostBuildSubstitutions=true"
    assert not read_controller([deployment("ghcr.io/fluxcd/kustomize-controller:v1.2.2", gate)]).strict


def test_gates_that_the_operator_sets():
    item = instance("2.x")
    item.data["spec"] |= {
        "components": ["source-controller", "source-watcher"],
        "cluster": {"objectLevelWorkloadIdentity": True},
    }
    assert read_controller([item]).gates == {"ExternalArtifact", "ObjectLevelWorkloadIdentity"}
    assert read_controller([instance("2.x")]).gates == frozenset()


def test_the_chart_of_the_instance_has_a_default():
    values = {"instance": {"sync": {"path": "clusters/a"}}}
    chart = item("helm.toolkit.fluxcd.io/v2", "HelmRelease", "flux", values=values)
    found = read_controller([chart]).release
    assert (found.version, found.by) == ("2.x", "the HelmRelease 'flux', whose chart has it")


def test_the_account_for_decryption():
    flag = "--default-decryption-service-account=decryptor"
    assert read_controller([deployment("x", flag)]).account == "decryptor"
    assert read_controller([deployment("ghcr.io/fluxcd/kustomize-controller:v1.6.1", flag)]).account is None
    item = instance("2.x")
    item.data["spec"]["cluster"] = {"multitenantWorkloadIdentity": True}
    assert read_controller([item]).account == "default"
    item.data["spec"]["cluster"]["tenantDefaultDecryptionServiceAccount"] = "tenant"
    assert read_controller([item]).account == "tenant"


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("2.9.4", False),
        ("2.10.0", True),
        ("3.0", True),
        ("2.x", False),
        ("<3.0.0", False),
        ("<=2.12.0", True),
    ],
)
def test_what_is_newer_than_the_facts(version, newer):
    assert is_newer(version) is newer
