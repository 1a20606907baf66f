"""`fluxsecrets audit`."""

import json

import pytest

from audit_tree import BOB, encrypted, pod, repository, secret, write

BROKEN = {
    "keys/bob.pub": f"{BOB}\n",
    "clusters/staging/db.yaml": encrypted(secret(), "alice", "bob", "cluster"),  # recipient-drift: high
    "clusters/staging/plain.yaml": secret("plain"),  # plain-secret: high, and secret-unused: low
    "clusters/staging/web.yaml": pod("web", uses="gone"),  # reference-missing: medium
}


@pytest.fixture
def broken(tmp_path, act_as, monkeypatch, git):
    """A repository with a few findings, as alice has it."""
    return _repository(tmp_path, repository(files=BROKEN), act_as, monkeypatch, git)


@pytest.fixture
def clean(tmp_path, act_as, monkeypatch, git):
    """A repository without any."""
    return _repository(tmp_path, repository(), act_as, monkeypatch, git)


def _repository(root, case, act_as, monkeypatch, git):
    write(root, case.files)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")
    monkeypatch.chdir(root)
    act_as("alice")
    return root


def rules(cli, *args):
    """The rules that found something."""
    return sorted(
        item["rule"] for item in json.loads(cli("audit", "--format", "json", *args).stdout)["findings"]
    )


def test_nothing_to_say(clean, cli):
    result = cli("audit")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "nothing found; 1 secret file judged\n"


def test_findings_by_file_the_worst_first(broken, cli, snapshot):
    result = cli("audit")
    assert result.exit_code == 1
    assert f"{result.stdout}---\n{result.stderr}" == snapshot
    assert "hunter2" not in result.stdout + result.stderr


def test_the_example_is_clean_once_it_is_encrypted(waddle, cli):
    before = cli("audit", "--format", "json")
    assert before.exit_code == 1
    assert {item["rule"] for item in json.loads(before.stdout)["findings"]} == {
        "plain-secret",
        "plain-secret-file",
    }
    assert cli("encrypt").exit_code == 0
    after = cli("audit")
    assert (after.exit_code, after.stdout) == (0, "")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--rule", "reference-missing"), 0),
        (("--rule", "reference-missing", "--fail-on", "medium"), 1),
        (("--rule", "recipient-drift"), 1),
        (("--rule", "recipient-drift", "--fail-on", "critical"), 0),
        (("--fail-on", "never"), 0),
        (("--rule", "no-such-rule"), 2),
        (("--env", "production"), 2),
        (("--baseline", "gone.json"), 2),
        (("--update-baseline", "--no-baseline"), 2),
    ],
    ids=str,
)
def test_exit_codes(broken, cli, args, code):
    assert cli("audit", *args).exit_code == code


def test_the_settings_say_from_where_on_it_fails(broken, cli):
    (broken / ".fluxsecrets.yaml").write_text("audit: {fail_on: critical}\n")
    assert cli("audit").exit_code == 0
    assert cli("audit", "--fail-on", "high").exit_code == 1
    (broken / ".fluxsecrets.yaml").write_text("audit: {fail-on: critical}\n")
    result = cli("audit")
    assert result.exit_code == 2
    assert ".fluxsecrets.yaml:1" in result.stderr


def test_what_scan_reports_can_be_left_out(broken, cli):
    def rules(*args):
        found = json.loads(cli("audit", "--format", "json", *args).stdout)
        return {each["rule"] for each in found["findings"]}

    scanned = {each["rule"] for each in json.loads(cli("scan", "--format", "json").stdout)["findings"]}
    assert rules("--no-scan") == rules() - scanned
    assert rules() & scanned
    assert rules("--no-scan")
    assert cli("audit", "--no-scan", "--rule", "recipient-drift").exit_code == 2


def test_less_severe_ones_can_be_left_out(broken, cli):
    assert rules(cli) == ["plain-secret", "recipient-drift", "reference-missing", "secret-unused"]
    assert rules(cli, "--severity", "medium") == ["plain-secret", "recipient-drift", "reference-missing"]
    assert rules(cli, "--severity", "critical") == []
    assert rules(cli, "--rule", "plain-secret", "--rule", "secret-unused") == [
        "plain-secret",
        "secret-unused",
    ]


def test_what_concerns_an_environment(broken, cli):
    write(broken, {"legacy/old.yaml": secret("old")})
    assert "legacy/old.yaml" in cli("audit").stdout
    result = cli("audit", "--env", "staging")
    assert "legacy/old.yaml" not in result.stdout
    assert "clusters/staging/plain.yaml" in result.stdout
    write(broken, {".sops.yaml": "creation_rules: {}\n"})
    assert "creation-rule-invalid" in rules(cli, "--env", "staging")


def test_a_near_name_is_suggested(broken, cli):
    assert "did you mean recipient-drift?" in cli("audit", "--rule", "recipient-drifts").stderr


def test_a_baseline_knows_what_was_there(broken, cli):
    result = cli("audit", "--update-baseline")
    assert (result.exit_code, result.stdout) == (0, "")
    assert ".fluxsecrets-baseline.json: 4 findings written" in result.stderr
    assert cli("audit").stdout == ""
    assert "4 more known to the baseline" in cli("audit").stderr
    assert cli("audit", "--no-baseline").exit_code == 1
    write(broken, {"clusters/staging/more.yaml": secret("more")})
    assert rules(cli) == ["plain-secret", "secret-unused"]
    (broken / "clusters/staging/plain.yaml").unlink()
    assert "2 of the baseline gone" in cli("audit").stderr
    assert cli("audit", "--rule", "recipient-drift").stderr.startswith(
        "nothing found; 2 secret files judged (1 more"
    )


def test_scan_and_audit_leave_each_other_in_a_baseline(broken, cli):
    write(broken, {"notes.env": "API_TOKEN=k3Jx9fQ2-throwaway-Lw8zR1\n"})
    assert cli("scan", "--update-baseline").exit_code == 0
    assert cli("audit", "--update-baseline").exit_code == 0
    assert cli("scan").exit_code == 0
    assert "gone" not in cli("scan").stderr
    assert cli("scan", "--update-baseline").exit_code == 0
    assert cli("audit").exit_code == 0
    assert "gone" not in cli("audit").stderr


def test_reasons_allow_and_their_end_is_told(broken, cli):
    (broken / ".fluxsecrets.yaml").write_text(
        "allow:\n"
        "  - {rule: recipient-drift, path: 'clusters/**', reason: until the move}\n"
        "  - {rule: plain-secret, path: 'clusters/**', reason: later, expires: 2020-01-31}\n"
        "  - {rule: data-key-old, path: 'clusters/**', reason: none is}\n"
    )
    web = broken / "clusters/staging/web.yaml"
    web.write_text(
        web.read_text().replace("name: gone}", "name: gone} # fluxsecrets:allow reference-missing — by hand")
    )
    result = cli("audit")
    assert rules(cli) == ["plain-secret", "secret-unused"]
    assert "2 allowed" in result.stderr
    assert (
        "warning: .fluxsecrets.yaml:3: this allowance of plain-secret expired on 2020-01-31" in result.stderr
    )
    assert "warning: .fluxsecrets.yaml:4: nothing is left for this allowance" in result.stderr


def test_without_keys_values_are_not_looked_at(broken, cli, environment, monkeypatch):
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    told = "the values in 1 encrypted file were not looked at: "
    assert f"{told}no identity at hand opens them" in cli("audit").stderr
    assert f"{told}--no-keys" in cli("audit", "--no-keys").stderr
    assert told not in cli("audit", "--rule", "recipient-drift").stderr, "which looks at no values"
    assert rules(cli) == rules(cli, "--no-keys")


def test_sarif(broken, cli):
    log = json.loads(cli("audit", "--format", "sarif").stdout)
    (run,) = log["runs"]
    found = {result["ruleId"]: result for result in run["results"]}
    assert set(found) == {"plain-secret", "recipient-drift", "reference-missing", "secret-unused"}
    described = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for name, result in found.items():
        assert described[result["ruleIndex"]] == name
    place = found["reference-missing"]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "clusters/staging/web.yaml"


def test_paths_count_from_where_one_is(broken, cli, monkeypatch):
    monkeypatch.chdir(broken / "clusters" / "staging")
    assert "\nplain.yaml\n" in cli("audit").stdout
    assert "fluxsecrets encrypt plain.yaml`" in cli("audit").stdout


@pytest.mark.parametrize(
    "content",
    [
        b"a: [",
        b"\xff\xfe\x00",
        b"kind: Secret\n\tx",
        b"kind: Secret\napiVersion: v1\nmetadata: {name: &a [*a]}\n",
    ],
)
def test_a_broken_manifest_is_told_of_and_nothing_falls_over(clean, cli, content):
    (clean / "clusters/staging/broken.yaml").write_bytes(content)
    result = cli("audit")
    assert result.exit_code in {0, 1}
    assert "clusters/staging/broken.yaml" in result.stdout + result.stderr


def test_outside_of_a_repository(tmp_path, cli, identity, monkeypatch):
    write(tmp_path, {"secret.yaml": secret()})
    monkeypatch.chdir(tmp_path)
    assert rules(cli) == ["plain-secret", "secret-uncovered"]


def test_rules_show_knows_the_audits_rules(cli):
    result = cli("rules", "show", "recipient-drift")
    assert result.stdout.startswith("recipient-drift: a file has other recipients than its rule, high\n")
    assert "secret-twice" in cli("rules", "list").stdout


def test_who_can_read_what(broken, cli):
    write(broken, {"legacy/old.sops.yaml": encrypted(secret("old"), "ssh_ed25519")})
    result = cli("audit", "--who")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["staging", "elsewhere"]
    assert sorted(row[-3:] for row in rows[1:-1]) == [
        ["alice", "all", "-"],
        ["bob", "all", "-"],
        ["cluster-staging", "all", "-"],
        [rows[4][-3], "-", "all"],
    ]
    assert rows[-1] == ["everybody,", "in", "plain", "text", "1", "-"]
    found = json.loads(cli("audit", "--who", "--format", "json").stdout)
    files = {person["name"]: person["files"] for person in found["people"]}
    assert files["bob"] == {"staging": ["clusters/staging/db.yaml"], "elsewhere": []}
    assert cli("audit", "--who", "--format", "sarif").exit_code == 2


def test_who_can_read_one_environment(waddle, cli):
    assert cli("encrypt").exit_code == 0
    found = json.loads(cli("audit", "--who", "--env", "staging", "--format", "json").stdout)
    assert list(found["encrypted"]) == found["environments"] == ["staging"]
    assert {person["name"] for person in found["people"]} >= {"alice", "bob", "cluster-staging"}
    production = next(person for person in found["people"] if person["name"] == "cluster-production")
    assert production["files"]["staging"]  # those that the two share
    assert len(production["files"]["staging"]) < len(found["encrypted"]["staging"])
    unknown = cli("audit", "--who", "--env", "stagin")
    assert unknown.exit_code == 2
    assert "did you mean staging?" in unknown.stderr


@pytest.mark.parametrize(
    "option", ["--range=a..b", "--rule=file-changed", "--fail-on=low", "--update-baseline"]
)
def test_who_can_read_what_refuses_options_about_findings(broken, cli, option):
    refused = cli("audit", "--who", option)
    assert refused.exit_code == 2
    assert f"{option.partition('=')[0]} does not apply" in refused.stderr


def test_only_what_commits_brought(broken, cli, git):
    git(broken, "branch", "before")
    write(broken, {"clusters/staging/more.yaml": secret("more")})
    git(broken, "add", "--all")
    git(broken, "commit", "--quiet", "--message", "more")
    write(broken, {"clusters/staging/later.yaml": secret("not-committed")})
    result = cli("audit", "--range", "before..HEAD", "--format", "json")
    assert result.exit_code == 1
    found = [(item["rule"], item["path"]) for item in json.loads(result.stdout)["findings"]]
    assert found == [
        ("secret-unused", "clusters/staging/more.yaml"),
        ("plain-secret", "clusters/staging/more.yaml"),
    ]
    assert rules(cli, "--range", "HEAD..HEAD") == []
    assert rules(cli, "--range", "HEAD") == []
    assert cli("audit", "--range", "nowhere..HEAD").exit_code == 2
    assert cli("audit", "--range", "--all").exit_code == 2
    assert cli("audit", "--range", "before", "--update-baseline").exit_code == 2


def test_a_range_begins_where_the_branches_part(broken, cli, git):
    git(broken, "branch", "topic")
    (broken / "clusters/staging/plain.yaml").unlink()
    git(broken, "commit", "--quiet", "--all", "--message", "mended")
    git(broken, "branch", "mended")
    git(broken, "checkout", "--quiet", "topic")
    assert rules(cli, "--range", "mended..topic") == []


def test_a_range_sees_what_the_mac_does_not(clean, cli, git):
    path = clean / "clusters/staging/db.yaml"
    path.write_text(path.read_text().replace("name: db", "title: db"))
    git(clean, "commit", "--quiet", "--all", "--message", "renamed")
    assert rules(cli) == ["kustomization-fails", "reference-missing"]
    assert rules(cli, "--range", "HEAD~1..HEAD") == ["keys-renamed", "reference-missing"]


def test_what_cannot_be_told_is_a_note(clean, cli):
    folder = clean / "clusters/staging/base"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [https://git.waddle.example/base?ref=v1]\n")
    found = json.loads(cli("audit", "--rule", "kustomization-fails", "--format", "json").stdout)
    assert found["findings"] == []
    assert any("base" in note["path"] or "cannot tell" in note["message"] for note in found["notes"])
