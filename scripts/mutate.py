"""Change the critical modules in small ways, and list the changes that no test notices: `make mutate`.

Each module is mutated in a copy of the project, and only the tests that are meant to hold it run. A time
limit ends the run, and what was not reached is counted. A survivor is a question: is a test missing, or does
the code make no difference?
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
COPY = PROJECT / ".mutate"

TARGETS: dict[str, tuple[str, ...]] = {
    "ops/files/content.py": ("tests/ops/files/test_content.py", "tests/sops/test_tampering.py"),
    "ops/files/encryption.py": ("tests/ops/files/test_encryption.py", "tests/sops/test_tampering.py"),
    "ops/files/verification.py": (
        *("tests/ops/files/test_verification.py", "tests/ops/files/test_encryption.py"),
        "tests/ops/files/test_content.py",
    ),
    "sops/cipher.py": ("tests/sops/test_cipher.py", "tests/sops/test_tampering.py"),
    "sops/decryption.py": ("tests/sops/test_decryption.py", "tests/sops/test_tampering.py"),
    "sops/encryption.py": ("tests/sops/test_encryption.py", "tests/sops/test_tampering.py"),
    "sops/formats/yaml/aliases.py": ("tests/sops/formats/yaml/test_aliases.py",),
    "sops/mac.py": ("tests/sops/test_mac.py", "tests/sops/test_tampering.py"),
    "sops/selection.py": ("tests/sops/test_selection.py", "tests/sops/test_encryption.py"),
    "sops/selectors.py": ("tests/sops/test_selectors.py",),
    "ops/policy/strangers.py": ("tests/ops/policy/test_strangers.py",),
    "ops/run/writer.py": ("tests/ops/run",),
    "ops/run/journal.py": ("tests/ops/run",),
    "ops/log/logfile.py": ("tests/ops/log/test_logfile.py",),
    "ops/checks/scanstaged.py": ("tests/cli/test_scan.py", "tests/cli/test_hook_run.py"),
    "ops/checks/weighing.py": ("tests/cli/test_scan.py", "tests/cli/test_hook_run.py"),
    "cli/hookrun.py": ("tests/cli/test_hook_run.py",),
    "sealed/codec.py": ("tests/sealed",),
    "marks.py": ("tests/test_marks.py",),
}
"""Module -> the tests that hold it."""

_CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/fluxsecrets/{module}"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "--hypothesis-seed=0"]
also_copy = ["docs", "examples"]
use_git_change_detection = false
use_setproctitle = false
"""


def main() -> int:
    """Mutate the modules that are named, or all, and list survivors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(TARGETS)}; part of a name is enough")
    parser.add_argument("--seconds", type=float, default=300, help="for each module")
    options = parser.parse_args()
    chosen = [
        name for name in TARGETS if not options.modules or any(part in name for part in options.modules)
    ]
    for name in chosen:
        _mutate(name, options.seconds)
    return 0


def _mutate(module: str, seconds: float) -> None:
    folder = COPY / module.replace("/", ".").removesuffix(".py")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in ("src", "tests", "docs", "examples"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    config = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    tests = "[" + ", ".join(f'"{test}"' for test in TARGETS[module]) + "]"
    text = config + _CONFIG.format(module=module, tests=tests)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    print(f"{module}: {' '.join(TARGETS[module])}", flush=True)
    end = time.monotonic() + seconds
    with (folder / "output").open("wb") as output:
        running = subprocess.Popen(
            [sys.executable, "-m", "mutmut", "run"],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            running.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGINT)
            running.wait()
    _show(folder, running.returncode)


def _show(folder: Path, code: int) -> None:
    results = _mutmut(folder, "results", "--all", "true")
    states = [line.strip().rpartition(": ") for line in results.splitlines() if ": " in line]
    if not states:
        print((folder / "output").read_text(encoding="utf-8", errors="replace")[-2000:])
        print(f"  mutmut ended with {code} before it tried anything")
        return
    counts: dict[str, int] = {}
    for _, _, state in states:
        counts[state] = counts.get(state, 0) + 1
    print("  " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    texts = 0
    for name in (name for name, _, state in states if state == "survived"):
        changed = [
            line
            for line in _mutmut(folder, "show", name).splitlines()
            if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        ]
        if _is_text("".join(line[1:] for line in changed if line[0] == "+")) or _differs_in_case(changed):
            texts += 1
        else:
            print("\n".join([f"  {name}", *(f"    {line}" for line in changed)]))
    print(f"  and {texts} survivors that change a message's words only")


def _is_text(line: str) -> bool:
    """Whether only text is another: mutmut writes XX around a string."""
    return "XX" in line or "hint=None" in line


def _differs_in_case(changed: list[str]) -> bool:
    return len(changed) == 2 and changed[0][1:].lower() == changed[1][1:].lower()


def _mutmut(folder: Path, *arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - no shell
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
