"""`fluxsecrets audit --format html`: the page that is sent to others."""

import re
import sys
from datetime import UTC, datetime

import pytest

from audit_tree import BOB, certificate, certificate_file, encrypted, pod, repository, secret, write

FILES = {
    "keys/bob.pub": f"{BOB}\n",
    "clusters/staging/db.yaml": encrypted(secret(), "alice", "bob", "cluster"),  # recipient-drift: high
    "clusters/staging/plain.yaml": secret("plain"),  # plain-secret: high
    "clusters/staging/tls.yaml": encrypted(secret("tls", values={"tls.crt": certificate("2027-06-01")})),
    "clusters/staging/web.yaml": pod("web", uses="gone"),
    "certs/staging.pem": certificate_file("2027-01-01"),
    ".fluxsecrets.yaml": "environments: {staging: {sealing_certificates: [certs/staging.pem]}}\n",
}
NOON = str(int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()))


@pytest.fixture
def root(tmp_path, act_as, monkeypatch, git):
    """A repository with a few findings and two commits, as alice has it."""
    folder = tmp_path / "waddle"
    folder.mkdir()
    files = repository(files=FILES).files
    write(folder, files)
    git(folder, "init", "--quiet")
    for day, paths in (("2026-05-01", ["keys", ".sops.yaml"]), ("2026-06-01", ["."])):
        git(folder, "add", "--", *paths)
        git(folder, "commit", "--quiet", "--message", day, f"--date={day}T12:00:00Z")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", NOON)
    act_as("alice")
    return folder


def page(cli, *args):
    result = cli("audit", "--format", "html", *args)
    assert result.exit_code in (0, 1), result.stderr
    assert "hunter2" not in result.stdout
    return result.stdout


def rows(text, caption):
    """The rows of a table as texts of their cells."""
    table = re.search(rf"<caption[^>]*>{re.escape(caption)}.*?</table>", text, re.DOTALL)
    assert table, caption
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", table[0], re.DOTALL)
    cells = [re.split(r"</t[hd]>", each)[:-1] for each in found]
    return [[" ".join(re.sub(r"<[^>]*>", "", cell).split()) for cell in row] for row in cells]


def test_the_page_has_what_an_officer_asks(root, cli):
    text = page(cli)
    assert "<title>Secrets of waddle on 2026-11-25</title>" in text
    assert rows(text, "Findings of plain-secret")[1] == [
        "clusters/staging/plain.yaml:7",
        "Secret plain: stringData.password is in plain text",
        "staging",
    ]
    access = rows(text, "Recipients by environment")
    assert access[0] == ["Recipient", "Kind", "staging"]
    assert access[1] == ["everybody with the repository", "plain text", "1 file"]
    assert ["cluster-staging", "cluster", "all 2"] in access
    assert [row[:2] for row in access if row[0] == "bob"] == [["bob", "age"]]
    secrets = rows(text, "Kustomizations of staging in dependency order, with their Secrets")
    assert ["plain text", "apps/plain", "clusters/staging/plain.yaml:4", "–"] in secrets
    assert any(row[:2] == ["SOPS", "apps/db"] and "bob" in row[3] for row in secrets)


def test_lifetimes_come_from_the_history(root, cli, git):
    text = page(cli)
    keys = rows(text, "Data keys of staging, the oldest first")
    assert keys[1][:4] == ["clusters/staging/db.yaml", "2026-06-01", "2026-11-20", "within policy"]
    people = {row[0]: row[1:4] for row in rows(text, "Recipients that rules or keys/ list, the first first")}
    assert people["bob"] == ["2026-05-01", "2026-05-01", "within policy"]
    certificates = rows(text, "Certificates, the first to end first")
    assert certificates[1][1:4] == ["2026-01-01", "2027-01-01", "valid"]
    assert certificates[2][0].startswith("clusters/staging/tls.yaml")
    assert cli("rotate", "clusters/staging/tls.yaml").exit_code == 0
    git(root, "commit", "--all", "--quiet", "--message", "new key", "--date=2026-11-22T12:00:00Z")
    keys = rows(page(cli), "Data keys of staging, the oldest first")
    assert {row[0]: row[1] for row in keys[1:]} == {
        "clusters/staging/db.yaml": "2026-06-01",
        "clusters/staging/tls.yaml": "2026-11-22",
    }


def test_a_shallow_clone_vouches_for_no_age(root, cli, git, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--depth=1", root.as_uri(), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    text = page(cli, "--partial-history")
    assert "this clone has only the last commits: keys may be older" in text
    assert {row[3] for row in rows(text, "Data keys of staging, the oldest first")[1:]} == {"not known"}
    assert cli("audit", "--format", "html").exit_code == 2


def test_the_same_repository_and_time_give_the_same_page(root, cli):
    assert page(cli) == page(cli)


def test_it_says_what_was_not_looked_at(root, cli):
    text = page(cli, "--no-keys", "--rule", "plain-secret", "--env", "staging", "--severity", "high")
    assert "only the environment staging was looked at" in text
    assert "only these rules ran: plain-secret" in text
    assert "findings below the severity high are left out" in text
    assert "Findings of recipient-drift" not in text
    assert "about values did not run: nothing was decrypted" in page(cli, "--no-keys")


def test_into_a_file(root, cli):
    result = cli("audit", "--format", "html", "--output", "report.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("the report is in report.html\n")
    written = (root / "report.html").read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>\n")
    assert written == page(cli)


def test_beside_another_report(root, cli):
    result = cli("audit", "--format", "json", "--report", "html=report.html")
    assert result.exit_code == 1
    assert result.stdout.startswith("{")
    assert (root / "report.html").read_text(encoding="utf-8") == page(cli)


def test_accepted_findings_are_listed(root, cli):
    assert cli("audit", "--update-baseline").exit_code == 0
    result = cli("audit", "--format", "html")
    assert result.exit_code == 0
    assert "No new findings: <a" in result.stdout
    assert any("plain-secret" in row[2] for row in rows(result.stdout, "Findings that the baseline has"))


def test_rules_that_did_not_run_are_named(root, cli):
    result = cli("audit", "--no-scan", "--fail-on", "never", "--format", "html")
    assert result.exit_code == 0
    assert "the rules about plain text did not run" in result.stdout
    assert "Not everything could be checked." in result.stdout


def test_without_git_and_without_an_environment(tmp_path, cli, identity, monkeypatch):
    write(tmp_path, {"secret.yaml": secret()})
    monkeypatch.chdir(tmp_path)
    text = page(cli)
    assert "there is no commit, so nothing is known of the history" in text
    assert "No environment was found" in text


def test_a_range_is_refused(root, cli):
    result = cli("audit", "--format", "html", "--range", "HEAD~1..HEAD")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "can't be combined with --range" in result.stderr


def test_a_page_is_not_written_to_a_terminal(root, cli, monkeypatch):
    monkeypatch.setattr("fluxsecrets.cli.audit._at_terminal", lambda: True)
    result = cli("audit", "--format", "html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "fluxsecrets audit --format html --output report.html" in result.stderr
    assert cli("audit", "--format", "html", "--output", "report.html").exit_code == 1


def test_without_jinja_the_error_says_what_to_install(root, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = cli("audit", "--format", "html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "hint: run `pip install 'fluxsecrets[html]'`" in result.stderr


@pytest.mark.parametrize("text", ["yesterday", "1e9", "9" * 30])
def test_a_time_that_is_none(root, cli, monkeypatch, text):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    result = cli("audit", "--format", "html")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "SOURCE_DATE_EPOCH is not a number of seconds since 1970" in result.stderr
