"""The pre-commit hook, as the executable runs it: the same as `scan --staged`, and no pass where it fails."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: hunter2-throwaway\n"
ALLOW = "allow:\n  - path: '*.yaml'\n    rule: plain-secret\n    reason: throw-away\n"

CONTENTS = [
    SECRET,
    SECRET.replace("hunter2-throwaway", "${DB_PASSWORD}"),
    SECRET.replace("  password", "  # fluxsecrets:allow plain-secret — throw-away\n  password"),
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
NAMES = ["a.yaml", "b.txt", "kustomization.yaml", ".env", "dir/c.json", "d.sops.yaml", "with blank.yaml"]
SETTINGS = [None, ALLOW, "secrets: [b.txt]\n", "allow: [\n", "unknown: 1\n"]
BASELINES = [None, '{"version": 1, "findings": []}\n', "no json\n", '{"version": 9}\n']


def staged(folder, git, files):
    """A new repository with these files staged."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode())
    git(folder, "add", "--all", "--force")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    files=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONTENTS), max_size=4),
    excuses=st.sampled_from(SETTINGS),
    baseline=st.sampled_from(BASELINES),
)
def test_the_hook_says_what_a_scan_of_the_index_says(
    tmp_path_factory, git, cli, monkeypatch, files, excuses, baseline
):
    extra = {".fluxsecrets.yaml": excuses, ".fluxsecrets-baseline.json": baseline}
    folder = tmp_path_factory.mktemp("staged") / "repository"
    staged(folder, git, {**files, **{name: text for name, text in extra.items() if text is not None}})
    monkeypatch.chdir(folder)
    hook, scan = cli.process("hook", "run", "pre-commit"), cli("scan", "--staged")
    assert (hook.exit_code, hook.stdout) == (scan.exit_code, scan.stdout)
    told = {line for line in scan.stderr.splitlines() if line.startswith(("error:", "warning:"))}
    heard = {line for line in hook.stderr.splitlines() if line.startswith(("error:", "warning:"))}
    assert {line.partition("its own excuse")[2] for line in told} == {
        line.partition("its own excuse")[2] for line in heard
    }


FAULTS = {
    "engine": ("fluxsecrets.scan.engine", "Engine.scan"),
    "structure": ("fluxsecrets.scan.structure", "judge_page"),
    "git": ("fluxsecrets.repo.git", "Repository.read_objects"),
    "trust": ("fluxsecrets.ops.checks.scan", "take_trust"),
    "report": ("fluxsecrets.ops.checks.scan", "_Job.result"),
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
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 3)
    for number in range(count):
        (tmp_path / f"{number}.yaml").write_text("a: 1\n", encoding="utf-8")
    (tmp_path / f"{count // 2}-bad.yaml").write_text(SECRET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = cli("scan")
    assert result.exit_code == 2
    assert "hunter2" not in result.stdout + result.stderr
    assert "0 secrets" not in result.stderr
    assert "no secret" not in result.stderr
