"""A new environment in repositories of other layouts than the example's."""

import pytest

from fluxsecrets.errors import ConfigError, FileAccessError, UsageError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.manifests.environments import show_environments
from fluxsecrets.ops.newenv.addition import add_environment
from fluxsecrets.ops.newenv.model import AddRequest, Decryption
from fluxsecrets.ops.newenv.planner import plan_environment
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.sops.formats import make_format
from layouts import (
    CLUSTERS,
    OPERATOR,
    PATCHED_CHILDREN,
    SECRET_AGE,
    SHARED,
    THROWAWAY,
    config_map,
    flux,
    git_repository,
    kustomization,
    secret,
)

ALICE = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
CLUSTER = "age14q0m73pt0v3vhtwsla3y85snce232wjjnzc787th7snm6e329auqjxn43c"
NEW = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


@pytest.fixture
def repository(tmp_path):
    """Makes a repository, and gives the session in it."""

    def maker(files):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        return Session({"SOPS_AGE_KEY_FILE": str(tmp_path.parent / "keys.txt")}, tmp_path)

    return maker


def plan(session, name, source, **options):
    return plan_environment(session, AddRequest(name, source, recipient=NEW, **options))


def files(plan):
    return {file.path: file.new.decode() for file in plan.files}


def rules(*patterns):
    return "creation_rules:\n" + "".join(
        f"  - path_regex: {each}\n    age: {ALICE},{CLUSTER}\n" for each in patterns
    )


def test_clusters_with_overlays(repository):
    session = repository(
        {**CLUSTERS, ".sops.yaml": rules("production/"), "keys/production.pub": f"{CLUSTER}\n"}
    )
    found = plan(session, "dr", "production")
    assert found.key_name == "dr"
    assert f"path_regex: dr/\n    age: {ALICE},{NEW}\n" in files(found)[".sops.yaml"]
    assert files(found)["apps/dr/db.env"] == "password=REPLACE_ME\n"
    assert not any(THROWAWAY in text for text in files(found).values())
    add_environment(session, found)
    by_name = {each.name: each for each in show_environments(session)}
    assert [each.name for each in by_name["dr"].kustomizations] == ["flux-system", "infrastructure", "apps"]
    assert [each.name for each in by_name["dr"].secrets] == [
        each.name for each in by_name["production"].secrets
    ]


def test_a_root_below_its_name_and_overlays_that_stay(repository):
    found = plan(repository(SHARED), "nice", "paris")
    assert (found.root, found.word) == ("kubernetes/nice/flux", "nice")
    assert set(files(found)) == {
        "kubernetes/nice/flux/flux-system/gotk-sync.yaml",
        "kubernetes/nice/flux/tenants.yaml",
        "kubernetes/nice/flux/monitoring.yaml",
        "kubernetes/nice/flux/charts.yaml",
        "keys/cluster-nice.pub",
    }
    assert found.shared == ("monitoring/grafana.yaml", "tenants/overlays/eu/pull.yaml")
    assert any("no .sops.yaml" in warning or "cluster is unknown" in warning for warning in found.warnings)


def test_a_repository_of_one_cluster_is_no_pattern_for_another(repository):
    with pytest.raises(UsageError, match="no part of kubernetes/flux/cluster names the environment"):
        plan(repository(OPERATOR), "dr", "default")


def test_what_is_used_by_name_alone_is_shared_from_then_on(repository):
    found = plan(repository(PATCHED_CHILDREN), "lab", "home")
    assert [path for path in files(found) if path.startswith("apps/")] == []
    assert found.shared == ("apps/web/app/secret.yaml",)


def test_settings_get_an_entry_and_rules_their_own_pattern(repository):
    settings = (
        "# ours\nenvironments:\n  live:\n    path: fleet/production # here\n"
        f"    files: ['talos/production/**']\n    cluster_recipients: [{CLUSTER}]\n"
        "    sealing_certificates: [certs/production.pem]\nsecrets:\n  - 'notes/production/*.txt'\n"
    )
    session = repository(
        {
            ".fluxsecrets.yaml": settings,
            ".sops.yaml": f"creation_rules:\n  - age: {ALICE},{CLUSTER}\n",
            "certs/production.pem": "",
            "fleet/production/sync.yaml": git_repository()
            + flux("flux-system", "./fleet/production", SECRET_AGE),
            "fleet/production/s.yaml": secret("s", "x"),
            "talos/production/machine.yaml": "a: throwaway\n",
            "notes/production/a.txt": "not copied: no environment reaches it\n",
        }
    )
    found = plan(session, "dr", "live")
    text = files(found)[".fluxsecrets.yaml"]
    assert text.startswith(settings.partition("secrets:")[0])
    assert files(found)["talos/dr/machine.yaml"] == "a: throwaway\n"
    assert 'path_regex: "^fleet/dr/"' in files(found)[".sops.yaml"]
    assert "name the sealing certificates" in " ".join(found.warnings)
    add_environment(session, found)
    made = load_settings(session.cwd).environment("dr")
    assert (made.path, made.files, made.cluster_recipients) == ("fleet/dr", ("talos/dr/**",), (NEW,))
    assert load_settings(session.cwd).secrets == ("notes/production/*.txt", "notes/dr/*.txt")


def test_a_configuration_in_the_folder_itself_is_copied(repository):
    session = repository(
        {
            **CLUSTERS,
            "apps/production/.sops.yaml": f"creation_rules:\n  - age: {ALICE},{CLUSTER}\n",
            ".sops.yaml": rules("^infrastructure/"),
            "keys/cluster-production.pub": f"{CLUSTER}\n",
        }
    )
    found = plan(session, "dr", "production", generate=(("password", "hex:16"),))
    assert files(found)["apps/dr/.sops.yaml"] == f"creation_rules:\n  - age: {ALICE},{NEW}\n"
    assert "ENC[AES256_GCM" in files(found)["apps/dr/db.env"]


def test_one_old_value_becomes_one_new_value(repository):
    session = repository(
        {
            "clusters/production/a.yaml": secret("a", keys="password other"),
            "clusters/production/b.yaml": secret("b"),
            "clusters/production/c.yaml": secret("c").replace(THROWAWAY, "throwaway-another"),
            ".sops.yaml": rules("production/"),
            "keys/cluster-production.pub": f"{CLUSTER}\n",
        }
    )
    request = AddRequest("dr", "production", generate=(("password", "hex:16"),))
    add_environment(session, plan_environment(session, request))
    values = []
    for name in "abc":
        data = (session.cwd / f"clusters/dr/{name}.yaml").read_bytes()
        opened = open_file(
            make_format("yaml"), data, Session(session.environ, session.cwd).providers, session.limits
        )
        values.append(opened.parts[0].get("stringData").get("password").value)
    assert values[0] == values[1] != values[2]


def test_the_copy_is_checked_before_anything_is_written(repository):
    files = {
        **CLUSTERS,
        "apps/production/kustomization.yaml": kustomization(
            "namespace: shop", "resources: [../base, '../production-extra']", "secretGenerator: [{name: db}]"
        ),
        "apps/production-extra/kustomization.yaml": kustomization("resources: [c.yaml]"),
        "apps/production-extra/c.yaml": config_map("c"),
    }
    found = plan(repository(files), "dr", "production")
    copied = {file.path: file.new.decode() for file in found.files}["apps/dr/kustomization.yaml"]
    assert "../production-extra" in copied  # it stays where it is, and both use it


def test_kustomizations_that_bring_secrets_get_decryption(repository):
    without = flux("apps", "./apps/production").replace("spec:\n", "spec: # why\n")
    session = repository(
        {
            "clusters/production/flux-system/gotk-sync.yaml": git_repository()
            + flux("flux-system", "./clusters/production"),
            "clusters/production/apps.yaml": flux("none", "./none/production") + without,
            "clusters/production/s.yaml": secret("s"),
            "apps/production/s.yaml": secret("s", "x"),
            "none/production/c.yaml": config_map("c"),
            ".sops.yaml": rules("production/"),
        }
    )
    found = plan(session, "dr", "production")
    assert found.decryption == (Decryption("clusters/dr/apps.yaml", "apps", "sops-age"),)
    text = files(found)["clusters/dr/apps.yaml"]
    assert text.startswith((flux("none", "./none/dr") + without).replace("apps/production", "apps/dr"))
    assert text.endswith("  decryption:\n    provider: sops\n    secretRef:\n      name: sops-age\n")
    assert "the Kustomization that syncs clusters/dr has no `decryption`" in " ".join(found.warnings)


def test_links_are_neither_copied_nor_followed_out_of_the_repository(repository, tmp_path):
    session = repository(CLUSTERS)
    (tmp_path / "clusters/production/link.yaml").symlink_to(tmp_path / "apps/base/shop.yaml")
    found = plan(session, "dr", "production")
    assert "clusters/dr/link.yaml" not in files(found)
    assert "clusters/production/link.yaml is a symbolic link" in " ".join(found.warnings)
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (tmp_path / "infrastructure/qa").symlink_to(outside)
    with pytest.raises(FileAccessError):
        plan(session, "qa", "production")
    assert list(outside.iterdir()) == []


def test_a_name_that_would_not_be_found_is_told(repository):
    files = {
        "clusters/eu/production/flux-system/gotk-sync.yaml": git_repository()
        + flux("flux-system", "./clusters/eu/production"),
        "clusters/us/production/flux-system/gotk-sync.yaml": git_repository()
        + flux("flux-system", "./clusters/us/production"),
    }
    session = repository(files)
    with pytest.raises(
        ConfigError, match="the environment in clusters/eu/dr would be called eu-dr"
    ) as caught:
        plan(session, "dr", "eu-production")
    assert caught.value.hint == "use that name: fluxsecrets env add eu-dr --from eu-production"
