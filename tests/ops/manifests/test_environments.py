"""What is in an environment, and how each Secret in it is protected."""

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.manifests.environments import Protection, show_environments
from fluxsecrets.ops.run.session import Session
from layouts import (
    CLUSTERS,
    OPERATOR,
    SECRET_AGE,
    SHARED,
    THROWAWAY,
    WITHOUT_KUSTOMIZATION,
    config_map,
    document,
    flux,
    git_repository,
    kustomization,
    secret,
)

ROOT = "clusters/lab"
SYNC = {f"{ROOT}/flux-system/gotk-sync.yaml": git_repository() + flux("flux-system", f"./{ROOT}", SECRET_AGE)}
SOPS = """\
sops:
  age:
  - recipient: {recipient}
    enc: x
  lastmodified: '2026-01-01T00:00:00Z'
  mac: {mac}
"""
ENCRYPTED = f"ENC[AES256_GCM,data:AA==,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"


@pytest.fixture
def show(tmp_path, environment):
    """The environments of a repository of the given files."""

    def maker(files, name=None, cwd=None):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        found = show_environments(Session({}, cwd or tmp_path), name)
        return found if name is None else found[0]

    return maker


def encrypted(text, recipient="age1throwaway"):
    return text.replace(THROWAWAY, ENCRYPTED) + SOPS.format(recipient=recipient, mac=ENCRYPTED)


def secrets(environment):
    return {secret.name: secret for secret in environment.secrets}


def protections(environment):
    return {name: str(secret.protection) for name, secret in secrets(environment).items()}


def test_how_secrets_are_protected(show):
    cluster = document("postgresql.cnpg.io/v1", "Cluster", "db", namespace="x")
    env = [f"{{secretRef: {{name: {name}}}}}" for name in ("db-app", "gone")]
    pod = document(
        "v1", "Pod", "p", f"spec: {{containers: [{{name: p, envFrom: [{', '.join(env)}]}}]}}\n", "x"
    )
    found = show(
        {
            **SYNC,
            f"{ROOT}/plain.yaml": secret("plain"),
            f"{ROOT}/sops.yaml": encrypted(secret("sops")),
            f"{ROOT}/sealed.yaml": document("bitnami.com/v1alpha1", "SealedSecret", "sealed"),
            f"{ROOT}/external.yaml": document("external-secrets.io/v1", "ExternalSecret", "external"),
            f"{ROOT}/certificate.yaml": document(
                "cert-manager.io/v1", "Certificate", "c", "spec: {secretName: certificate}\n"
            ),
            f"{ROOT}/token.yaml": document(
                "v1", "Secret", "token", "type: kubernetes.io/service-account-token\n"
            ),
            f"{ROOT}/reference.yaml": secret("reference").replace(THROWAWAY, "'op://vault/item/field'"),
            f"{ROOT}/cluster.yaml": cluster + pod,
        },
        "lab",
    )
    assert protections(found) == {
        "plain": "plain",
        "sops": "sops",
        "sealed": "sealed",
        "external": "external",
        "certificate": "cluster",
        "token": "cluster",
        "reference": "external",
        "db-app": "cluster",
    }
    assert secrets(found)["sops"].recipients == ("age1throwaway",)
    missing = {(each.namespace, each.name) for each in found.missing}
    assert missing == {("flux-system", "sops-age"), ("x", "gone")}
    assert found.count(Protection.CLUSTER) == 3


def test_what_an_operator_would_make_and_a_file_brings_is_the_files(show):
    files = {
        f"{ROOT}/cluster.yaml": document("postgresql.cnpg.io/v1", "Cluster", "db", namespace="x")
        + document("v1", "Pod", "p", "spec: {volumes: [{secret: {secretName: db-app}}]}\n", "x"),
        f"{ROOT}/secret.yaml": encrypted(secret("db-app", "x")),
    }
    found = show({**SYNC, **files}, "lab")
    assert [(each.name, each.protection) for each in found.secrets] == [("db-app", "sops")]


@pytest.mark.parametrize(
    ("generator", "protection"),
    [
        ("{name: g, envs: [open.env]}", "plain"),
        ("{name: g, envs: [closed.env]}", "sops"),
        ("{name: g, files: [closed.env, open.env]}", "plain"),
        ("{name: g, envs: [closed.env], literals: [a=b]}", "plain"),
        ("{name: g, files: [gone.env]}", "plain"),
    ],
)
def test_a_generated_secret_is_as_open_as_the_most_open_of_its_files(show, generator, protection):
    found = show(
        {
            **SYNC,
            f"{ROOT}/app/kustomization.yaml": kustomization(f"secretGenerator: [{generator}]"),
            f"{ROOT}/app/open.env": f"password={THROWAWAY}\n",
            f"{ROOT}/app/closed.env": f"password={ENCRYPTED}\nsops_mac={ENCRYPTED}\n"
            "sops_lastmodified=2026-01-01T00:00:00Z\nsops_age__list_0__map_recipient=age1throwaway\n"
            "sops_age__list_0__map_enc=x\n",
        },
        "lab",
    )
    assert protections(found) == {"g": protection}


@pytest.mark.parametrize(
    ("patch", "protection"),
    [
        ("stringData: {a: throwaway}", "plain"),
        ("stringData: {a: '${A}'}", "external"),
        ("type: x", "cluster"),
    ],
)
def test_values_that_a_patch_puts_in_count(show, patch, protection):
    base = document("v1", "Secret", "s", "", "x")
    found = show(
        {
            **SYNC,
            f"{ROOT}/app/kustomization.yaml": kustomization(
                "resources: [s.yaml]", "patches: [{path: p.yaml}]"
            ),
            f"{ROOT}/app/s.yaml": base,
            f"{ROOT}/app/p.yaml": base + patch + "\n",
        },
        "lab",
    )
    assert protections(found) == {"s": protection}


def test_names_of_recipients_come_from_rules_and_public_keys(show, identity):
    recipients = (identity.recipient, "age1jtgdzd3eqrd5hc9ttv5rlsg6443knl70z6y0g0ge72gpmk08fedq960n2p")
    sops = "sops:\n  age:\n" + "".join(f"  - recipient: {each}\n    enc: x\n" for each in recipients)
    sops += f"  lastmodified: '2026-01-01T00:00:00Z'\n  mac: {ENCRYPTED}\n"
    found = show(
        {
            **SYNC,
            f"{ROOT}/s.yaml": secret("s").replace(THROWAWAY, ENCRYPTED) + sops,
            "keys/cluster.pub": f"{recipients[1]}\n",
            ".sops.yaml": f"keys: [&alice {recipients[0]}]\ncreation_rules: [{{age: *alice}}]\n",
        },
        "lab",
    )
    assert secrets(found)["s"].recipients == ("alice", "cluster")


def test_the_tree_is_in_dependency_order(show):
    found = show(CLUSTERS, "production")
    order = [(item.name, item.parent, item.folder) for item in found.kustomizations]
    assert order == [
        ("flux-system", None, "clusters/production"),
        ("infrastructure", 0, "infrastructure/production"),
        ("apps", 0, "apps/production"),
    ]
    apps = found.kustomizations[2]
    assert (apps.decryption, apps.depends_on) == ("sops-age", ("infrastructure",))
    (db,) = apps.secrets
    assert (db.name, db.namespace, db.files) == ("db", "shop", ("apps/production/db.env",))
    assert (db.path, db.line) == ("apps/production/kustomization.yaml", 6)
    assert found.others == ("staging",)


def test_what_several_environments_apply_is_shared(show):
    by_name = {each.name: each for each in show(SHARED)}
    assert secrets(by_name["paris"])["pull-eu"].shared == ("lyon",)
    assert secrets(by_name["boston"])["pull-us"].shared == ()
    assert secrets(by_name["boston"])["grafana"].shared == ("lyon", "paris")
    charts = next(item for item in by_name["paris"].kustomizations if item.name == "charts")
    assert (charts.folder, charts.reason) == (None, "not followed, its source 'charts' is another repository")


def test_roots_that_are_synced_otherwise(show):
    (cluster,) = show(OPERATOR)
    player = next(item for item in cluster.kustomizations if item.name == "player")
    assert cluster.kustomizations[player.parent].name == "cluster-apps"
    assert {each.name for each in player.secrets} == {"player-secret"}


def test_a_root_that_nothing_syncs(show):
    files = {
        "clusters/lab/s.yaml": secret("s"),
        "clusters/lab/a.yaml": flux("apps", "./apps"),
        "apps/t.yaml": secret("t"),
    }
    found = show(files, "lab")
    assert [(item.name, item.parent) for item in found.kustomizations] == [(None, None), ("apps", 0)]
    assert protections(found) == {"s": "plain", "t": "plain"}


def test_files_outside_flux_belong_to_it(show):
    own = encrypted(secret("a"), "age1own")
    found = show(
        {
            **SYNC,
            f"{ROOT}/a.yaml": own,
            "talos/x.sops.yaml": encrypted(secret("x"), "age1own"),
            "talos/n.txt": "n",
        },
        "lab",
    )
    (outside,) = found.outside
    assert (outside.name, outside.path, outside.protection) == (None, "talos/x.sops.yaml", "sops")


def test_a_broken_manifest_is_a_warning_with_its_place_and_the_rest_goes_on(show):
    found = show({**WITHOUT_KUSTOMIZATION, "fleet/lab/broken.yaml": "a: [\n"}, "lab")
    assert protections(found)["db"] == "plain"
    (note,) = found.notes
    assert (note.path, note.line, note.warning) == ("fleet/lab/broken.yaml", 2, True)


def test_paths_are_as_seen_from_the_working_directory(show, tmp_path, git):
    git(tmp_path, "init", "--quiet")
    (tmp_path / ROOT).mkdir(parents=True)
    found = show({**SYNC, f"{ROOT}/s.yaml": secret("s")}, "lab", cwd=tmp_path / ROOT)
    assert [each.path for each in found.secrets] == ["s.yaml"]


def test_an_unknown_name_is_answered_with_the_known_ones(show):
    with pytest.raises(
        ConfigError, match="no environment 'prod'; this repository has production, staging"
    ) as caught:
        show(CLUSTERS, "prod")
    assert caught.value.hint == "did you mean production?"


def test_config_maps_are_no_secrets(show):
    assert protections(show({**SYNC, f"{ROOT}/c.yaml": config_map("c", a="b")}, "lab")) == {}
