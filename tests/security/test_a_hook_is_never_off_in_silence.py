"""Nothing in the environment or the repository switches the hooks off, and one that is off is told of."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: hooks are not tried")

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-throwaway\n"
PASSES = "import os\nos.write(2, b'taken: ' + __file__.encode())\nos._exit(0)\n"
"""A module in the place of another one, with which a hook would end as if all were well."""

HIJACKED = {
    "all at once": (
        *("fluxsecrets/__init__.py", "re.py", "os.py", "yaml.py", "re2.py", "site.py", "sitecustomize.py"),
        *("usercustomize.py", "encodings/__init__.py", "hyperscan.py", "runpy.py"),
    ),
    # A package hides a module of its name, and a module that is imported early the later ones.
    "fluxsecrets.py": ("fluxsecrets.py",),
    "re.py": ("re.py",),
}
"""What lies in the repository; the first module that is taken ends the process, whichever it is."""


@pytest.fixture
def repository(tmp_path, git, cli, monkeypatch):
    """A repository with hooks, in which a Secret is staged; `commit` tries to commit it."""

    class Repository:
        path = tmp_path / "repository"

        @property
        def hook(self):
            return self.path / ".git" / "hooks" / "pre-commit"

        def git(self, *args):
            return git(self.path, *args)

        def commit(self, **environment):
            who = {
                f"GIT_{role}_{what}": "t@waddle.example"
                for role in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            }
            return subprocess.run(
                ["git", "commit", "--quiet", "--message", "x"],
                cwd=self.path,
                env={**os.environ, **who, **environment},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

    made = Repository()
    made.path.mkdir()
    made.git("init", "--quiet")
    monkeypatch.chdir(made.path)
    assert cli("hook", "install", "--quiet").exit_code == 0
    (made.path / "secret.yaml").write_text(SECRET, encoding="utf-8")
    made.git("add", "secret.yaml")
    return made


def refused(done):
    return done.returncode != 0 and (
        "the commit was refused" in done.stderr or "this was refused" in done.stderr
    )


# --- the environment and the folder ---


@pytest.mark.parametrize("names", HIJACKED.values(), ids=HIJACKED)
def test_a_module_of_somebody_else_s_is_not_taken(repository, names):
    for name in names:
        path = repository.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(PASSES, encoding="utf-8")
    for environment in ({}, {"PYTHONPATH": "."}, {"PYTHONPATH": str(repository.path)}):
        done = repository.commit(**environment)
        assert refused(done), done.stderr
        assert "taken: " not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PYTHONHOME", "."),
        ("PYTHONSTARTUP", "startup.py"),
        ("PYTHONUSERBASE", "."),
        ("PYTHONPYCACHEPREFIX", "cache"),
        ("PYTHONPLATLIBDIR", "lib"),
        ("PYTHONINSPECT", "1"),
        ("PYTHONOPTIMIZE", "2"),
        ("PYTHONWARNINGS", "error"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("PYTHONSAFEPATH", ""),
        ("PYTHONEXECUTABLE", "/nowhere"),
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "empty"),
        ("XDG_CACHE_HOME", "empty"),
        ("PRE_COMMIT", "1"),
        ("SKIP", "fluxsecrets"),
        ("FLUXSECRETS_LOG", "/nowhere/log"),
        ("FLUXSECRETS_LOG_REQUIRED", "1"),
        ("FLUXSECRETS_SKIP", "1"),
    ],
)
def test_no_variable_switches_it_off(repository, tmp_path, variable, value):
    if value == "empty":
        value = str(tmp_path / "empty")
    if variable == "PATH":
        value = os.pathsep.join([str(Path(shutil.which("git")).parent), value])
    assert refused(repository.commit(**{variable: value}))


def test_the_hook_reads_no_variable_of_ours(repository):
    import fluxsecrets

    source = Path(fluxsecrets.__file__).parent
    files = [path for room in ("scan", "findings", "repo") for path in (source / room).rglob("*.py")]
    for path in (*files, source / "cli" / "hookrun.py", source / "ops" / "checks" / "scan.py"):
        assert '"FLUXSECRETS_' not in path.read_text(encoding="utf-8"), path


def test_without_its_python_it_takes_no_program_of_the_folder(repository):
    text = repository.hook.read_text(encoding="utf-8")
    repository.hook.write_text(text.replace(sys.executable, "/nowhere/python"), encoding="utf-8")
    fake = repository.path / "fluxsecrets"
    fake.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    fake.chmod(0o755)
    git = Path(shutil.which("git")).parent
    for path in (f".:{git}:/usr/bin:/bin", f":{git}:/usr/bin:/bin"):
        assert refused(repository.commit(PATH=path))


def test_without_its_packages_it_refuses_with_a_message(repository, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    text = repository.hook.read_text(encoding="utf-8")
    repository.hook.write_text(text.replace(sys.executable, str(python)), encoding="utf-8")
    done = repository.commit()
    assert refused(done)
    assert "fluxsecrets is incomplete" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_shared_hook_takes_no_module_of_somebody_else_s(tmp_path, git, cli, monkeypatch):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "config", "core.hooksPath", "githooks")
    monkeypatch.chdir(folder)
    assert cli("hook", "install", "pre-commit").exit_code == 0
    (folder / "secret.yaml").write_text(SECRET, encoding="utf-8")
    (folder / "sitecustomize.py").write_text(PASSES, encoding="utf-8")
    git(folder, "add", "secret.yaml")
    path = str(Path(cli.executable).parent) + os.pathsep + os.environ["PATH"]
    for value in (".", str(folder)):
        done = subprocess.run(
            ["sh", "githooks/pre-commit"],
            cwd=folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": value},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert refused(done), done


# --- a hook that does nothing is told of ---


def hooks_path(repository, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    repository.git("config", "core.hooksPath", str(tmp_path / "elsewhere"))
    return "core.hooksPath names"


def not_executable(repository, _):
    repository.hook.chmod(0o644)
    return "may not be executed"


def python_gone(repository, _):
    text = repository.hook.read_text(encoding="utf-8")
    repository.hook.write_text(text.replace(sys.executable, "/nowhere/python"), encoding="utf-8")
    return "is gone"


def older(repository, _):
    lines = repository.hook.read_text(encoding="utf-8").splitlines(keepends=True)
    repository.hook.write_text(
        "".join(line for line in lines if not line.startswith("python=")), encoding="utf-8"
    )
    return "older fluxsecrets"


@pytest.mark.parametrize("kill", [hooks_path, not_executable, python_gone, older])
def test_a_dead_hook_is_told_of(repository, cli, tmp_path, kill):
    assert cli("hook", "status").exit_code == 0
    problem = kill(repository, tmp_path)
    result = cli("hook", "status")
    assert result.exit_code == 1
    assert problem in result.stderr
    for command in (("scan", "--staged"), ("scan",), ("status",), ("audit",)):
        result = cli(*command)
        assert "warning: the pre-commit hook checks nothing here" in result.stderr, command
        assert problem in result.stderr
    if kill is not hooks_path:
        assert cli("hook", "install").exit_code == 0
        assert cli("hook", "status").exit_code == 0
        assert refused(repository.commit())


def test_a_hook_that_another_one_replaced_or_that_is_not_there(repository, cli):
    repository.hook.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    result = cli("hook", "status")
    assert result.exit_code == 1
    assert "another hook is there" in result.stderr
    repository.hook.unlink()
    assert "there is no hook" in cli("hook", "status").stderr
    assert cli("hook", "status", "pre-push").exit_code == 0


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_go_where_git_looks_or_it_is_said(repository, cli, tmp_path, monkeypatch, scope):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "all").mkdir()
    command = ["git", "config", scope, "core.hooksPath", str(tmp_path / "all")]
    subprocess.run(command, cwd=repository.path, check=True, timeout=60)
    result = cli("hook", "install")
    assert result.exit_code == 2
    assert "run in others too" in result.stderr
    assert cli("hook", "status").exit_code == 1
    assert cli("hook", "install", "--everywhere").exit_code == 0
    assert cli("hook", "status").exit_code == 0
    assert refused(repository.commit())


def test_in_a_repository_without_hooks_nothing_is_said(tmp_path, git, cli, monkeypatch):
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    assert "hook" not in cli("scan").stderr
    assert cli("hook", "status").exit_code == 1
