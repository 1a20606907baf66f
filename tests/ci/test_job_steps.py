"""The steps of the ready CI jobs, and what each outcome leads to; fluxsecrets itself is a stand-in."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from fluxsecrets.report.review_markdown import MARKER
from forges import JOBS, Actions, Forgejo, GitLab

# Notes its arguments, writes the reports unless it is to fail, and exits as it is told.
STAND_IN = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
eval "code=\\${CODE_$1:-0}"
if [ "$code" -lt 2 ]; then
    for word; do
        case $word in *=/*) printf '### %s\\n' "$1" > "${word#*=}" ;; esac
    done
fi
exit "$code"
"""
BASE = "0123456789abcdef0123456789abcdef01234567"
FIRST_RUN = re.compile(r"^(- )?[Tt]he first run.* `fluxsecrets scan --update-baseline`", re.MULTILINE)
FAILED = f"{MARKER}\n### Secrets: the review failed\n"


def names(folder):
    return sorted(each.name for each in folder.iterdir())


class Runs:
    """Runs the job of a forge for a change or for the main branch; a failing command is given as `scan=1`."""

    def __init__(self, forge, folder, tools):
        self.forge, self.folder, self.tools = forge, folder, tools
        self.calls = tools / "calls"

    def __call__(self, change, *codes, **values):
        environ = {"CALLS": str(self.calls)}
        environ |= {f"CODE_{name}": code for name, _, code in (each.partition("=") for each in codes)}
        self.calls.write_text("", encoding="utf-8")
        if self.forge is GitLab:
            base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE} if change else {}
            job = GitLab(self.folder, self.tools, **base, **environ).run("fluxsecrets")
            self.failed, self.text = job.code, job.output
            return self
        event = {"github.event.pull_request.base.sha": BASE} if change else {}
        self.runner = self.forge(
            self.folder,
            self.tools,
            "pull_request" if change else "push",
            {**event, **values},
            GITHUB_SERVER_URL="file://",
            GITHUB_REPOSITORY=str(self.folder.parent / "origin"),
            GITHUB_REF="refs/heads/main",
            **environ,
        )
        steps = self.runner.run("secrets")
        self.failed = max(step.code for step in steps)
        self.text = "".join(step.output for step in steps) + self.runner.summary.read_text(encoding="utf-8")
        return self

    @property
    def commands(self):
        """What was run: the words before the first one with a path."""
        lines = self.calls.read_text(encoding="utf-8").splitlines()
        return [line.partition(" --format")[0].partition(" --report")[0] for line in lines]

    @property
    def review(self):
        folder = (
            self.folder / "fluxsecrets-reports" if self.forge is GitLab else self.runner.temp / "fluxsecrets"
        )
        return (folder / "review.md").read_text(encoding="utf-8")


@pytest.fixture(params=[Actions, Forgejo, GitLab], ids=["github", "forgejo", "gitlab"])
def job(request, environment, git, tmp_path):
    tools, folder, origin = tmp_path / "bin", tmp_path / "work", tmp_path / "origin"
    for each in (tools, folder, origin):
        each.mkdir()
    git(origin, "init", "--quiet")
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "first")
    stand_in = tools / "fluxsecrets"
    stand_in.write_text(STAND_IN, encoding="utf-8")
    stand_in.chmod(0o755)
    return Runs(request.param, folder, tools)


ON_A_CHANGE = [f"scan --range {BASE}..HEAD", "review", "encrypt --check", "verify --all-envs"]
ON_MAIN = ["scan", "encrypt --check", "verify --all-envs", "audit --all-envs --no-scan"]


@pytest.mark.parametrize(("change", "expected"), [(True, ON_A_CHANGE), (False, ON_MAIN)])
def test_each_command_runs_once(job, change, expected):
    assert job(change).commands == expected
    assert job.failed == 0, job.text
    assert not FIRST_RUN.search(job.text)  # what to do is for failures


def test_a_finding_fails_the_job_and_hides_none_of_the_others(job):
    for change, expected in ((True, ON_A_CHANGE), (False, ON_MAIN)):
        for command in expected:
            name = command.partition(" ")[0]
            ran = job(change, f"{name}=1")
            assert (ran.failed, ran.commands) == (1, expected)
            assert FIRST_RUN.search(ran.text)


@pytest.mark.parametrize("job", [Actions], ids=["github"], indirect=True)
def test_the_runner_takes_no_name_of_a_file_for_a_command(job):
    [step] = [step for step in job(True).runner.run("secrets") if "::stop-commands::" in step.output]
    start, *_, end = step.output.splitlines()
    assert end == f"::{start.removeprefix('::stop-commands::')}::"
    assert len(end) > 32


def test_an_error_is_not_taken_for_a_finding(job):
    ran = job(True, "scan=2", "verify=1")
    assert (ran.failed, ran.commands) == (2, ON_A_CHANGE)
    ran = job(True, "scan=1", "verify=2")
    assert (ran.failed, ran.commands) == (2, ON_A_CHANGE)


@pytest.mark.parametrize("job", [Actions, GitLab], ids=["github", "gitlab"], indirect=True)
def test_a_review_that_fails_replaces_the_comment_of_an_earlier_one(job):
    assert job(True, "review=1").review == "### review\n"
    ran = job(True, "review=2")
    assert ran.failed == 2
    assert ran.review.startswith(FAILED)


GITLAB = pytest.mark.parametrize("job", [GitLab], ids=["gitlab"], indirect=True)


@GITLAB
def test_the_script_for_any_other_ci_does_the_same(job):
    page = (JOBS.parent / "docs" / "ci.md").read_text(encoding="utf-8")
    [script] = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", page, re.DOTALL)
    path = f"{job.tools}{os.pathsep}{os.environ['PATH']}"
    for base, expected in ((BASE, [ON_A_CHANGE[0], f"review {BASE}..HEAD", *ON_A_CHANGE[2:]]), ("", ON_MAIN)):
        for code in (0, 1, 2):
            job.calls.write_text("", encoding="utf-8")
            environ = {"PATH": path, "CALLS": str(job.calls), "CODE_encrypt": str(code), "BASE": base}
            done = subprocess.run(["sh", "-c", script], cwd=job.folder, env=environ, check=False)
            assert (done.returncode, job.commands) == (code, expected)


GITHUB = pytest.mark.parametrize("job", [Actions], ids=["github"], indirect=True)
SAME = {"github.event.pull_request.head.repo.full_name": "acme/infra", "github.repository": "acme/infra"}


@GITHUB
def test_github_needs_neither_a_licence_nor_a_variable(job):
    for change in (True, False):
        runner = job(change, **SAME).runner
        assert runner.used == ["actions/checkout", "actions/setup-python"]
        assert not runner.wants("alerts")
        assert not runner.wants("comment")


@GITHUB
def test_github_shows_alerts_and_comments_if_it_is_told(job):
    both = {"vars.FLUXSECRETS_SARIF": "yes", "vars.FLUXSECRETS_COMMENT": "yes"}
    runner = job(True, **SAME, **both).runner
    assert runner.used[-1] == "actions/upload-artifact"
    assert runner.wants("alerts")
    assert runner.wants("comment")
    assert names(runner.temp / "fluxsecrets") == ["review.md", "scan.sarif"]
    fork = job(True, **{**SAME, "github.event.pull_request.head.repo.full_name": "eve/infra"}, **both).runner
    assert not fork.wants("alerts")
    assert not fork.wants("comment")
    main = job(False, **SAME, **both).runner
    assert main.wants("alerts")
    assert not main.wants("comment")


@GITHUB
def test_github_runs_nothing_if_the_installation_fails(job):
    python = job.tools / "python"
    python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    ran = job(True, **SAME, **{"vars.FLUXSECRETS_SARIF": "yes"})
    assert (ran.failed, ran.commands) == (1, [])
    assert ran.runner.used == ["actions/checkout", "actions/setup-python"]


@GITHUB
def test_github_writes_nothing_into_the_work_tree(job):
    job(True)
    for line in job.calls.read_text(encoding="utf-8").splitlines():
        files = [word.partition("=")[2] for word in line.split() if word.startswith(("markdown=", "sarif="))]
        assert all(Path(file).is_relative_to(job.tools) for file in files)
    assert names(job.folder) == []
