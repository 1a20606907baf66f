"""The project's own rules: who may import whom, no key in the tree, and files that agree with each other."""

import ast
import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest

from fluxsecrets import __version__
from fluxsecrets.sops.config import parse_config
from sourcetexts import modules_naming
from tables import each_row

PROJECT = Path(__file__).parents[1]
SOURCE = PROJECT / "src" / "fluxsecrets"
LINT_IMPORTS = shutil.which("lint-imports", path=sysconfig.get_path("scripts"))


def tracked_files():
    if not (PROJECT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no git clone: the files in the tree are not looked at")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, timeout=60).stdout
    return [PROJECT / path for path in listing.decode().split("\0") if path and (PROJECT / path).is_file()]


def imported(path):
    """The absolute names of the modules that a module imports, wherever in it."""
    package = path.relative_to(SOURCE.parent).with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level]) if node.level else ""
            yield ".".join(part for part in (base, node.module) if part)


def test_no_module_imports_itself_through_others():
    grimp = pytest.importorskip("grimp", reason="comes with import-linter")
    graph = grimp.build_graph("fluxsecrets", exclude_type_checking_imports=False)
    graph.remove_module("fluxsecrets")  # Python imports it before any module in it; it offers `api` lazily
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    while leaves := {name for name, below in imports.items() if not below}:
        imports = {name: below - leaves for name, below in imports.items() if name not in leaves}
    while tops := imports.keys() - set().union(*imports.values()):
        imports = {name: below for name, below in imports.items() if name not in tops}
    assert not imports, "these import each other"


@pytest.mark.skipif(LINT_IMPORTS is None, reason="import-linter is not installed")
@pytest.mark.parametrize(
    ("module", "statement", "kept"),
    [
        ("keys/wrong.py", "from fluxsecrets.sops import envelope", True),
        ("sops/wrong.py", "from fluxsecrets.keys import PROVIDERS", False),
        ("sops/wrong.py", "from ..cli import entry", False),
        ("files.py", "import fluxsecrets.sops.values", False),
        ("repo/wrong.py", "from fluxsecrets import keys", False),
        ("ops/wrong.py", "def late():\n    from fluxsecrets.cli import entry", False),
        ("extra/__init__.py", "import os", False),
    ],
)
def test_imports_point_down_only(tmp_path, module, statement, kept):
    package = tmp_path / "src" / "fluxsecrets"
    for name in (
        "errors.py",
        "files.py",
        "__init__.py",
        "sops/__init__.py",
        "sops/envelope.py",
        "sops/values.py",
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).touch()
    for name in ("keys", "repo", "ops", "cli"):
        (package / name).mkdir()
        (package / name / "__init__.py").touch()
    (package / "cli" / "entry.py").touch()
    (package / module).parent.mkdir(exist_ok=True)
    (package / module).write_text(statement, encoding="utf-8")
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo", "--contract", "layers"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode == 0) is kept, done.stdout + done.stderr
    assert f"-> errors -> marks {'KEPT' if kept else 'BROKEN'}" in " ".join(done.stdout.split())


@each_row(
    "path",
    sorted((*(SOURCE / "sops").rglob("*.py"), *(SOURCE / "sealed").rglob("*.py"))),
    ids=lambda path: path.stem,
)
def test_the_formats_do_no_input_or_output(path):
    outside = {"pathlib", "subprocess", "socket", "shutil", "tempfile", "fluxsecrets.files"}
    assert not outside.intersection(imported(path))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            assert node.id not in ("open", "print", "input")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr == "urandom"


def test_only_commands_and_reports_know_a_terminal():
    terminals = {"click", "rich"}
    for path, _ in modules_naming(terminals):
        if path.relative_to(SOURCE).parts[0] not in ("cli", "report"):
            assert not terminals.intersection(name.partition(".")[0] for name in imported(path)), path


def test_no_private_key_is_in_the_tree():
    marks = re.compile(
        rb"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58}|-BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-+(?:\s|\\n)+[\w+/=]{40}"
    )
    allowed = (PROJECT / "tests" / "vectors", PROJECT / "testkit" / "keys")
    for path in tracked_files():
        if not any(path.is_relative_to(folder) for folder in allowed):
            assert marks.search(path.read_bytes()) is None, f"{path} holds a private key"


def test_own_creation_rules_are_valid():
    config = parse_config((PROJECT / ".sops.yaml").read_bytes(), path=".sops.yaml")
    assert config.rules == ()
    assert config.unknown == ()


def test_versions_agree():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]  # the package has it, and nothing else does
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert "## [Unreleased]" in changelog
    assert not released or released[0] == __version__
    assert project["license"] == "Apache-2.0"
    assert (PROJECT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")


@pytest.mark.skipif(
    shutil.which("make") is None, reason="make is not on PATH: the Makefile's help is not run"
)
def test_make_without_a_target_lists_every_target():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    command = ["make", "--no-print-directory"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert set(re.findall(r"^  make (\w+)", shown, re.MULTILINE)) == targets


@pytest.mark.skipif(shutil.which("sh") is None, reason="sh is not on PATH: the set-up is not tried")
def test_set_up_says_what_is_missing_without_a_python(tmp_path):
    script = tmp_path / "scripts" / "set-up.sh"
    script.parent.mkdir()
    shutil.copy(PROJECT / "scripts" / "set-up.sh", script)
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    environment = {**os.environ, "PYTHON": str(old)}
    done = subprocess.run(
        ["sh", str(script)], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "no Python 3.11 or newer found" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_own_repository_has_no_plain_secret(cli, monkeypatch):
    tracked_files()  # skips outside a git clone
    monkeypatch.chdir(PROJECT)
    result = cli("scan")
    assert (result.exit_code, result.stdout) == (0, "")
