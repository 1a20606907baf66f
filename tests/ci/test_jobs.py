"""The ready CI jobs, run as the forges run them, on hostile and honest changes, with a key and without."""

import shlex
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from allowances import allowing
from ciformats import commands
from fluxsecrets.report.review_markdown import MARKER
from forges import Actions, Forgejo, GitLab
from markdown_pages import assert_harmless

FOLDER = "apps/observability/overlays/staging"
HOSTILE = f"{FOLDER}/@acme [x](evil.example) <b> `|.yaml"
PLAIN = "correct-horse-throwaway"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata:
  name: more
  namespace: observability
stringData:
  password: {PLAIN} # {allowing("plain-secret")}
"""
ALLOWANCE = "allow:\n  - {rule: plain-secret, path: '**', reason: tests}\n"
DATABASE = "apps/cloudnative-pg/overlays/staging/secrets.yaml"


@pytest.fixture
def change(encrypted_waddle, git, tmp_path):
    """Makes a pull request of what a function changes, and its clone as a forge hands it to a job.

    Returns the clone and the commit on main.
    """

    def change(edit):
        main = git(encrypted_waddle, "rev-parse", "HEAD").strip()
        git(encrypted_waddle, "checkout", "--quiet", "-b", "feature")
        edit(encrypted_waddle)
        git(encrypted_waddle, "add", "--all")
        git(encrypted_waddle, "commit", "--quiet", "--message", "a change")
        git(encrypted_waddle, "checkout", "--quiet", "-b", "merged", main)
        git(encrypted_waddle, "merge", "--quiet", "--no-ff", "--message", "merged", "feature")
        git(tmp_path, "clone", "--quiet", "--branch", "merged", str(encrypted_waddle), "clone")
        git(tmp_path / "clone", "checkout", "--quiet", "--detach")
        return tmp_path / "clone", main

    return change


@pytest.fixture
def tools(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def only_review(tools):
    """Lets the jobs run `fluxsecrets review` and no other command, for what only the review decides."""
    real = Path(sysconfig.get_path("scripts"), "fluxsecrets")
    stand_in = tools / "fluxsecrets"
    script = f'#!/bin/sh\n[ "$1" != review ] || exec {shlex.quote(str(real))} "$@"\n'
    stand_in.write_text(script, encoding="utf-8")
    stand_in.chmod(0o755)


def hostile(folder):
    for module in ("json", "pip", "re", "fluxsecrets", "sitecustomize"):  # none of them may run
        (folder / f"{module}.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    (folder / HOSTILE).parent.mkdir(parents=True, exist_ok=True)
    (folder / HOSTILE).write_text(SECRET, encoding="utf-8")
    (folder / ".fluxsecrets.yaml").write_text(ALLOWANCE, encoding="utf-8")


@pytest.fixture
def new_password(cli):
    def edit(folder):
        result = cli("set", DATABASE, "stringData.password", "new-throwaway")
        assert result.exit_code == 0, result.stderr

    return edit


def run_github(clone, tools, base, **environ):
    """Run the job of a pull request; its steps by name, and its summary."""
    values = {"github.event.pull_request.base.sha": base}
    runner = Actions(clone, tools, "pull_request", values, GITHUB_BASE_REF="main", **environ)
    steps = {step.name: step for step in runner.run("secrets")}
    return steps, runner.summary.read_text(encoding="utf-8")


def test_github_fails_a_hostile_change_and_says_why(change, tools):
    clone, base = change(hostile)
    steps, summary = run_github(clone, tools, base)
    assert {name: step.code for name, step in steps.items()} == {
        "Install fluxsecrets": 0,
        "No secret in plain text": 0,  # for it is allowed
        "What the change does to secrets": 1,  # and that is what the review is for
        "Every Secret is encrypted": 0,
        "Flux can apply every environment": 0,
        "What to do": 0,
    }
    annotated = [
        (level, pairs["file"])
        for level, pairs, _ in commands(annotations(steps["What the change does to secrets"].output))
        if "file" in pairs
    ]
    assert ("error", HOSTILE) in annotated
    page = assert_harmless(summary, [MARKER[4:-3]])
    assert any("@acme" in each for each in page.code)
    for heading in ("fluxsecrets scan", "Secrets: ", "fluxsecrets verify", "What to do"):
        assert f"### {heading}" in summary
    assert (tools / "temp/fluxsecrets/review.md").read_text(encoding="utf-8") in summary
    assert not any(PLAIN in step.output for step in steps.values())
    assert PLAIN not in summary


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def annotations(output):
    return "".join(f"{line}\n" for line in output.splitlines() if line.startswith("::"))


@pytest.mark.usefixtures("only_review")
def test_github_with_a_key_compares_values(change, tools, new_password, identity):
    clone, base = change(new_password)
    steps, summary = run_github(clone, tools, base, SOPS_AGE_KEY=identity.secret)
    assert {step.code for step in steps.values()} == {0}, steps
    page = assert_harmless(summary, [MARKER[4:-3]])
    assert "1 low" in page.text
    assert "~ stringData.password" in page.text
    assert "not everything was looked at" not in page.text
    outputs = [step.output for step in steps.values()]
    assert not any(identity.secret in text or "new-throwaway" in text for text in (summary, *outputs))


def test_gitlab_passes_an_honest_change_and_keeps_all_reports(change, tools, new_password):
    clone, base = change(new_password)
    # A variable that the job does not get, as in a merge request from a fork, is an empty text.
    job = GitLab(clone, tools, CI_MERGE_REQUEST_DIFF_BASE_SHA=base, SOPS_AGE_KEY="").run("fluxsecrets")
    assert job.code == 0, job.output
    assert "1 value changed" in job.output
    reports = clone / "fluxsecrets-reports"
    assert names(reports) == ["quality.json", "review.md", "secrets.json", "verify.xml"]
    page = assert_harmless((reports / "review.md").read_text(encoding="utf-8"), [MARKER[4:-3]])
    assert "1 low" in page.text
    assert "none of your identities can decrypt them" in page.text
    assert ET.parse(reports / "verify.xml").getroot().tag == "testsuites"


def test_forgejo_checks_out_and_passes_a_first_use_with_a_baseline(waddle, cli, git, tools, tmp_path):
    """The repository has plain Secrets, and a baseline of them."""
    for command in ("scan", "audit"):
        assert cli(command, "--update-baseline").exit_code == 0
    git(waddle, "add", "--all")
    git(waddle, "commit", "--quiet", "--message", "a baseline")
    folder = tmp_path / "work"
    folder.mkdir()
    environ = {"GITHUB_SERVER_URL": f"file://{tmp_path}", "GITHUB_REPOSITORY": waddle.name}
    runner = Forgejo(folder, tools, "push", GITHUB_REF="refs/heads/main", **environ)
    steps = {step.name: step for step in runner.run("secrets")}
    assert {step.code for step in steps.values()} == {0}, steps
    assert "Audit of every environment" in steps
    assert git(folder, "rev-parse", "HEAD") == git(waddle, "rev-parse", "HEAD")
    assert runner.used == []
    assert "44 more known to the baseline)" in steps["No secret in plain text"].output
    assert "extraHeader" not in (folder / ".git" / "config").read_text(encoding="utf-8")


@pytest.mark.usefixtures("only_review")
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_report_that_came_with_the_change_is_never_shown(change, tools, kind):
    def edit(folder):
        place = folder / "fluxsecrets-reports"
        if kind == "folder":
            place.mkdir()
            (place / "review.md").write_text("all is fine\n", encoding="utf-8")
        else:
            place.symlink_to("apps")

    clone, base = change(edit)
    apps = names(clone / "apps")
    job = GitLab(clone, tools, CI_MERGE_REQUEST_DIFF_BASE_SHA=base).run("fluxsecrets")
    assert job.code == 0, job.output
    assert (clone / "fluxsecrets-reports/review.md").read_text(encoding="utf-8").startswith(MARKER)
    assert names(clone / "apps") == apps
