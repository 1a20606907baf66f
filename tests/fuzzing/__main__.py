"""Fuzz each parser for a bounded time, guided by coverage: `make fuzz SECONDS=60 ARGS="yaml json"`.

Each target runs in a process of its own, since libFuzzer ends the process. What it found is kept in
`.fuzz/`: `.fuzz/TARGET/corpus` is taken up again by the next run, `.fuzz/TARGET/found-*` are inputs that
broke something.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

_FOLDER = Path(".fuzz")
_GRACE = 60  # seconds beyond the limit: start-up, and one last slow input
_SLOW = 20  # seconds that one input may take


def main() -> int:
    """Run the targets named, or all, one after another; 1 where one of them found something."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="fuzz the parsers")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all of them unless named")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        return _fuzz(arguments.one, arguments.seconds)
    if importlib.util.find_spec("atheris") is None:
        print("error: atheris is not installed; it has no build for this Python or system", file=sys.stderr)
        print("hint: use CPython 3.11 to 3.13 on Linux: make PYTHON=/path/to/python fuzz", file=sys.stderr)
        return 2
    from fuzzing.seeds import seeds
    from fuzzing.targets import TARGETS

    names = arguments.targets or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        print(
            f"error: there is no target {', '.join(unknown)}; they are {', '.join(TARGETS)}", file=sys.stderr
        )
        return 2
    failed = []
    for name in names:
        start = time.monotonic()
        folder = _FOLDER / name
        _write_seeds(folder / "seeds", seeds(name))
        (folder / "corpus").mkdir(exist_ok=True)
        runs, code = _run(name, arguments.seconds, folder)
        state = "fine" if code == 0 else "FOUND SOMETHING"
        print(f"{name:14} {state:6}  {runs} inputs in {time.monotonic() - start:.0f} s", flush=True)
        if code:
            failed.append(name)
    if failed:
        print(f"\nsee {_FOLDER}/TARGET/log and {_FOLDER}/TARGET/found-* of: {', '.join(failed)}")
    return 1 if failed else 0


def _write_seeds(folder: Path, files: tuple[bytes, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, data in enumerate(files):
        (folder / f"{number:03}").write_bytes(data)


def _run(name: str, seconds: int, folder: Path) -> tuple[str, int]:
    command = [sys.executable, "-m", "fuzzing", "--one", name, "--seconds", str(seconds)]
    with (folder / "log").open("wb") as log:
        try:
            code = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, timeout=seconds + _GRACE, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = 1
    text = (folder / "log").read_text(encoding="utf-8", errors="replace")
    found = re.findall(r"^#(\d+)\t", text, re.MULTILINE) or re.findall(r"Done (\d+) runs", text)
    return (found[-1] if found else "no"), code


def _fuzz(name: str, seconds: int) -> int:
    import atheris  # type: ignore[import-not-found]

    with atheris.instrument_imports(include=["fluxsecrets"]):
        from fuzzing.targets import TARGETS
    folder = _FOLDER / name
    options = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-timeout={_SLOW}",
        "-rss_limit_mb=2048",
        "-max_len=16384",
        f"-artifact_prefix={folder}/found-",
        "-print_final_stats=1",
        str(folder / "corpus"),
        str(folder / "seeds"),
    ]
    os.environ.setdefault("PYTHONHASHSEED", "0")
    atheris.Setup(options, TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
