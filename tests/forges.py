"""Runs the ready CI jobs as a forge would: their scripts, in a clone, with its variables and nothing else."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import yaml

JOBS = Path(__file__).parents[1] / "ci"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}", re.DOTALL)
_CONTEXT = re.compile(r"'[^']*'|\b(?:github|vars|secrets|steps|runner)\.[\w.-]+")
# Nothing is installed: the package index is not asked, and fluxsecrets is on PATH.
_PYTHON = """\
#!/bin/sh
case " $* " in *" -m pip "*) exit 0 ;; esac
exec {python} "$@"
"""


@dataclass(frozen=True)
class Step:
    """What a step printed, and its exit code."""

    name: str
    code: int
    output: str


def _environ(tools):
    python = tools / "python"
    if not python.exists():
        python.write_text(_PYTHON.format(python=shlex.quote(sys.executable)), encoding="utf-8")
        python.chmod(0o755)
    return {
        "HOME": os.environ["HOME"],
        "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"],
        "GIT_CONFIG_GLOBAL": str(tools / "gitconfig"),
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


class Actions:
    """The runner of GitHub Actions, and of Forgejo's.

    Attributes:
        workflow: the file, as YAML reads it.
        temp: the folder of the runner.
        summary: the file behind the summary of the job.
        used: the actions that the steps of the last job used, without their versions.
    """

    file = "github-actions.yml"

    def __init__(self, folder, tools, event, values=(), **environ):
        self.folder, self.used, self.temp = folder, [], tools / "temp"
        self.temp.mkdir(exist_ok=True)
        self._values = {"github.event_name": event, "runner.temp": str(self.temp), **dict(values)}
        self.summary = tools / "summary.md"
        self._environ = {
            **_environ(tools),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
            **environ,
        }
        self.workflow = read_job(self.file)
        self._failed = False

    def wants(self, job):
        """Whether the runner would start a job after those that it needs."""
        return self._wanted(self.workflow["jobs"][job])

    def run(self, job):
        """Run the steps of a job; each gets a summary of its own, as from GitHub."""
        found = self.workflow["jobs"][job]
        shared = {**self.workflow.get("env", {}), **found.get("env", {})}
        ran, parts, self.used, self._failed = [], [], [], False
        for step in found["steps"]:
            if not self._wanted(step):
                continue
            if "uses" in step:
                self.used.append(step["uses"].partition("@")[0])
                continue
            self.summary.write_text("", encoding="utf-8")
            environ = {
                name: self._filled(str(text)) for name, text in {**shared, **step.get("env", {})}.items()
            }
            result = _bash(
                step["name"], self._filled(step["run"]), (), self.folder, {**self._environ, **environ}
            )
            self._failed = self._failed or result.code != 0
            if "id" in step:
                self._values[f"steps.{step['id']}.outcome"] = "failure" if result.code else "success"
            parts.append(self.summary.read_text(encoding="utf-8"))
            ran.append(result)
        self.summary.write_text("".join(parts), encoding="utf-8")
        return ran

    def _wanted(self, what):
        """Evaluate a condition; one without a function of the status holds after successes only."""
        condition = what.get("if")
        if condition is None:
            return not self._failed
        text = _EXPRESSION.fullmatch(condition.strip())[1]
        assert "cancelled()" in text or "failure()" in text, text
        text = _CONTEXT.sub(
            lambda match: match[0] if match[0][0] == "'" else repr(self._value(match[0])), text
        )
        for word, python in (("&&", " and "), ("||", " or "), ("!=", "≠"), ("!", " not "), ("≠", "!=")):
            text = text.replace(word, python)
        names = {"cancelled": lambda: False, "failure": lambda: self._failed}
        return bool(eval(" ".join(text.split()), {"__builtins__": {}}, names))

    def _value(self, name):
        return self._values.get(name, "")  # what an event lacks is an empty text

    def _filled(self, text):
        return _EXPRESSION.sub(lambda match: self._value(match[1]), text)


class Forgejo(Actions):
    """The runner of Forgejo Actions; it has no summary."""

    file = "forgejo-actions.yml"


class GitLab:
    """The runner of GitLab: one shell for all lines of a job, which ends at the first that fails."""

    def __init__(self, folder, tools, **environ):
        self.folder = folder
        self._environ = {**_environ(tools), "GITLAB_CI": "true", "CI_PROJECT_DIR": str(folder), **environ}
        self.jobs = read_job("gitlab-ci.yml")

    def run(self, job):
        """Run a job's lines."""
        found = self.jobs[job]
        # The runner shows each line before it runs it.
        lines = [
            part
            for line in (*found.get("before_script", ()), *found["script"])
            for part in (f"echo {shlex.quote('$ ' + line)}", line)
        ]
        variables = {name: str(value) for name, value in found.get("variables", {}).items()}
        return _bash(job, "\n".join(lines), ("-o", "pipefail"), self.folder, {**self._environ, **variables})


def read_job(name):
    """Return a file of `ci` as YAML reads it; the key `on` is true, as in YAML 1.1."""
    return yaml.safe_load((JOBS / name).read_text(encoding="utf-8"))
