"""`scan` with rules of the team, and the words of other tools: what counts, and that it is said."""

import hashlib
import json

import pytest

from .conftest import MARKER

TOKEN = "acme_" + "k3" * 6


@pytest.fixture
def repository(folder, git):
    folder.git = lambda *args: git(folder.path, *args)
    folder.git("init", "--quiet", "--initial-branch", "main")

    def commit(message="more"):
        folder.git("add", "--all")
        folder.git("commit", "--quiet", "--message", message)

    folder.commit = commit
    return folder


@pytest.fixture
def scan(cli):
    """Runs a scan: its result, and what its JSON lists."""

    def scan(*args):
        result = cli("scan", *args, "--format", "json")
        assert MARKER not in result.stdout + result.stderr
        assert TOKEN not in result.stdout + result.stderr
        data = json.loads(result.stdout) if result.stdout else {}
        found = sorted(f"{each['path']} {each['rule']}" for each in data.get("findings", ()))
        allowed = [(each["finding"]["path"], each["path"], each["tool"]) for each in data.get("allowed", ())]
        return result, found, sorted(allowed, key=str), data

    return scan


RULES = """\
scan:
  rules:
    - id: acme-token
      description: ACME token
      regex: 'acme_([a-z0-9]{12})'
      severity: critical
"""
TOML = "[[allowlists]]\ndescription = 'anything'\nregexes = ['''.*''']\n"
NAMED = "scan: {config: .gitleaks.toml}\n"


def test_a_rule_of_the_settings_counts_everywhere(repository, scan, cli):
    repository.write(".fluxsecrets.yaml", RULES)
    repository.commit()
    repository.write("app.txt", f"token {TOKEN}\n")
    assert scan()[1] == ["app.txt acme-token"]
    repository.git("add", "app.txt")
    assert scan("--staged")[1] == ["app.txt acme-token"]
    repository.commit()
    assert scan("--history")[1] == ["app.txt acme-token"]
    assert scan("--range", "HEAD~1..HEAD")[1] == ["app.txt acme-token"]
    log = json.loads(cli("scan", "--format", "sarif").stdout)
    described = log["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["shortDescription"]["text"] for rule in described] == ["ACME token"]
    repository.write("app.txt", f"# fluxsecrets:allow acme-token — made up\ntoken {TOKEN}\n")
    assert scan()[2] == [("app.txt", "app.txt", None)]


def test_a_baseline_knows_findings_of_own_rules(repository, scan):
    repository.write(".fluxsecrets.yaml", RULES)
    repository.write("app.txt", f"token {TOKEN}\n")
    scan("--update-baseline")
    assert scan()[1] == []
    repository.write("app.txt", "token\n")
    assert [each["rule"] for each in scan()[3]["gone"]] == ["acme-token"]


def test_the_id_of_a_built_in_rule_is_refused(repository, scan):
    repository.write(".fluxsecrets.yaml", RULES.replace("acme-token", "github-token"))
    result = scan()[0]
    assert result.exit_code == 2
    assert ".fluxsecrets.yaml:3" in result.stderr


def test_a_configuration_that_nobody_named_has_no_effect(repository, scan, cli):
    repository.write(".gitleaks.toml", TOML)
    repository.write(".betterleaks.toml", TOML)
    repository.write(".gitleaksignore", "secret.yaml:generic-api-key:6\n")
    repository.write("secret.yaml", repository.secret.replace("\n", " # gitleaks:allow\n"))
    result, found, allowed, _ = scan()
    assert (result.exit_code, found, allowed) == (1, ["secret.yaml plain-secret"], [])
    shown = cli("scan").stderr
    for named in ("config: .gitleaks.toml", "config: .betterleaks.toml", "ignore_file: .gitleaksignore"):
        assert f"`scan: {{{named}}}` in .fluxsecrets.yaml makes it count" in shown
    assert "makes it count" not in cli("scan", "secret.yaml").stderr


def test_a_named_configuration_allows_and_is_named(repository, scan, cli):
    repository.write(".gitleaks.toml", TOML + "[[rules]]\nid = 'acme'\nregex = 'acme_'\nvalidate = 'x'\n")
    repository.write(".fluxsecrets.yaml", NAMED)
    repository.write("secret.yaml")
    result, found, allowed, data = scan()
    assert (result.exit_code, found) == (0, [])
    assert allowed == [("secret.yaml", ".gitleaks.toml", "gitleaks")]
    assert data["allowed"][0]["reason"] == "anything"
    assert [each["problem"] for each in data["remarks"]] == ["unsupported"]
    text = cli("scan")
    assert "makes it count" not in text.stderr
    assert "1 allowed, 1 in the words of gitleaks" in text.stderr
    assert ".gitleaks.toml:7: validate is not run" in text.stderr


def test_only_the_index_counts_for_what_is_staged(repository, scan):
    repository.write(".fluxsecrets.yaml", NAMED)
    repository.write(".gitleaks.toml", "[[allowlists]]\npaths = ['^testdata/']\n")
    repository.commit()
    repository.write("secret.yaml")
    repository.git("add", "secret.yaml")
    repository.write(".gitleaks.toml", TOML)  # in the work tree alone
    assert scan("--staged")[1] == ["secret.yaml plain-secret"]
    repository.git("add", ".gitleaks.toml")
    _, found, allowed, data = scan("--staged")
    assert (found, allowed) == ([], [("secret.yaml", ".gitleaks.toml", "gitleaks")])
    assert [(each["path"], each["rule"]) for each in data["excuses"]] == [(".gitleaks.toml", "plain-secret")]


def test_a_range_is_judged_by_its_tip_and_new_excuses_are_named(repository, scan):
    repository.write(".fluxsecrets.yaml", NAMED)
    repository.write(".gitleaks.toml", "[[allowlists]]\npaths = ['^testdata/']\n")
    repository.commit()
    repository.write("testdata/secret.yaml")
    repository.commit()
    _, found, allowed, data = scan("--range", "HEAD~1..HEAD")
    assert (found, len(allowed), data["excuses"]) == ([], 1, [])
    repository.write("secret.yaml")
    repository.write(".gitleaks.toml", TOML)
    repository.commit()
    repository.write(".gitleaks.toml", "")
    assert [each["path"] for each in scan("--range", "HEAD~1..HEAD")[3]["excuses"]] == [".gitleaks.toml"]
    repository.commit()
    assert scan("--range", "HEAD~2..HEAD")[1] == ["secret.yaml plain-secret"]


def test_switching_comments_on_is_an_excuse(repository, scan):
    repository.write("secret.yaml", repository.secret.replace("\n", " # gitleaks:allow\n"))
    repository.commit()
    repository.write(".fluxsecrets.yaml", "scan: {comments: [gitleaks]}\n")
    repository.write("secret.yaml", repository.secret.replace("\n", " # gitleaks:allow\n") + "#\n")
    repository.commit()
    _, found, allowed, data = scan("--range", "HEAD~1..HEAD")
    assert (found, len(data["excuses"])) == ([], 1)
    assert allowed == [("secret.yaml", "secret.yaml", "gitleaks")]
    repository.write("secret.yaml", repository.secret.replace("\n", " # gitleaks:allow\n") + "##\n")
    repository.commit()
    assert scan("--range", "HEAD~1..HEAD")[3]["excuses"] == []


def test_an_ignore_file_and_a_secrets_baseline(repository, scan):
    digest = hashlib.sha1(MARKER.encode()).hexdigest()
    results = {"known.yaml": [{"type": "Secret Keyword", "hashed_secret": digest, "line_number": 6}]}
    repository.write(".secrets.baseline", json.dumps({"version": "1.5.0", "results": results}))
    repository.write(".gitleaksignore", "ignored.yaml:generic-api-key:6\n")
    repository.write(
        ".fluxsecrets.yaml", "scan: {ignore_file: .gitleaksignore, secrets_baseline: .secrets.baseline}\n"
    )
    for name in ("known.yaml", "ignored.yaml", "other.yaml"):
        repository.write(name)
    result, found, allowed, data = scan()
    assert found == ["other.yaml plain-secret"]
    assert allowed == [
        ("ignored.yaml", ".gitleaksignore", "gitleaks"),
        ("known.yaml", ".secrets.baseline", "detect-secrets"),
    ]
    assert digest not in result.stdout + result.stderr
    assert all("without a reason" in each["reason"] for each in data["allowed"])


@pytest.mark.parametrize("key", ["config", "ignore_file", "secrets_baseline"])
def test_a_named_file_must_exist(repository, scan, key):
    repository.write(".fluxsecrets.yaml", f"scan: {{{key}: absent}}\n")
    repository.write("secret.yaml")
    result = scan()[0]
    assert result.exit_code == 2
    assert "absent" in result.stderr


def test_a_configuration_by_option(repository, scan, tmp_path):
    place = tmp_path / "team.toml"
    place.write_text("[[rules]]\nid = 'acme'\nregex = 'acme_[a-z0-9]{12}'\n")
    repository.write("app.txt", f"token {TOKEN}\n")
    assert scan()[1] == []
    assert scan("--config", str(place))[1] == ["app.txt acme"]
    place.write_text("[[rules]]\nid = 'acme'\nregex = '('\n")
    result = scan("--config", str(place))[0]
    assert result.exit_code == 2
    assert "team.toml:3" in result.stderr


def test_disabled_rules_allow_and_are_named(repository, scan):
    repository.write(".gitleaks.toml", "[extend]\ndisabledRules = ['plain-secret', 'generic-api-key']\n")
    repository.write(".fluxsecrets.yaml", NAMED)
    repository.write("secret.yaml")
    _, found, allowed, data = scan()
    assert (found, allowed) == ([], [("secret.yaml", ".gitleaks.toml", "gitleaks")])
    assert data["allowed"][0]["reason"] == ".gitleaks.toml disables the rule"
    assert "generic-api-key" in data["remarks"][0]["message"]
