"""The pre-commit hook, as the executable runs it: the same as `scan --staged`, and no pass where it fails."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allowances import allowing
from examples import scaled

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-throwaway\n"
ALLOW = "allow:\n  - path: '*.yaml'\n    rule: plain-secret\n    reason: throw-away\n"
FULL = Path("/dev/full")

CONTENTS = [
    SECRET,
    SECRET.replace("hunter2-throwaway", "${DB_PASSWORD}"),
    SECRET.replace("  password", f"  # {allowing('plain-secret')}\n  password"),
    SECRET.replace("metadata:\n", "metadata: [\n"),
    "a: 1\n",
    "",
    "{{ if .x }}\n" + SECRET + "{{ end }}\n",
    "DB_PASSWORD=hunter2-throwaway-kX9vQ2\n",
    "binary \0 \xff\n",
    "secretGenerator:\n  - name: a\n    files: [b.txt]\n",
    "x: &a [*a]\n",
    "sops:\n  mac: x\n  age: []\na: hunter2\n",
]
NAMES = [
    *("a.yaml", "b.txt", "kustomization.yaml", ".env", "dir/c.json", "d.sops.yaml", "with blank.yaml"),
    *("-dash.yaml", "päth/ü.yaml", 'quo"te.yaml', "tab\t.yaml", ":colon.yaml"),
]
SETTINGS = [
    None,
    ALLOW,
    ALLOW + "    expires: 2001-02-03\n",
    "secrets: [b.txt]\n",
    "allow: [\n",
    "unknown: 1\n",
]
BASELINES = [None, '{"version": 1, "findings": []}\n', "no json\n", '{"version": 9}\n', "written"]

trees = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONTENTS), max_size=4)


def staged(folder, git, files):
    """A new repository with these files staged."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    git(folder, "add", "--all", "--force")


@settings(
    max_examples=scaled(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    head=st.none() | trees,
    files=trees,
    removed=st.sets(st.sampled_from(NAMES)),
    moved=st.none() | st.tuples(st.sampled_from(NAMES), st.just("moved.yaml")),
    submodule=st.booleans(),
    excuses=st.sampled_from(SETTINGS),
    baseline=st.sampled_from(BASELINES),
)
def test_the_hook_says_what_a_scan_of_the_index_says(
    tmp_path_factory, git, cli, monkeypatch, head, files, removed, moved, submodule, excuses, baseline
):
    folder = tmp_path_factory.mktemp("staged") / "repository"
    staged(folder, git, head or {})
    if head is not None:
        git(folder, "commit", "--quiet", "--allow-empty", "--message", "before")
    monkeypatch.chdir(folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    if moved is not None and (folder / moved[0]).exists():
        (folder / moved[0]).rename(folder / moved[1])
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    if excuses is not None:
        (folder / ".fluxsecrets.yaml").write_text(excuses, encoding="utf-8")
    git(folder, "add", "--all", "--force")
    if baseline == "written":
        cli("scan", "--update-baseline")
    elif baseline is not None:
        (folder / ".fluxsecrets-baseline.json").write_text(baseline, encoding="utf-8")
    git(folder, "add", "--all", "--force")
    if submodule:
        git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    # As git runs it; a hook that is run by hand has no such variable.
    environment = {"GIT_INDEX_FILE": ".git/index"} if submodule else {}
    hook, scan = cli.process("hook", "run", "pre-commit", env=environment), cli("scan", "--staged")
    assert (hook.exit_code, hook.stdout) == (scan.exit_code, scan.stdout)
    told = scan.stderr.replace("what is scanned brings", "this commit brings")
    if hook.stderr:
        assert hook.stderr.startswith(told)
    else:  # what is clean is passed in silence
        assert told.count("\n") == 1
        assert told.startswith(("no secret in plain text", "nothing is staged"))
        assert scan.exit_code == 0


def test_a_remark_is_told_and_does_not_refuse(tmp_path, git, cli, monkeypatch):
    expired = ALLOW + "    expires: 2001-02-03\n"
    staged(tmp_path / "repository", git, {"a.yaml": "a: 1\n", ".fluxsecrets.yaml": expired})
    git(tmp_path / "repository", "commit", "--quiet", "--message", "before")
    (tmp_path / "repository" / "b.yaml").write_text("b: 1\n", encoding="utf-8")
    git(tmp_path / "repository", "add", "--all")
    monkeypatch.chdir(tmp_path / "repository")
    hook = cli.process("hook", "run", "pre-commit")
    assert (hook.exit_code, hook.stdout) == (0, "")
    assert ".fluxsecrets.yaml:2: this allowance of plain-secret expired on 2001-02-03" in hook.stderr
    assert "refused" not in hook.stderr


def test_an_error_refuses_even_beside_nothing_that_was_found(tmp_path, git, cli, monkeypatch):
    staged(tmp_path / "repository", git, {"a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: [\n"})
    monkeypatch.chdir(tmp_path / "repository")
    hook = cli.process("hook", "run", "pre-commit")
    assert (hook.exit_code, hook.stdout) == (2, "")
    assert "error: a.yaml" in hook.stderr
    assert "the commit was refused: what could not be read may hold a secret" in hook.stderr


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_findings_that_cannot_be_written_are_an_error(tmp_path, git, cli, monkeypatch):
    staged(tmp_path / "repository", git, {"a.yaml": SECRET})
    monkeypatch.chdir(tmp_path / "repository")
    with FULL.open("wb") as full:
        hook = cli.process("hook", "run", "pre-commit", stdout=full)
    assert hook.exit_code == 2
    assert "the output could not be written: the disk is full" in hook.stderr


FAULTS = {
    "engine": ("fluxsecrets.scan.engine", "Engine.scan"),
    "structure": ("fluxsecrets.scan.structure", "judge_page"),
    "git": ("fluxsecrets.repo.git.repository", "_read"),
    "trust": ("fluxsecrets.ops.checks.scanstaged", "take_trust"),
    "report": ("fluxsecrets.ops.checks.scan", "weigh"),
}
EXCEPTIONS = [
    "RuntimeError('hunter2-throwaway')",
    "MemoryError()",
    "RecursionError()",
    "OSError(5, 'x')",
    "KeyError('a')",
]


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda text: text.partition("(")[0])
@pytest.mark.parametrize("place", FAULTS)
def test_an_exception_anywhere_refuses_with_a_message(tmp_path, git, cli, place, exception):
    staged(tmp_path / "repository", git, {"a.yaml": SECRET})
    module, name = FAULTS[place]
    code = (
        "import importlib, sys\n"
        f"sys.argv = ['fluxsecrets', 'hook', 'run', 'pre-commit']\n"
        f"module = importlib.import_module({module!r})\n"
        f"holder, _, name = {name!r}.rpartition('.')\n"
        "holder = getattr(module, holder) if holder else module\n"
        "def fail(*arguments, **options):\n"
        f"    raise {exception}\n"
        "setattr(holder, name, fail)\n"
        "from fluxsecrets.cli.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "repository",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done
    assert done.stderr.startswith("error: ")
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("exception", [RuntimeError("hunter2-throwaway"), MemoryError(), ZeroDivisionError()])
@pytest.mark.parametrize("count", [1, 400], ids=["one process", "several"])
def test_an_exception_while_files_are_scanned_is_no_empty_result(
    tmp_path, cli, monkeypatch, exception, count
):
    from fluxsecrets.scan.engine import Engine

    scan = Engine.scan

    def fail(self, blob, *rest):
        if blob.path.endswith("bad.yaml"):
            raise exception
        return scan(self, blob, *rest)

    monkeypatch.setattr(Engine, "scan", fail)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 3)
    for number in range(count):
        (tmp_path / f"{number}.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / f"{count // 2}-bad.yaml").write_text(SECRET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = cli("scan")
    assert result.exit_code == 2
    assert "hunter2" not in result.stdout + result.stderr
    assert "0 secrets" not in result.stderr
    assert "no secret" not in result.stderr
