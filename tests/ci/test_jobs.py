"""The ready CI jobs, run as the forges run them, on hostile and honest changes, with a key and without."""

import re
import shlex
import sysconfig
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ciformats import commands
from fluxsecrets.report.review_markdown import MARKER
from forges import JOBS, GitHub, GitLab
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
  password: {PLAIN} # fluxsecrets:allow plain-secret — it is only a test
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
    runner = GitHub(clone, tools, "pull_request", values, GITHUB_BASE_REF="main", **environ)
    steps = {step.name: step for step in runner.run("secrets")}
    return steps, runner.summary.read_text(encoding="utf-8")


def run_gitlab(clone, tools, base):
    return GitLab(clone, tools, CI_MERGE_REQUEST_DIFF_BASE_SHA=base).run("fluxsecrets")


def test_github_fails_a_hostile_change_and_says_why(change, tools):
    clone, base = change(hostile)
    steps, summary = run_github(clone, tools, base)
    assert {name: step.code for name, step in steps.items()} == {
        "No secret in plain text": 0,  # for it is allowed
        "What the change does to secrets": 1,  # and that is what the review is for
        "Every Secret is encrypted": 0,
        "Flux applies everything as intended": 0,
    }
    annotated = [
        (level, pairs["file"])
        for level, pairs, _ in commands(annotations(steps["What the change does to secrets"].output))
        if "file" in pairs
    ]
    assert ("error", HOSTILE) in annotated
    assert summary.startswith(f"{MARKER}\n")
    page = assert_harmless(summary, [MARKER[4:-3]])
    assert any("@acme" in each for each in page.code)
    assert (tools / "fluxsecrets-review.md").read_text(encoding="utf-8") == summary
    assert not any(PLAIN in step.output for step in steps.values())
    assert PLAIN not in summary


def annotations(output):
    return "".join(f"{line}\n" for line in output.splitlines() if line.startswith("::"))


@pytest.mark.usefixtures("only_review")
def test_github_without_a_key_says_that_values_were_not_compared(change, tools, new_password):
    clone, base = change(new_password)
    # A secret that the workflow does not get, as on a pull request from a fork, is an empty text.
    steps, summary = run_github(clone, tools, base, SOPS_AGE_KEY="")
    assert {step.code for step in steps.values()} == {0}, steps
    page = assert_harmless(summary, [MARKER[4:-3]])
    assert "1 low" in page.text
    assert "not everything was looked at" in page.text
    assert "none of your identities can decrypt them" in page.text


def test_github_with_a_key_compares_values(change, tools, new_password, identity):
    clone, base = change(new_password)
    steps, summary = run_github(clone, tools, base, SOPS_AGE_KEY=identity.secret)
    assert {step.code for step in steps.values()} == {0}, steps
    page = assert_harmless(summary, [MARKER[4:-3]])
    assert "1 low" in page.text
    assert "~ stringData.password" in page.text
    assert "not everything was looked at" not in page.text
    assert not any(identity.secret in text or "new-throwaway" in text for text in (summary, *outputs(steps)))


def outputs(steps):
    return [step.output for step in steps.values()]


def test_gitlab_fails_a_hostile_change_and_keeps_all_reports(change, tools):
    clone, base = change(hostile)
    job = run_gitlab(clone, tools, base)
    assert job.code == 1
    page = assert_harmless((clone / "fluxsecrets-review.md").read_text(encoding="utf-8"), [MARKER[4:-3]])
    assert "excuse-added" in page.code
    assert ET.parse(clone / "fluxsecrets-verify.xml").getroot().tag == "testsuites"
    assert PLAIN not in job.output


def test_gitlab_passes_an_honest_change(change, tools, new_password):
    clone, base = change(new_password)
    job = run_gitlab(clone, tools, base)
    assert job.code == 0, job.output
    assert "1 value changed" in job.output


@pytest.mark.usefixtures("only_review")
def test_gitlab_without_a_merge_request_reviews_nothing(change, tools, new_password):
    clone, _ = change(new_password)
    assert GitLab(clone, tools).run("fluxsecrets").code == 0
    assert not (clone / "fluxsecrets-review.md").exists()


def test_jobs_that_write_comments_have_neither_a_checkout_nor_a_key(environment):
    text = (JOBS / "github-actions.yml").read_text(encoding="utf-8")
    workflow = GitHub(None, None, "", {}).workflow
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 takes `on` for true
    assert workflow["permissions"] == {"contents": "read"}
    jobs = workflow["jobs"]
    assert jobs["secrets"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert "head.repo.full_name == github.repository" in jobs["comment"]["if"]
    used = [step.get("uses", "").partition("@")[0] for step in jobs["comment"]["steps"]]
    assert used == ["actions/download-artifact", ""]
    # What the author of a pull request writes must never become part of a script.
    assert re.search(r"\$\{\{[^}]*(title|body|head_ref|head\.ref|label)", text) is None
    assert set(re.findall(r"python[^\n]* -m pip", text + (JOBS / "gitlab-ci.yml").read_text())) == {
        "python -I -m pip"
    }
    comment = GitLab(None, None).jobs["fluxsecrets-comment"]
    assert comment["variables"] == {"GIT_STRATEGY": "none"}


@pytest.mark.usefixtures("only_review")
def test_a_review_that_fails_replaces_the_comment_of_an_earlier_one(change, tools, git):
    clone, base = change(lambda folder: (folder / "notes.md").write_text("notes\n", encoding="utf-8"))
    git(clone, "update-ref", "-d", "refs/remotes/origin/main")
    steps, summary = run_github(clone, tools, base)
    assert steps["What the change does to secrets"].code == 2
    assert summary.startswith(f"{MARKER}\n### Secrets: the review failed\n")
    job = run_gitlab(clone, tools, "0" * 40)
    assert job.code == 2
    text = (clone / "fluxsecrets-review.md").read_text(encoding="utf-8")
    assert text.startswith(f"{MARKER}\n### Secrets: the review failed\n")


@pytest.mark.usefixtures("only_review")
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_report_that_came_with_the_change_is_never_shown(change, tools, kind):
    def edit(folder):
        place = folder / "fluxsecrets-review.md"
        if kind == "folder":
            place.mkdir()
            (place / "fluxsecrets-review.md").write_text("all is fine\n", encoding="utf-8")
        else:
            place.symlink_to("README.md")

    clone, base = change(edit)
    readme = (clone / "README.md").read_bytes()
    job = run_gitlab(clone, tools, base)
    assert job.code == 0, job.output
    assert (clone / "fluxsecrets-review.md").read_text(encoding="utf-8").startswith(MARKER)
    assert (clone / "README.md").read_bytes() == readme
    _steps, summary = run_github(clone, tools, base)
    assert summary.startswith(MARKER)
    paths = [
        step["with"]["path"]
        for step in GitHub(None, None, "", {}).workflow["jobs"]["secrets"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]
    assert paths == ["${{ runner.temp }}/fluxsecrets-review.md"]
