"""What older and newer versions of Flux do differently, and which version an environment has."""

import json

import pytest

from audit_tree import (
    CLUSTER,
    KEYS,
    RECIPIENTS,
    RULES,
    cluster,
    encrypted,
    kustomization,
    secret,
    write,
    yaml,
)

POST_QUANTUM = RECIPIENTS["postquantum"]
DISABLED = "  annotations: {kustomize.toolkit.fluxcd.io/decrypt: disabled}"


def components(version):
    """The part of gotk-components.yaml that shows a version."""
    return yaml(f"""
        apiVersion: v1
        kind: Namespace
        metadata:
          name: flux-system
          labels:
            app.kubernetes.io/part-of: flux
            app.kubernetes.io/version: v{version}
        """)


def controller(image, *arguments):
    return yaml(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: kustomize-controller, namespace: flux-system}}
        spec:
          selector: {{matchLabels: {{app: kustomize-controller}}}}
          template:
            metadata: {{labels: {{app: kustomize-controller}}}}
            spec:
              containers:
                - name: manager
                  image: ghcr.io/fluxcd/kustomize-controller:v{image}
                  args: {json.dumps(arguments)}
        """)


@pytest.fixture
def verified(tmp_path, monkeypatch, act_as, cli):
    """The JSON of `verify` in a repository of these files."""

    def verified(files, *args, settings=""):
        write(tmp_path, {".sops.yaml": RULES, **files})
        if settings:
            write(tmp_path, {".fluxsecrets.yaml": settings})
        monkeypatch.chdir(tmp_path)
        act_as("alice")
        return json.loads(cli("verify", "--format", "json", *args).stdout)

    return verified


def settings_of(recipient):
    """Settings in which both clusters have a key."""
    entries = (f"  {name}: {{cluster_recipients: ['{recipient}']}}\n" for name in ("production", "staging"))
    return f"environments:\n{''.join(entries)}"


def both(more, files, *, old="2.6.4", new="2.9.1"):
    """Two environments that apply the same folder, one with an old version of Flux and one with a new one."""
    made = {".fluxsecrets.yaml": settings_of(CLUSTER), **files}
    for name, version in (("production", old), ("staging", new)):
        made |= cluster(name)
        made[f"clusters/{name}/flux-system/gotk-components.yaml"] = components(version)
        made[f"clusters/{name}/apps.yaml"] = kustomization("apps", "apps", more=more)
    return made


def verdicts(found, name="apps"):
    return {each["environment"]: each["verdict"] for each in found["kustomizations"] if each["name"] == name}


def behaviours(found, name="apps"):
    return {
        each["environment"]: [outcome["behaviour"] for outcome in each["outcomes"]]
        for each in found["kustomizations"]
        if each["name"] == name
    }


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\ndata: {k: '${B}x'}\n"
OLD_SOURCE = yaml("""
    apiVersion: source.toolkit.fluxcd.io/v1beta2
    kind: OCIRepository
    metadata: {name: charts, namespace: apps}
    spec: {interval: 1h, url: oci://ghcr.io/example/charts}
    """)


@pytest.mark.parametrize(
    ("more", "files", "old", "new"),
    [
        ("postBuild: {substitute: {A: a}}", {"apps/c.yaml": CONFIG_MAP}, "applied", "fails"),
        ("", {"apps/db.yaml": encrypted(secret(more=DISABLED))}, "applied", "ciphertext"),
        ("", {"apps/source.yaml": OLD_SOURCE}, "applied", "fails"),
        ("", {"apps/db.yaml": encrypted(secret())}, "applied", "applied"),
    ],
    ids=["strict-variables", "decryption-disabled", "v1beta2-removed", "the same"],
)
def test_each_environment_is_judged_by_its_own_version(more, files, old, new, verified):
    found = verified(both(more, files))
    assert verdicts(found) == {"production": old, "staging": new}


@pytest.mark.parametrize("more", ["buildMetadata: [originAnnotations]", "ignoreMissingComponents: true"])
def test_a_field_that_came_later(more, verified):
    found = verified(both(more, {"apps/db.yaml": encrypted(secret())}))
    assert behaviours(found, "flux-system") == {"production": ["kustomization-refused"], "staging": []}


def test_patches_were_not_decrypted_before_2_5(verified):
    files = {
        "apps/kustomization.yaml": "resources: [db.yaml]\npatches: [{path: patch.yaml}]\n",
        "apps/db.yaml": secret(values={"a": "throwaway"}),
        "apps/patch.yaml": encrypted(secret()),
    }
    found = verified(both("", files, old="2.4.0", new="2.5.1"), "--all")
    read = [
        each["environment"]
        for each in found["kustomizations"]
        for item in each["objects"]
        if (item["path"], item["format"]) == ("apps/patch.yaml", "yaml")
    ]
    assert read == ["staging"]


def test_post_quantum_keys_stop_flux_before_2_9(verified):
    files = {"apps/db.yaml": encrypted(secret(), "alice", POST_QUANTUM)}
    found = verified(both("", files, old="2.8.0"), settings=settings_of(POST_QUANTUM))
    assert verdicts(found) == {"production": "fails", "staging": "applied"}
    assert "decryption-key-not-read" in behaviours(found)["production"]


def one(*extra, more="", decryption=True, files=None):
    """One environment, with `apps` and some manifests."""
    made = {
        **cluster(),
        "clusters/staging/apps.yaml": kustomization("apps", "apps", more=more, decryption=decryption),
    }
    made["apps/db.yaml"] = encrypted(secret())
    for number, text in enumerate(extra):
        made[f"clusters/staging/extra{number}.yaml"] = text
    return {**made, **(files or {})}


SETTINGS = f"environments: {{staging: {{cluster_recipients: [{CLUSTER}]}}}}\n"
WITHOUT_SECRET = "decryption: {provider: sops}"


@pytest.mark.parametrize(
    ("image", "arguments", "more", "verdict"),
    [
        ("1.9.4", ("--sops-age-secret=sops-age",), {}, "applied"),
        ("1.6.1", ("--sops-age-secret=sops-age",), {}, "fails"),
        ("1.9.4", (), {}, "fails"),
        ("1.9.4", ("--sops-age-secret=global",), {"sops.asc": "x"}, "fails"),
        ("1.9.4", ("--sops-age-secret=global",), {"age.agekey": "x"}, "applied"),
    ],
)
def test_the_key_of_the_controller(image, arguments, more, verdict, verified):
    files = one(controller(image, *arguments), more=WITHOUT_SECRET, decryption=False)
    if more:
        files["clusters/staging/global.yaml"] = encrypted(secret("global", "flux-system", values=more))
    assert verdicts(verified(files, settings=SETTINGS)) == {"staging": verdict}


def test_without_a_version_what_newer_ones_have_can_not_be_told(verified):
    found = verified(
        one(more="buildMetadata: [originAnnotations]\nignoreMissingComponents: true"), settings=SETTINGS
    )
    assert behaviours(found, "flux-system") == {"staging": ["flux-version-not-known"]}
    assert found["flux"] == {"staging": None}


@pytest.mark.parametrize(
    ("extra", "settings", "args", "version", "by", "place"),
    [
        (
            (components("2.7.5"),),
            "",
            (),
            "2.7.5",
            "the labels of the Namespace 'flux-system'",
            "extra0.yaml:7",
        ),
        (
            (components("2.7.5"), controller("1.8.2")),
            "",
            (),
            "2.8",
            "the image of kustomize-controller",
            "extra1.yaml:11",
        ),
        ((components("2.7.5"),), "flux_version: '2.8'\n", (), "2.8", "flux_version", ".fluxsecrets.yaml:1"),
        (
            (),
            "flux_version: '2.8'\nenvironments:\n  staging:\n    flux_version: '2.6'\n",
            (),
            "2.6",
            "flux_version",
            ".fluxsecrets.yaml:4",
        ),
        ((), "flux_version: '2.8'\n", ("--flux-version", "2.9"), "2.9", "--flux-version", "None:None"),
    ],
)
def test_what_says_the_version(extra, settings, args, version, by, place, verified, cli):
    found = verified(one(*extra), *args, settings=settings)["flux"]["staging"]
    assert (found["version"], found["by"]) == (version, by)
    assert f"{found['file']}:{found['line']}".endswith(place)
    shown = cli("verify", "--env", "staging", *args).stderr
    assert f"staging: Flux {version}, from {by}" in shown
    if not args:
        assert json.loads(cli("env", "show", "staging", "--format", "json").stdout)["flux"] == found


def test_the_release_that_a_kustomization_file_names(verified):
    address = "https://github.com/fluxcd/flux2/releases/download/v2.7.3/install.yaml"
    file = f"kind: Kustomization\nresources:\n  - gotk-sync.yaml\n  - {address}\n"
    found = verified(one(files={"clusters/staging/flux-system/kustomization.yaml": file}))["flux"]["staging"]
    assert (found["version"], found["line"]) == ("2.7.3", 4)


def test_images_of_a_kustomization_file_count(verified):
    file = yaml("""
        kind: Kustomization
        resources: [gotk-sync.yaml, controller.yaml]
        images: [{name: ghcr.io/fluxcd/kustomize-controller, newTag: v1.7.3}]
        """)
    folder = "clusters/staging/flux-system"
    files = {f"{folder}/kustomization.yaml": file, f"{folder}/controller.yaml": controller("1.9.0")}
    assert verified(one(files=files))["flux"]["staging"]["version"] == "2.7"


@pytest.mark.parametrize(
    ("people", "verdict"), [(("alice", "bob"), "applied"), (("alice", "cluster"), "fails")]
)
def test_a_key_that_the_repository_brings_counts_more_than_the_settings(people, verdict, verified):
    identity = (KEYS / "bob.agekey").read_text()
    files = one(files={"apps/db.yaml": encrypted(secret(), *people)})
    files["clusters/staging/key.yaml"] = encrypted(
        secret("sops-age", "flux-system", values={"age.agekey": json.dumps(identity)})
    )
    found = verified(files, settings=SETTINGS)
    assert verdicts(found) == {"staging": verdict}
    assert identity.splitlines()[-1] not in json.dumps(found)
