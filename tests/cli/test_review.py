"""`fluxsecrets review`: what a change does to secrets."""

import json
import re

import pytest

STAGING = "apps/cloudnative-pg/overlays/staging/secrets.yaml"
PRODUCTION = "apps/cloudnative-pg/overlays/production/secrets.yaml"
GRAFANA = "apps/observability/overlays/staging/grafana-admin.yaml"
MALLORY = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"


class Reviewed:
    """A review as data."""

    def __init__(self, result):
        assert result.exit_code in (0, 1), result.stderr
        self.exit_code = result.exit_code
        self.text = result.stdout
        self.report = json.loads(result.stdout)

    @property
    def kinds(self):
        return sorted({item["kind"] for item in self.report["items"]})

    def of(self, kind):
        return [item for item in self.report["items"] if item["kind"] == kind]

    def only(self, kind):
        (item,) = self.of(kind)
        return item


@pytest.fixture
def repository(encrypted_waddle, git):
    """The encrypted example on a branch of its own."""
    git(encrypted_waddle, "branch", "--move", "main")
    git(encrypted_waddle, "checkout", "--quiet", "-b", "change")
    return encrypted_waddle


@pytest.fixture
def reviewed(repository, cli, git):
    """Commits everything, and reviews it."""

    def review(*arguments):
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "change")
        return Reviewed(cli("review", "--format", "json", *arguments))

    return review


def replace(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def test_no_change_to_secrets(repository, reviewed):
    (repository / "README.md").write_text("changed\n")
    found = reviewed()
    assert found.report["items"] == []
    assert found.report["unseen"] == []
    assert found.report["summary"]["files"] == 1
    assert found.exit_code == 0


def test_a_changed_value(repository, reviewed, cli):
    assert cli("set", STAGING, "stringData.password", "--generate", "password:32").exit_code == 0
    found = reviewed()
    assert found.kinds == ["values-changed"]
    item = found.only("values-changed")
    assert item["environments"] == ["staging"]
    assert item["path"] == STAGING
    assert item["severity"] == "low"
    assert item["line"] is not None
    assert len(item["details"]) == 1
    assert item["details"][0].startswith("~ ")
    assert found.exit_code == 0
    assert found.report["environments"] == ["production", "staging"]


def test_without_keys_it_says_what_it_could_not_see(repository, reviewed, cli):
    assert cli("set", STAGING, "stringData.password", "--generate", "password:32").exit_code == 0
    found = reviewed("--no-keys")
    assert found.only("values-changed")["details"][0].startswith("? ")
    assert "--no-keys" in found.report["unseen"][0]


def test_somebody_new_is_a_recipient(repository, reviewed, cli):
    assert cli("rotate", STAGING, "--age", MALLORY, "--accept-recipients").exit_code in (0, 2)
    replace(repository / ".sops.yaml", "  - &bob age1wxj", f"  - &mallory {MALLORY}\n  - &bob age1wxj")
    replace(repository / ".sops.yaml", "          - *bob\n", "          - *bob\n          - *mallory\n", 2)
    assert cli("recipients", "sync", STAGING).exit_code == 0
    found = reviewed()
    gained = found.only("access-gained")
    assert gained["severity"] == "high"
    assert "mallory (age1lgg" in gained["title"]
    assert gained["environments"] == ["staging"]
    assert found.exit_code == 1
    assert {item["severity"] for item in found.of("rules-changed")} == {"high"}
    assert {name for item in found.of("rules-changed") for name in item["environments"]} == {"staging"}
    assert found.only("public-key-changed")["severity"] == "medium"
    (row,) = found.report["access"]
    assert row["environment"] == "staging"
    assert row["recipient"] == MALLORY
    assert row["gained"] == [STAGING]


def test_somebody_is_removed(repository, reviewed, cli):
    assert cli("recipients", "remove", "bob", "--yes").exit_code == 0
    found = reviewed()
    lost = found.of("access-lost")
    assert lost
    assert all("bob can't read" in item["title"] for item in lost)
    assert all("`fluxsecrets recipients report bob`" in item["hint"] for item in lost)
    assert all(item["path"] not in item["details"] for item in lost)
    assert found.of("data-key-kept") == []
    assert found.exit_code == 0


def test_plain_text_is_critical(repository, reviewed):
    (repository / "apps/observability/overlays/staging/new-secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: new, namespace: a}\n"
        "stringData:\n  password: k3Jd9s-planted-2nd8xQ\n"
    )
    found = reviewed()
    item = found.of("plain-text")[0]
    assert item["severity"] in ("critical", "high")
    assert "k3Jd9s" not in found.text
    assert found.exit_code == 1


def test_plain_text_that_a_later_commit_removes_is_in_history(repository, reviewed, git):
    path = repository / "apps/new-secret.yaml"
    path.write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: new}\nstringData: {password: k3Jd9s-planted-2nd8xQ}\n"
    )
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "oops")
    path.unlink()
    found = reviewed()
    assert "in commit" in found.of("plain-text")[0]["title"]


def test_a_decrypted_file(repository, reviewed, cli):
    assert cli("decrypt", "-i", STAGING).exit_code == 0
    found = reviewed()
    assert found.of("plain-text")
    assert all(
        "the file was encrypted before this change" in item["details"] for item in found.of("plain-text")
    )
    assert found.exit_code == 1


def test_a_change_can_not_excuse_itself(repository, reviewed):
    (repository / ".fluxsecrets.yaml").write_text(
        "allow:\n- {rule: plain-secret, path: '**', reason: it is fine}\n"
    )
    (repository / "apps/new-secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: new}\nstringData: {password: k3Jd9s-planted-2nd8xQ}\n"
    )
    found = reviewed()
    assert found.only("settings-loosened")["title"] == "plain-secret is allowed in **: it is fine"
    assert found.of("excuse-added")[0]["severity"] == "high"
    assert found.exit_code == 1


def test_settings_that_can_not_be_read_fail(repository, reviewed):
    (repository / ".fluxsecrets.yaml").write_text("allow: 7\n")
    found = reviewed()
    assert found.only("settings-loosened")["severity"] == "high"
    assert found.only("not-scanned")["path"] == ".fluxsecrets.yaml"
    assert found.exit_code == 1


def test_a_file_that_nothing_decrypts_any_more(repository, reviewed):
    for name in ("apps.yaml",):
        path = repository / "clusters/staging" / name
        text = path.read_text()
        path.write_text(re.sub(r"(?m)^( *)decryption:\n(?:\1 +.*\n)+", "", text))
    found = reviewed()
    assert {"flux-breaks", "decryption-lost"} & set(found.kinds)
    assert found.exit_code == 1


def test_a_file_that_no_environment_applies_any_more(repository, reviewed):
    replace(
        repository / "apps/observability/overlays/staging/kustomization.yaml", "  - grafana-admin.yaml\n", ""
    )
    found = reviewed()
    item = found.only("environment-left")
    assert item["path"] == GRAFANA
    assert item["environments"] == ["staging"]


def test_a_secret_is_deleted(repository, reviewed):
    replace(
        repository / "apps/observability/overlays/staging/kustomization.yaml", "  - grafana-admin.yaml\n", ""
    )
    (repository / GRAFANA).unlink()
    found = reviewed()
    assert found.only("secret-removed")["path"] == GRAFANA
    assert found.of("environment-left") == []


def test_a_file_changed_by_hand(repository, reviewed):
    path = repository / STAGING
    text = path.read_text()
    first, second = re.findall(r"ENC\[AES256_GCM[^\]]+\]", text)[:2]
    path.write_text(text.replace(first, second, 1))
    found = reviewed()
    assert found.only("file-damaged")["severity"] == "high"


def test_conflict_markers(repository, reviewed):
    path = repository / STAGING
    text = path.read_text()
    path.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    found = reviewed()
    assert found.only("conflict-markers")["line"] == 1
    assert found.of("file-damaged") == found.of("not-scanned") == []


def test_the_same_value_in_two_environments(repository, reviewed, cli):
    for path in (STAGING, PRODUCTION):
        assert cli("set", path, "stringData.password", "k3Jd9s-planted-2nd8xQ").exit_code == 0
    found = reviewed()
    item = found.only("value-shared")
    assert item["severity"] == "high"
    assert "k3Jd9s" not in found.text


def test_a_value_that_another_environment_had_before(repository, reviewed, cli):
    value = cli("get", PRODUCTION, "stringData.password").stdout.strip()
    assert cli("set", STAGING, "stringData.password", value).exit_code == 0
    item = reviewed().only("value-shared")
    assert item["environments"] == ["staging"]
    assert "production" in item["title"]


def test_a_selector_that_encrypts_less(repository, reviewed):
    replace(
        repository / ".sops.yaml", "encrypted_regex: ^(data|stringData)$", "encrypted_regex: ^nothing$", 3
    )
    found = reviewed()
    assert {item["severity"] for item in found.of("rules-changed")} == {"high"}


def test_a_rule_that_no_longer_matches(repository, reviewed):
    replace(repository / ".sops.yaml", "path_regex: ^(infrastructure-k8s|", "path_regex: ^(infrastructure|")
    item = reviewed().only("rule-lost")
    assert item["severity"] == "high"
    assert "infrastructure-k8s/storage/proxmox-csi-secret.yaml" in item["details"]


def test_a_name_with_another_key(repository, reviewed):
    (repository / "keys/bob.pub").write_text(f"{MALLORY}\n")
    replace(
        repository / ".sops.yaml",
        "&bob age1wxj77awlfm7gpnmyywgm75qdqyqxkrpqzddwacflkp3lrmftvfxqk67y8k",
        f"&bob {MALLORY}",
    )
    found = reviewed()
    item = found.only("public-key-changed")
    assert item["severity"] == "high"
    assert item["path"] == "keys/bob.pub"


def test_ci_that_checks_nothing_any_more(repository, reviewed, git):
    workflow = repository / ".github/workflows/secrets.yaml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("jobs:\n  scan:\n    steps:\n    - run: fluxsecrets scan\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "ci")
    git(repository, "branch", "--force", "main")
    workflow.write_text("jobs: {}\n")
    item = reviewed().only("guard-removed")
    assert item["severity"] == "high"
    assert item["path"] == ".github/workflows/secrets.yaml"


def test_what_is_staged_and_what_is_in_the_work_tree(repository, cli, git):
    assert cli("set", STAGING, "stringData.password", "--generate", "password:32").exit_code == 0
    assert Reviewed(cli("review", "--format", "json", "--staged")).report["items"] == []
    assert Reviewed(cli("review", "--format", "json", "--uncommitted")).kinds == ["values-changed"]
    git(repository, "add", "--all")
    found = Reviewed(cli("review", "--format", "json", "--staged"))
    assert found.kinds == ["values-changed"]
    assert found.report["head"] == "the index"


def test_one_source_at_a_time(repository, cli):
    assert cli("review", "--staged", "HEAD").exit_code == 2


def test_fail_on(repository, reviewed, cli):
    assert cli("set", STAGING, "stringData.password", "--generate", "password:32").exit_code == 0
    assert reviewed("--fail-on", "low").exit_code == 1
    assert cli("review", "--fail-on", "never").exit_code == 0


def test_anchors_stay_when_lines_move(repository, reviewed, cli):
    assert cli("set", STAGING, "stringData.password", "--generate", "password:32").exit_code == 0
    before = [item["anchor"] for item in reviewed().report["items"]]
    path = repository / STAGING
    (repository / "other.txt").write_text("x")
    path.write_text("# a comment\n" + path.read_text())
    assert [item["anchor"] for item in reviewed().report["items"]] == before


def test_outside_of_a_repository(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("review").exit_code == 2


def test_a_nested_file_of_rules_takes_files_away(repository, reviewed):
    rule = re.search(
        r"(?m)^  - path_regex: \^\(clusters/staging\|.*\n", (repository / ".sops.yaml").read_text()
    )[0]
    (repository / "apps/cloudnative-pg/.sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: .*\n    age: {MALLORY}\n"
    )
    assert "staging" in rule
    found = reviewed()
    item = found.only("rules-changed")
    assert item["severity"] == "high"
    assert item["path"] == "apps/cloudnative-pg/.sops.yaml"
    lost = found.of("rule-lost")
    assert {each["severity"] for each in lost} == {"high"}
    assert {path for each in lost for path in each["details"]} == {STAGING, PRODUCTION}


def test_a_file_that_is_moved_and_edited_is_one_file(repository, reviewed, cli, git):
    new = STAGING.replace("secrets.yaml", "database.yaml")
    git(repository, "mv", STAGING, new)
    replace(
        repository / STAGING.replace("secrets.yaml", "kustomization.yaml"), "secrets.yaml", "database.yaml"
    )
    assert cli("set", new, "stringData.password", "--generate", "password:32").exit_code == 0
    found = reviewed()
    assert found.kinds == ["secret-moved", "values-changed"]
    assert found.only("values-changed")["path"] == new
    moved = found.only("secret-moved")
    assert (moved["title"], moved["severity"], moved["hint"]) == (f"moved from {STAGING}", "low", None)


def test_a_secret_moved_to_another_environment(repository, reviewed, git):
    new = PRODUCTION.replace("secrets.yaml", "from-staging.yaml")
    git(repository, "mv", STAGING, new)
    moved = reviewed().only("secret-moved")
    assert moved["path"] == new
    assert moved["severity"] == "medium"
    assert moved["environments"] == ["production", "staging"]
    assert f"moved from {STAGING}: bob, cluster-staging can read it" in moved["title"]
    assert "cluster-production can't read it" in moved["title"]


def test_a_new_file_for_those_whom_its_rule_names_gives_nobody_more(repository, reviewed, cli):
    new = STAGING.replace("secrets.yaml", "new.yaml")
    text = "kind: Secret\napiVersion: v1\nmetadata:\n  name: new\nstringData:\n  password: correct-horse\n"
    (repository / new).write_text(text)
    assert cli("encrypt", new).exit_code == 0
    found = reviewed()
    assert found.only("secret-added")["path"] == new
    assert found.report["access"] == []
    assert found.of("access-gained") == []


def test_values_that_are_only_encrypted_anew_are_counted(repository, reviewed, cli):
    assert cli("rotate", STAGING).exit_code == 0
    rotated = reviewed().only("values-changed")
    assert rotated["title"].endswith(" values encrypted anew")
    assert rotated["details"] == []


def test_a_new_file_for_somebody_whom_its_rule_does_not_name(repository, reviewed, cli):
    alice, bob = (
        (repository / f"keys/{name}.pub").read_text().split("\n")[-2].strip() for name in ("alice", "bob")
    )
    new = PRODUCTION.replace("secrets.yaml", "more.yaml")
    (repository / new).write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: more}\nstringData: {password: k3Jd9s-2nd8xQ}\n"
    )
    assert cli("encrypt", new, "--age", f"{alice},{bob}").exit_code in (0, 2)
    assert "sops" in (repository / new).read_text()
    item = reviewed().only("access-gained")
    assert item["severity"] == "medium"
    assert item["title"] == "bob can read 1 new file"


def test_access_in_a_commit_in_between(repository, reviewed, cli, git):
    before = (repository / STAGING).read_text()
    rules = (repository / ".sops.yaml").read_text()
    replace(repository / ".sops.yaml", "          - *bob\n", f"          - *bob\n          - {MALLORY}\n", 2)
    assert cli("recipients", "sync", STAGING).exit_code == 0
    git(repository, "commit", "--quiet", "--all", "--message", "add")
    (repository / STAGING).write_text(before)
    (repository / ".sops.yaml").write_text(rules)
    found = reviewed()
    assert found.kinds == ["access-in-between"]
    assert found.only("access-in-between")["severity"] == "high"


def test_a_sealed_secret_with_a_wider_scope(repository, reviewed):
    path = repository / "apps/observability/overlays/staging/grafana-oauth-sealed.yaml"
    replace(
        path, "metadata:\n", 'metadata:\n  annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}\n', 1
    )
    item = reviewed().only("sealed-scope-widened")
    assert item["severity"] == "high"
    assert item["environments"] == ["staging"]


def test_an_external_secret_from_another_place(repository, reviewed):
    path = repository / "apps/observability/overlays/production/grafana-oauth-external.yaml"
    text = path.read_text()
    key = re.search(r"key: (\S+)", text)[1]
    path.write_text(text.replace(key, "other/team"))
    item = reviewed().only("external-moved")
    assert item["environments"] == ["production"]
    assert all("other/team" in line for line in item["details"])


def test_a_link_in_place_of_a_secret_is_not_passed_over(repository, reviewed):
    (repository / STAGING).unlink()
    (repository / STAGING).symlink_to("kustomization.yaml")
    found = reviewed()
    assert found.only("secret-removed")["path"] == STAGING
    assert any("link" in text for text in found.report["unseen"])


def test_nobody_borrows_the_name_of_another_key(repository, reviewed, cli):
    (repository / "keys/cluster-staging.pub").write_text(f"{MALLORY}\n")
    replace(repository / ".sops.yaml", "          - *bob\n", f"          - *bob\n          - {MALLORY}\n", 2)
    assert cli("recipients", "sync", STAGING).exit_code == 0
    found = reviewed()
    assert "cluster-staging" not in found.only("access-gained")["title"]
    assert "cluster-staging" not in found.report["access"][0]["who"]
    assert found.only("public-key-changed")["severity"] == "high"


def test_proposals_name_their_keys_and_what_they_remove(repository, reviewed, cli):
    assert cli("propose", GRAFANA, "admin-password", "--generate", "password:32").exit_code == 0
    assert cli("propose", GRAFANA, "admin-user", "--remove").exit_code == 0
    found = reviewed()
    assert found.only("secret-added")["title"].startswith("a proposal for admin-password, which Flux applies")
    removed = found.only("value-removed")
    assert (removed["title"], removed["severity"]) == ("a patch removes admin-user", "medium")
    assert removed["environments"] == ["staging"]
    assert removed["object"] == "Secret/observability/grafana-admin"


@pytest.mark.parametrize(
    ("patch", "title"),
    [
        ("data: {admin-user: null}", "a patch removes admin-user"),
        ("$patch: delete", "a patch removes the whole Secret"),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_a_patch_that_removes_values_is_seen(repository, reviewed, patch, title, inline):
    kustomization = repository / GRAFANA.replace("grafana-admin.yaml", "kustomization.yaml")
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: grafana-admin}}\n{patch}\n"
    lines = "".join(f"      {line}\n" for line in text.splitlines())
    entry = f"  - patch: |\n{lines}" if inline else "  - path: less.yaml\n"
    kustomization.write_text(f"{kustomization.read_text()}patches:\n{entry}")
    if not inline:
        (kustomization.parent / "less.yaml").write_text(text)
    assert reviewed().only("value-removed")["title"] == title
