"""How long `fluxsecrets scan` and its hook take, beside gitleaks where that is on PATH.

    python -m benchmarks.scanners [--rounds 5]

Whole processes in turns, the best of each; both find nothing, so that neither prints. How right they are is
`python -m benchmarks.accuracy`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .accuracy import scan_corpus
from .measure import Cost, interleave, run

STAGED, FILES, TREE = 10, 2000, 700
COMMITS = 300


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scanners", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        speed(ours, Path(folder), args.rounds)
    return 0


def speed(ours: str, parent: Path, rounds: int) -> None:
    """Print how long hook, tree and history take."""
    theirs = shutil.which("gitleaks")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    large, small = make_repository(parent / "large", FILES), make_repository(parent / "small", TREE)
    touch(large, STAGED)
    rows: list[tuple[str, Path, list[str], list[str]]] = [
        (
            f"hook, {STAGED} files staged of {FILES:,}",
            large,
            ["hook", "run", "pre-commit"],
            ["git", "--pre-commit", "--staged", "--no-banner", "."],
        ),
        (f"tree of {TREE} files", small, ["scan", "--quiet"], ["dir", "--no-banner", "."]),
        (
            f"history of {COMMITS} commits",
            with_history(small, COMMITS),
            ["scan", "--history", "--quiet"],
            ["git", "--no-banner", "."],
        ),
    ]
    python = run([sys.executable, "-I", "-c", "pass"], parent, environment)
    print(f"{os.cpu_count()} CPUs; an empty Python takes {python.seconds * 1000:.0f} ms\n")
    print("| | fluxsecrets | gitleaks | times as fast |\n|---|---:|---:|---:|")
    for what, folder, our_arguments, their_arguments in rows:
        tasks: dict[str, Callable[[], Cost]] = {"ours": _task([ours, *our_arguments], folder, environment)}
        if theirs is not None:
            tasks["theirs"] = _task([theirs, *their_arguments], folder, environment)
        best = interleave(rounds, tasks)
        mine, other = best["ours"].seconds, best["theirs"].seconds if theirs is not None else None
        ratio = "" if other is None else f"{other / mine:.1f}"
        shown = "" if other is None else f"{other * 1000:.0f} ms"
        print(f"| {what} | {mine * 1000:.0f} ms | {shown} | {ratio} |", flush=True)


def _task(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Callable[[], Cost]:
    return lambda: run(command, folder, environment)


def make_repository(folder: Path, count: int) -> Path:
    """A repository of so many files, all of them harmless to both scanners."""
    chance = scan_corpus.Chance(count)
    makers = [
        maker
        for maker in scan_corpus.HARMLESS
        if maker not in (scan_corpus.made_up_tokens, scan_corpus.references, scan_corpus.documentation)
    ]
    files: dict[str, bytes] = {}
    number = 0
    while len(files) < count:
        made = makers[number % len(makers)](chance, number)
        files.update({file.path: file.data for file in (made if isinstance(made, list) else [made])})
        number += 1
    for path, data in list(files.items())[:count]:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (folder / ".gitleaks.toml").write_text(
        "[extend]\nuseDefault = true\n[[allowlists]]\nregexes = ['.*']\n", encoding="ascii"
    )
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return folder


def touch(folder: Path, count: int) -> None:
    """Change and stage some manifests, of all kinds."""
    paths = sorted(folder.rglob("*.yaml"))
    for path in paths[:: len(paths) // count][:count]:
        path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    git(folder, "add", "--all")


def with_history(folder: Path, count: int) -> Path:
    """The repository with so many more commits, each of which changes a few files."""
    paths = sorted(folder.rglob("*.yaml"))
    for number in range(count):
        for path in paths[number % len(paths) :: 97][:4]:
            path.write_text(path.read_text(encoding="utf-8") + f"# {number}\n", encoding="utf-8")
        git(folder, "commit", "--quiet", "--all", "--message", str(number))
    return folder


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@waddle.example")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


if __name__ == "__main__":
    sys.exit(main())
