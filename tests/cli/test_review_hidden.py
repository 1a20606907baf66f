"""What a hostile change could hide from its reviewer, who has no key: `fluxsecrets review` fails on each."""

import json

import pytest

from allowances import allowing

FOLDER = "apps/observability/overlays/production"
NEW = f"{FOLDER}/extra.yaml"
GRAFANA = f"{FOLDER}/grafana-admin.yaml"
PLAIN = "k3Jd9s-planted-2nd8xQ"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: extra
  namespace: observability
stringData:
  password: {PLAIN}
"""


@pytest.fixture
def repository(encrypted_waddle, git, monkeypatch):
    """The encrypted example on a branch of its own, for somebody without a key."""
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    git(encrypted_waddle, "branch", "--move", "main")
    git(encrypted_waddle, "checkout", "--quiet", "-b", "change")
    return encrypted_waddle


@pytest.fixture
def found(repository, cli, git):
    """Commits everything; the items of the review that are severe, as (kind, path)."""

    def found():
        git(repository, "add", "--all", "--force")
        git(repository, "commit", "--quiet", "--message", "change")
        result = cli("review", "--format", "json")
        assert PLAIN not in result.stdout + result.stderr
        assert result.exit_code == 1, result.stdout
        items = json.loads(result.stdout)["items"]
        return {(each["kind"], each["path"]) for each in items if each["severity"] in ("high", "critical")}

    return found


def edited(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".gitattributes", "* binary -diff export-ignore linguist-generated\n"),
        (".gitignore", "*\n"),
        (".sourceignore", "*\n"),
        (".gitleaks.toml", "[allowlist]\npaths = ['.*']\n"),
    ],
)
def test_plain_text_that_other_tools_are_told_to_skip(repository, found, name, content):
    (repository / NEW).write_text(SECRET, encoding="utf-8")
    (repository / name).write_text(content, encoding="utf-8")
    assert ("plain-text", NEW) in found()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (NEW, SECRET.replace(PLAIN, f"{PLAIN} # {allowing('plain-secret')}"), "excuse-added"),
        (".fluxsecrets.yaml", "allow:\n  - {rule: plain-secret, path: '**', reason: x}\n", "excuse-added"),
        (".fluxsecrets.yaml", "allow: 7\n", "not-scanned"),
        (".fluxsecrets.yaml", "[" * 5000, "not-scanned"),
        (".fluxsecrets-baseline.json", "{", "not-scanned"),
        (".fluxsecrets.yaml", "scan: {config: missing.toml}\n", "not-scanned"),
    ],
)
def test_plain_text_with_its_own_excuse(repository, found, name, content, expected):
    (repository / NEW).write_text(SECRET, encoding="utf-8")
    (repository / name).write_text(content, encoding="utf-8")
    assert (expected, name) in found()


def test_plain_text_that_the_baseline_knows(repository, found, cli, git):
    (repository / NEW).write_text(SECRET, encoding="utf-8")
    git(repository, "add", "--all")
    cli("scan", "--update-baseline")
    assert ("excuse-added", ".fluxsecrets-baseline.json") in found()


def test_plain_text_in_a_file_that_is_too_large(repository, found):
    (repository / NEW).write_text(f"{SECRET}# {'x' * 17_000_000}\n", encoding="utf-8")
    assert ("not-scanned", NEW) in found()


def test_plain_text_in_another_encoding(repository, found):
    (repository / NEW).write_text(SECRET, encoding="utf-16")
    assert ("plain-text", NEW) in found()


def test_plain_text_that_looks_like_a_ciphertext(repository, found):
    fake = f"ENC[AES256_GCM,data:{PLAIN},iv:abc=,tag:abc==,type:str]"
    (repository / NEW).write_text(SECRET.replace(PLAIN, fake), encoding="utf-8")
    assert ("plain-text", NEW) in found()


def test_plain_text_that_only_a_merge_brings(repository, found, git):
    git(repository, "checkout", "--quiet", "-b", "side")
    (repository / "side.md").write_text("side\n", encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "side")
    git(repository, "checkout", "--quiet", "change")
    git(repository, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    (repository / NEW).write_text(SECRET, encoding="utf-8")
    assert ("plain-text", NEW) in found()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: Secret", "kind: Secret\nimmutable: true"),
        ("  admin-user:", "  admin-name:"),
        ("  admin-user: ENC[AES256_GCM,data:", "  admin-user: ENC[AES256_GCM,data:AAAA"),
    ],
)
def test_values_that_were_changed_without_a_key(repository, found, old, new):
    edited(repository / GRAFANA, old, new)
    assert ("file-damaged", GRAFANA) in found()


def test_a_recipient_that_was_replaced_in_the_block_alone(repository, found):
    text = (repository / GRAFANA).read_text(encoding="utf-8")
    alice = "age1a454ldt5jy8ds3uykf2zju9v8y6t8t3n5gsug6xclh80mcw6uszss5m7la"
    mallory = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
    (repository / GRAFANA).write_text(text.replace(alice, mallory), encoding="utf-8")
    assert {("access-gained", GRAFANA), ("data-key-kept", GRAFANA)} <= found()


@pytest.mark.parametrize("staged", [False, True])
def test_a_submodule_is_said_not_to_be_looked_at(repository, cli, git, staged):
    commit = git(repository, "rev-parse", "main").strip()
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/secrets")
    if not staged:
        git(repository, "commit", "--quiet", "--message", "a submodule")
    result = cli("review", "--format", "json", *(["--staged"] if staged else []))
    assert json.loads(result.stdout)["unseen"] == [
        "the submodule vendor/secrets: its files are in another repository"
    ]


def test_a_public_key_that_is_not_one_stops_nothing(repository, cli, git):
    place = repository / "keys" / "bob.pub"
    place.write_text(f"{place.read_text(encoding='utf-8').strip()} x y\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "change")
    for command in ("review", "audit", "verify"):
        result = cli(command)
        assert result.exit_code != 2, result.stderr


CNPG = "apps/cloudnative-pg/overlays/production"
WORKLOADS = "clusters/production/apps/workloads.yaml"
KIND_CHANGE = """\
patches:
  - target: {kind: Secret, name: postgres-app}
    options: {allowKindChange: true}
    patch: |
      - op: replace
        path: /kind
        value: ConfigMap
  - target:
"""


@pytest.mark.parametrize(
    ("path", "old", "new", "place"),
    [
        (f"{CNPG}/kustomization.yaml", "namespace: databases", "namespace: mallory", "mallory/postgres-app"),
        (WORKLOADS, "spec:\n", "spec:\n  targetNamespace: mallory\n", "mallory/postgres-app"),
        (WORKLOADS, "spec:\n", "spec:\n  kubeConfig: {secretRef: {name: x}}\n", "in another cluster"),
        (f"{CNPG}/kustomization.yaml", "patches:\n  - target:\n", KIND_CHANGE, "ConfigMap databases/"),
    ],
    ids=["namespace", "target-namespace", "cluster", "kind"],
)  # fmt: skip
def test_secrets_that_flux_applies_elsewhere(repository, cli, git, path, old, new, place):
    edited(repository / path, old, new)
    git(repository, "commit", "--quiet", "--all", "--message", "change")
    result = cli("review", "--format", "json")
    assert result.exit_code == 1
    items = [each for each in json.loads(result.stdout)["items"] if each["kind"] == "applied-elsewhere"]
    item = next(each for each in items if each["path"] == f"{CNPG}/secrets.yaml")
    assert item["severity"] == "high"
    assert item["environments"] == ["production"]
    assert any(place in detail for detail in item["details"])


def test_a_file_that_is_moved_out_of_every_environment(repository, cli, git):
    git(repository, "mv", f"{CNPG}/secrets.yaml", "attic.yaml")
    edited(repository / f"{CNPG}/kustomization.yaml", "  - secrets.yaml\n", "")
    git(repository, "commit", "--quiet", "--all", "--message", "change")
    items = json.loads(cli("review", "--format", "json").stdout)["items"]
    (item,) = (each for each in items if each["kind"] == "environment-left")
    assert item["path"] == "attic.yaml"
    assert item["environments"] == ["production"]


def test_a_second_file_with_the_same_value(repository, found, cli):
    other = NEW.replace("extra", "other")
    for path in (NEW, other):
        (repository / path).write_text(SECRET)
    assert ("plain-text", NEW) in found()
    item = next(
        each for each in json.loads(cli("review", "--format", "json").stdout)["items"] if each["path"] == NEW
    )
    assert f"also in {other}:7" in item["details"]


def test_a_recipient_of_another_environment(repository, found):
    edited(
        repository / ".sops.yaml",
        "          - *alice\n          - *cluster-production\n",
        "          - *alice\n          - *bob\n          - *cluster-production\n",
    )
    assert ("rules-changed", ".sops.yaml") in found()


def test_a_place_that_secrets_are_published_to(repository, found, cli):
    with (repository / ".sops.yaml").open("a") as rules:
        rules.write(
            "destination_rules:\n  - {path_regex: staging, s3_bucket: other}\n"
            "  - {vault_path: x, vault_address: 'https://vault.other.example'}\n"
        )
    assert ("destination-changed", ".sops.yaml") in found()
    items = json.loads(cli("review", "--format", "json").stdout)["items"]
    shown = [each["title"] for each in items if each["kind"] == "destination-changed"]
    assert shown == [
        "files that match staging are published to s3://other/",
        "all files are published to secret/x of Vault https://vault.other.example",
    ]


@pytest.mark.parametrize(
    ("after", "title"),
    [
        ("s3_bucket: other", "all files are published to s3://other/, and were to s3://waddle/"),
        ("s3_bucket: waddle, recreation_rule: {age: [*alice, *bob]}", "all files are published for bob"),
        ("s3_bucket: waddle", "all files are published as they are, and were encrypted again"),
        ("s3_bucket: waddle, recreation_rule: {age: [*alice]}, omit_extensions: true", None),
    ],
)
def test_a_copy_for_somebody_else(repository, cli, git, after, title):
    path = repository / ".sops.yaml"
    text = path.read_text()
    path.write_text(
        f"{text}destination_rules:\n  - {{s3_bucket: waddle, recreation_rule: {{age: [*alice]}}}}\n"
    )
    git(repository, "commit", "--quiet", "--all", "--message", "destinations")
    path.write_text(f"{text}destination_rules:\n  - {{{after}}}\n")
    items = json.loads(cli("review", "--uncommitted", "--format", "json").stdout)["items"]
    shown = [each["title"] for each in items if each["kind"] == "destination-changed"]
    if title and "other" in title:  # the second sentence is the same as of another case
        shown = shown[:1]
    assert shown == ([title] if title else [])


def test_a_name_in_keys_that_gets_the_key_of_somebody_else(repository, found):
    (repository / "keys/cluster-production.pub").write_bytes((repository / "keys/bob.pub").read_bytes())
    assert ("public-key-changed", "keys/cluster-production.pub") in found()


@pytest.mark.parametrize("name", [".gitattributes", "apps/.gitattributes"])
@pytest.mark.parametrize("line", ["* merge=union", "*.yaml -diff", "[attr]plain !merge\n* plain"])
def test_attributes_that_switch_the_drivers_off(repository, cli, git, name, line):
    attributes = repository / ".gitattributes"
    attributes.write_text("secrets.yaml merge=fluxsecrets diff=fluxsecrets\n")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "attributes")
    git(repository, "checkout", "--quiet", "-B", "change")
    path = repository / name
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}*.png binary\n{line}\n")
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--message", "change")
    (item,) = json.loads(cli("review", "--format", "json").stdout)["items"]
    assert (item["kind"], item["severity"], item["path"]) == ("guard-removed", "medium", name)
    assert "apps/cloudnative-pg/overlays/production/secrets.yaml" in item["details"]
