"""Runs the ready CI jobs as a forge would: their scripts, in a clone, with its variables and nothing else."""

import os
import re
import shlex
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import yaml

JOBS = Path(__file__).parents[1] / "ci"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_INSTALLS = re.compile(r"(python -I -m pip|apt-get|command -v git|git config --global).*")


@dataclass(frozen=True)
class Step:
    """What a step printed, and its exit code."""

    name: str
    code: int
    output: str


def _environ(tools):
    return {
        "HOME": os.environ["HOME"],
        "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "CI": "true",
        "PATH": os.pathsep.join((str(tools), sysconfig.get_path("scripts"), os.environ["PATH"])),
    }


def _bash(name, script, options, folder, environ):
    """Run a script as both runners do: it ends at the first line that fails."""
    done = subprocess.run(
        ["bash", "-e", *options, "-c", script],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Step(name, done.returncode, done.stdout)


class GitHub:
    """The runner of GitHub Actions.

    Attributes:
        summary: the file behind the summary of the job.
    """

    def __init__(self, folder, tools, event, values, **environ):
        self.folder, self.event, self.values = folder, event, values
        self.summary = (tools or folder or Path()) / "summary.md"
        self._environ = {
            **_environ(tools),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.summary.parent),
            **environ,
        }
        self.workflow = yaml.safe_load((JOBS / "github-actions.yml").read_text(encoding="utf-8"))

    def run(self, job, extra=None):
        """Run the steps of a job that have a script, except installations; the failed ones don't stop it."""
        ran = []
        for step in self.workflow["jobs"][job]["steps"]:
            script = step.get("run")
            if script is None or _INSTALLS.fullmatch(script.strip()) or not self._wanted(step.get("if")):
                continue
            environ = {name: self._filled(value) for name, value in step.get("env", {}).items()}
            ran.append(self._script(step["name"], self._filled(script), {**environ, **(extra or {})}))
        return ran

    def _script(self, name, script, environ):
        return _bash(name, script, (), self.folder, {**self._environ, **environ})

    def _wanted(self, condition):
        """Conditions that the workflow has; another one needs a line here."""
        return {
            None: True,
            "always()": True,
            "always() && github.event_name == 'pull_request'": self.event == "pull_request",
        }[condition]

    def _filled(self, text):
        return _EXPRESSION.sub(lambda match: self.values[match[1]], text)


class GitLab:
    """The runner of GitLab: one shell for all lines of a job, which ends at the first that fails."""

    def __init__(self, folder, tools, **environ):
        self.folder = folder
        self._environ = {**_environ(tools), "GITLAB_CI": "true", **environ}
        self.jobs = yaml.safe_load((JOBS / "gitlab-ci.yml").read_text(encoding="utf-8"))

    def run(self, job):
        """Run a job's lines."""
        found = self.jobs[job]
        lines = [line for line in found.get("before_script", ()) if not _INSTALLS.fullmatch(line.strip())]
        # The runner shows each line before it runs it.
        lines += [part for line in found["script"] for part in (f"echo {shlex.quote('$ ' + line)}", line)]
        variables = {name: str(value) for name, value in found.get("variables", {}).items()}
        return _bash(job, "\n".join(lines), ("-o", "pipefail"), self.folder, {**self._environ, **variables})
