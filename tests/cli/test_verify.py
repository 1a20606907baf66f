"""`fluxsecrets verify`."""

import json
import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from audit_tree import CLUSTER, RULES, cluster, encrypted, kustomization, repository, secret, write
from fluxsecrets.cli.output import Output
from fluxsecrets.ops.checks.verify import verify
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.verify import FORMATS

CASES = Path(__file__).parents[1] / "audit" / "cases"


@pytest.fixture
def made(tmp_path, act_as, monkeypatch):
    """Writes a case, and makes the test be alice in it."""

    def made(case):
        write(tmp_path, case.files)
        monkeypatch.chdir(tmp_path)
        act_as("alice")
        return tmp_path

    return made


def problems(cli, *args):
    """What is wrong, by file; and the verdicts."""
    found = json.loads(cli("verify", "--env", "staging", "--format", "json", *args).stdout)
    return {
        item["path"].rpartition("/")[2]: (item["verdict"], item["problem"])
        for item in found["items"]
        if item["problem"] is not None
    }


def rows(cli):
    return json.loads(cli("verify", "--env", "staging", "--format", "json").stdout)["items"]


def test_the_example_comes_out_as_it_was_meant(waddle, cli, snapshot):
    assert cli("encrypt").exit_code == 0
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 0
    shown = re.sub(r":\d+ +", ":N ", result.stdout)  # how long a block of recipients is can differ
    assert f"{shown}---\n{result.stderr}" == snapshot


def test_a_plain_secret_is_not_what_was_meant(waddle, cli):
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert "plain Secret" in result.stdout
    assert "throwaway" not in result.stdout
    counts = "48 applied, 13 plain Secret, 1 sealed; 13 need attention"
    assert result.stderr.splitlines()[1:] == [f"staging: 12 Kustomizations; {counts}"]


def test_lines_are_broken_at_words_at_a_terminal(waddle, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("NO_COLOR", "1")
    Output().show(FORMATS["text"](verify(Session({}, waddle), "staging"), False, "1"))
    shown, messages = capsys.readouterr()
    assert all(len(line) <= 70 for line in (shown + messages).splitlines())
    assert "\nflux-system/cloudnative-pg     applied\n        apps/cloudnative-pg/overlays/staging\n" in shown
    place = "  apps/spicedb/overlays/staging/registry.json:2"
    rest = "      Secret spicedb/waddle-registry   plain Secret"
    assert f"{place}\n{rest}\n" in shown
    assert [line[:2] for line in messages.splitlines()] == ["st", "  ", "st", "  "]


def test_what_is_applied_as_it_is_can_be_seen(waddle, cli):
    assert "Cluster databases/postgres" not in cli("verify", "--env", "staging").stdout
    assert "Cluster databases/postgres" in cli("verify", "--env", "staging", "--all").stdout


def test_what_flux_would_not_decrypt(made, cli, snapshot):
    made(runpy.run_path(str(CASES / "ciphertext_applied.py"))["TRIGGERS"])
    assert problems(cli) == snapshot
    assert cli("verify", "--env", "staging").exit_code == 1


def test_nothing_is_decrypted_without_being_told(made, cli):
    made(repository(files=cluster(decryption=False)))
    # `sops` drops out of a Secret, and what is left is valid.
    reason = "Secret 'db' gets the ciphertext of 'data.password': the Kustomization has no spec.decryption"
    assert problems(cli) == {"db.yaml": ("ciphertext", reason)}


def test_whose_key_it_is_is_known(made, cli):
    made(repository(files={"clusters/staging/other.yaml": encrypted(secret("other"), "alice", "bob")}))
    verdict, reason = problems(cli)["other.yaml"]
    assert (verdict, reason.endswith("none of the cluster's keys opens it")) == ("fails", True)
    (own,) = (each for each in rows(cli) if each["path"].endswith("db.yaml"))
    assert (own["verdict"], own["keys"]) == ("not applied", ["cluster-staging"])


def test_nothing_of_a_kustomization_that_fails_is_said_to_be_applied(made, cli):
    made(repository(files={"clusters/staging/other.yaml": encrypted(secret("other"), "alice", "bob")}))
    assert {each["verdict"] for each in rows(cli)} == {"fails", "not applied"}
    shown = cli("verify", "--env", "staging").stdout
    assert ("   not applied\n" in shown, "decrypted   by Flux" in shown) == (True, False)


def test_secrets_in_plain_text_have_one_hint(waddle, cli):
    shown = cli("verify", "--env", "staging").stdout
    assert shown.count("in plain text") == 1
    hint = "13 Secrets are in plain text in the repository: run `fluxsecrets encrypt --env staging`\n"
    assert shown.endswith(hint)


def test_a_plain_secret_that_flux_would_not_decrypt_needs_more_than_encryption(made, cli):
    made(repository(files={**cluster(decryption=False), "clusters/staging/db.yaml": secret()}))
    shown = cli("verify", "--env", "staging").stdout
    assert "before that, let Flux decrypt them: set `spec.decryption` in flux-system/" in shown


def test_values_that_are_not_opened_are_counted_where_flux_looks_at_them(made, cli):
    sync = kustomization("flux-system", "clusters/staging", more="postBuild: {substitute: {A: b}}")
    path = made(repository()) / "clusters/staging/flux-system/gotk-sync.yaml"
    path.write_text(path.read_text().partition("---\n")[0] + "---\n" + sync)
    told = "; 1 encrypted value was not opened: whether it holds ${…} is not known\n"
    assert cli("verify", "--env", "staging", "--no-keys").stderr.endswith(f"nothing is wrong{told}")
    assert told not in cli("verify", "--env", "staging").stderr
    found = json.loads(cli("verify", "--no-keys", "--format", "json").stdout)
    assert (found["summary"]["unopened"], found["summary"]["unknown"]) == (1, 0)


def keyless(**options):
    """A repository in which nothing says which key the cluster has."""
    case = repository()
    files = {path: content for path, content in case.files.items() if path != "keys/cluster-staging.pub"}
    rules = RULES.replace("encrypted_regex", "path_regex: ^clusters/staging/\n    encrypted_regex")
    return replace(case, files={**files, ".sops.yaml": rules, **options})


def test_without_a_known_key_it_cannot_be_told_whether_the_cluster_reads_it(made, cli):
    made(keyless())
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert "cannot tell   with Secret sops-age" in result.stdout
    assert "cannot tell whether the cluster of staging can read 1 file" in result.stderr
    assert "3 applied; 1 cannot be told" in result.stderr
    found = json.loads(cli("verify", "--env", "staging", "--format", "json").stdout)
    (key,) = found["no_cluster_key"]
    assert (key["environment"], key["files"], key["shared_rules"]) == ("staging", 1, [])
    assert (found["summary"]["wrong"], found["summary"]["unknown"]) == (0, 1)


def test_the_steps_for_a_cluster_without_a_key_work_as_printed(made, cli, git):
    git(made(keyless()), "init", "--quiet")
    printed = cli("verify", "--env", "staging").stderr
    commands = re.findall(r"`fluxsecrets ([^`]+)`", printed)
    assert [command.split()[0] for command in commands] == ["keys", "recipients"]
    for command in commands:
        result = cli(*command.split())
        assert result.exit_code == 0, result.stderr
    result = cli("verify", "--env", "staging")
    assert (result.exit_code, "decrypted   by Flux with cluster-staging" in result.stdout) == (0, True)
    (last,) = re.findall(r"fluxsecrets (keys cluster-secret [^|]+) \|", printed)
    assert "cluster-staging.agekey" in cli(*last.split()).stdout


def test_the_settings_may_say_which_key_it_is(made, cli):
    settings = f"environments:\n  staging:\n    cluster_recipients: [{CLUSTER}]\n"
    made(keyless(**{".fluxsecrets.yaml": settings}))
    assert cli("verify", "--env", "staging").exit_code == 0


def test_a_rule_that_others_follow_is_named_first(made, cli):
    production = {**cluster("production"), "clusters/production/db.yaml": encrypted(secret())}
    made(keyless(**production, **{".sops.yaml": RULES}))
    assert "(.sops.yaml:2 is for other files, too)" in cli("verify", "--env", "staging").stderr


def test_a_value_that_flux_would_change(made, cli):
    made(runpy.run_path(str(CASES / "value_substituted.py"))["TRIGGERS"])
    verdict, reason = problems(cli)["db.yaml"]
    assert (verdict, reason.endswith("variable not set (strict mode) in stringData.password")) == (
        "fails",
        True,
    )
    assert problems(cli, "--no-keys") == {}


def test_a_changed_file(made, cli):
    def without_user(text):
        return re.sub(r"  user: [^\n]*\n", "", text)

    case = runpy.run_path(str(CASES / "file_changed.py"))
    values = case["VALUES"]
    removed = {"clusters/staging/removed.yaml": encrypted(secret("r", values=values), then=without_user)}
    made(case["TRIGGERS"].changed(removed))
    found = problems(cli)
    assert found["db.yaml"][0] == "fails"
    assert "message authentication failed" in found["db.yaml"][1]
    assert found["more.yaml"][0] == "fails"
    assert "Input string <redacted> does not match" in found["more.yaml"][1]
    # Flux does not check the MAC, and applies what is left.
    (removed,) = (each for each in rows(cli) if each["path"].endswith("removed.yaml"))
    assert (removed["verdict"], removed["behaviour"]) == ("not applied", "mac-not-checked")
    assert "the MAC does not match" in found["removed.yaml"][1]


def test_a_broken_manifest_stops_flux(made, cli):
    made(repository(files={"clusters/staging/broken.yaml": "a: [\n"}))
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert re.search(r"flux-system/flux-system +fails", result.stdout)
    assert "clusters/staging/broken.yaml" in result.stdout


def test_what_a_patch_puts_into_an_encrypted_secret(made, cli):
    patch = (
        "patches: [{target: {kind: Secret}, patch: "
        '"- {op: add, path: /stringData/more, value: throwaway}"}]\n'
    )
    made(
        repository(
            files={
                "clusters/staging/apps.yaml": kustomization("apps", "apps", more=patch),
                "apps/secret.yaml": encrypted(secret("patched")),
            }
        )
    )
    verdict, reason = problems(cli)["secret.yaml"]
    assert (verdict, "Input string <redacted> does not match" in reason) == ("fails", True)
    (outcome,) = json.loads(cli("verify", "--format", "json").stdout)["kustomizations"][1]["outcomes"]
    assert outcome["hint"].startswith("encrypt stringData.more")
    assert outcome["path"] == "clusters/staging/apps.yaml"


def test_an_environment_must_be_there(made, cli):
    made(repository())
    assert "staging" in cli("verify", "--env", "stagin").stderr
    assert cli("verify", "--env", "stagin").exit_code == 2


def test_without_any_environment_nothing_can_be_said(tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no environment" in result.stderr


def test_by_default_all_environments_are_looked_at(made, cli):
    made(repository(files=cluster("production")))
    found = json.loads(cli("verify", "--format", "json").stdout)
    assert found["environments"] == ["production", "staging"]
    assert [each["environment"] for each in found["kustomizations"]] == ["production", "staging"]
    text = cli("verify")
    assert text.stdout.startswith("production\n")
    assert [line.partition(":")[0] for line in text.stderr.splitlines()][-2:] == ["production", "staging"]


SUSPENDED = kustomization("apps", "apps").replace("  path:", "  suspend: true\n  path:")
ACCEPT = """verify:
  accept:
    - {kustomization: %s, behaviour: %s, reason: "it is being moved"%s}
"""


def suspended(accept=""):
    """A repository with a Kustomization of which it cannot be told what Flux does."""
    files = {"clusters/staging/apps.yaml": SUSPENDED, "apps/a.yaml": "# nothing\n"}
    return repository(files={**files, **({".fluxsecrets.yaml": accept} if accept else {})})


def test_what_cannot_be_told_is_never_called_right(made, cli):
    made(suspended())
    result = cli("verify", "--env", "staging")
    assert "nothing is wrong" not in result.stderr
    assert "1 cannot be told" in result.stderr
    assert re.search(
        r"flux-system/apps +cannot be told +apps\n    clusters/staging/apps.yaml:6: ", result.stdout
    )
    assert (result.exit_code, cli("verify", "--strict").exit_code) == (0, 1)


@pytest.mark.parametrize("name", ["flux-system/apps", "apps", '"*/app*"'])
def test_the_team_accepts_what_it_knows_of(made, cli, name):
    made(suspended(ACCEPT % (name, "suspended", "")))
    result = cli("verify", "--strict")
    assert (result.exit_code, "warning" in result.stderr) == (0, False)
    assert "(accepted: it is being moved)" in result.stdout
    assert "nothing else is wrong" not in result.stdout
    assert "nothing else is wrong, 1 accepted" in result.stderr
    found = json.loads(cli("verify", "--strict", "--format", "json").stdout)
    (outcome,) = [each for item in found["kustomizations"] for each in item["outcomes"]]
    assert outcome["accepted"] == "it is being moved"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (("apps", "remote-base", ""), "has no effect"),
        (("other", "suspended", ""), "has no effect"),
        (("apps", "suspended", ", expires: 2020-01-31"), "expired on 2020-01-31"),
    ],
)
def test_an_acceptance_without_effect_is_reported(made, cli, entry, problem):
    made(suspended(ACCEPT % entry))
    result = cli("verify", "--strict")
    assert result.exit_code == 1
    assert f"warning: .fluxsecrets.yaml:3: accepting {entry[1]} in '{entry[0]}' {problem}" in result.stderr


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{kustomization: apps, behaviour: suspended}", "reason"),
        ("{kustomization: apps, behaviour: Not a name, reason: x}", "is not the name of a behaviour"),
        ("{kustomization: ../apps, behaviour: suspended, reason: x}", ".fluxsecrets.yaml:3"),
        ("{kustomization: apps, behavior: suspended, reason: x}", "has no key 'behavior'"),
    ],
)
def test_an_acceptance_that_is_wrong_is_an_error(made, cli, entry, message):
    made(suspended(f"verify:\n  accept:\n    - {entry}\n"))
    result = cli("verify")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.parametrize("format_", ["sarif", "junit", "github", "gitlab", "codequality", "markdown"])
def test_ci_systems_show_it_beside_the_lines(made, cli, format_):
    made(suspended())
    result = cli("verify", "--strict", "--format", format_)
    assert result.exit_code == 1
    assert "suspended" in result.stdout
    assert "clusters/staging/apps.yaml" in result.stdout


def test_plain_secrets_of_an_environment_are_one_annotation(waddle, cli):
    result = cli("verify", "--env", "staging", "--format", "github")
    assert result.exit_code == 1
    [only] = [line for line in result.stdout.splitlines() if line.startswith("::error")]
    assert "13 Secrets of staging are in plain text" in only
    assert "`fluxsecrets encrypt --env staging`" in only


def test_the_report_may_go_to_a_file(made, cli):
    root = made(suspended())
    result = cli("verify", "-o", "verdicts.json", "--format", "json")
    assert result.stdout == ""
    assert json.loads((root / "verdicts.json").read_text())["command"] == "verify"


@pytest.mark.parametrize(
    ("settings", "args", "verdict"),
    [
        ("", (), "fails"),
        ("", ("--flux-version", "2.8"), "applied"),
        ('environments: {staging: {flux_version: "2.8.6"}}\n', (), "applied"),
        ('environments: {staging: {flux_version: "2.8.6"}}\n', ("--flux-version", "v2.9.1"), "fails"),
    ],
)
def test_an_unset_variable_depends_on_the_version(
    settings, args, verdict, tmp_path, monkeypatch, act_as, cli
):
    apps = kustomization("apps", "apps", more="postBuild: {substitute: {A: a}}")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\ndata: {k: '${B}x'}\n"
    files = {**cluster("staging"), "clusters/staging/apps.yaml": apps, "apps/c.yaml": text}
    write(tmp_path, {**files, **({".fluxsecrets.yaml": settings} if settings else {})})
    monkeypatch.chdir(tmp_path)
    act_as("alice")
    found = json.loads(cli("verify", "--env", "staging", "--format", "json", *args).stdout)
    assert {each["name"]: each["verdict"] for each in found["kustomizations"]}["apps"] == verdict


def test_what_is_not_a_version(cli):
    assert "is not a version of Flux" in cli("verify", "--flux-version", "newest").stderr


def test_a_source_that_a_script_makes(tmp_path, monkeypatch, act_as, cli):
    build = "postBuild: {substituteFrom: [{kind: Secret, name: vars}]}"
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: apps}\ndata: {k: '${B}x'}\n"
    apps = kustomization("apps", "apps", more=build)
    write(tmp_path, {**cluster("staging"), "clusters/staging/apps.yaml": apps, "apps/c.yaml": text})
    monkeypatch.chdir(tmp_path)
    act_as("alice")

    def verdict():
        found = json.loads(cli("verify", "--env", "staging", "--format", "json").stdout)
        return {each["name"]: each["verdict"] for each in found["kustomizations"]}["apps"]

    assert verdict() == "fails"
    write(tmp_path, {"bootstrap.sh": "kubectl create secret generic vars --from-literal B=b\n"})
    assert verdict() == "unknown"
    entry = "{kind: Secret, namespace: flux-system, name: vars, keys: [B]}"
    write(tmp_path, {".fluxsecrets.yaml": f"environments: {{staging: {{in_cluster: [{entry}]}}}}\n"})
    assert verdict() == "applied"


def test_a_component_that_several_kustomizations_apply_under_names_of_their_own(made, cli):
    def app(name, variable):
        more = f'components: [../component]\npostBuild: {{substitute: {{APP: "{variable}"}}}}'
        return {
            f"clusters/staging/{name}.yaml": kustomization(name, f"apps/{name}", more=more),
            f"apps/{name}/kustomization.yaml": "namespace: apps\nresources: []\n",
        }

    component = {
        "apps/component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        "kind: Component\nresources: [c.yaml]\n",
        "apps/component/c.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "${APP}-c"}\n'
        'data: {app: "${APP}", more: "${MORE:=x}"}\n',
    }
    root = made(repository(files={**component, **app("one", "one"), **app("two", "two")}))
    assert cli("verify", "--strict").exit_code == 0
    other = app("two", "one")["clusters/staging/two.yaml"].replace("APP:", "MORE: other, APP:")
    (root / "clusters/staging/two.yaml").write_text(other, encoding="utf-8")
    result = cli("verify")
    assert result.exit_code == 1, result.stdout
    assert "one-c is applied by flux-system/" in result.stdout
