"""Compares `fluxsecrets scan` and its hook with gitleaks, and with other scanners that are on PATH.

    python -m benchmarks.scanners [--seeds 9001 9002 …] [--rounds 5] [--no-accuracy] [--no-speed]

Speed: whole processes in turns, the best of each; both find nothing, so that neither prints. Accuracy: the
labelled repositories of tests/scan_corpus.py; a scanner is right about a line where it names it, and wrong
about each other line that it names. Kinds without a rule of the others count as well: they are why this
scanner exists.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .measure import Cost, interleave, run

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

import scan_corpus  # noqa: E402 - it is among the tests

HELD_BACK = tuple(range(9001, 9011))
"""Seeds that nobody looked at while rules were written."""

STAGED, FILES, TREE = 10, 2000, 700
COMMITS = 300

Place = tuple[str, int, int]
"""A path, and the first and last line of what was found."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scanners", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(HELD_BACK))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-accuracy", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    args = parser.parse_args()
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        if not args.no_speed:
            speed(ours, Path(folder), args.rounds)
        if not args.no_accuracy:
            accuracy(ours, Path(folder), args.seeds)
    return 0


# --- speed -------------------------------------------------------------------------------------------------


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


# --- accuracy ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scanner:
    name: str
    command: tuple[str, ...]
    parse: Callable[[str], Iterator[Place]]


def accuracy(ours: str, parent: Path, seeds: Sequence[int]) -> None:
    """Print precision and recall of all scanners, and recall by kind."""
    folder = parent / "labelled"
    scores: dict[str, scan_corpus.Score] = {}
    for seed in seeds:
        scan_corpus.write(folder, seed)
        files = scan_corpus.corpus(seed)
        for scanner in scanners(ours):
            score = scores.setdefault(scanner.name, scan_corpus.Score())
            score.add(seed, files, found_by(scanner, folder / str(seed), files))
    total = next(iter(scores.values())).there
    print(f"\n{total} leaks in {len(seeds)} repositories\n")
    print(f"| | {' | '.join(scores)} |\n|---|{'---:|' * len(scores)}")
    print(f"| precision | {' | '.join(f'{score.precision:.3f}' for score in scores.values())} |")
    print(f"| recall | {' | '.join(f'{score.recall:.3f}' for score in scores.values())} |")
    for kind in sorted(next(iter(scores.values())).kinds):
        found = [score.kinds[kind][1] / score.kinds[kind][0] for score in scores.values()]
        print(f"| {kind} | {' | '.join(f'{each:.2f}' for each in found)} |")
    for line in [*scores["fluxsecrets"].missed, *scores["fluxsecrets"].mistaken]:
        print(f"  {line}", file=sys.stderr)


def scanners(ours: str) -> Iterator[Scanner]:
    """Ours, and what else is on PATH."""
    yield Scanner("fluxsecrets", (ours, "scan", "--format", "json", "."), _ours)
    if (found := shutil.which("gitleaks")) is not None:
        yield Scanner(
            "gitleaks",
            (found, "dir", "--no-banner", "--report-format=json", "--report-path=-", "--exit-code=0", "."),
            _gitleaks,
        )
    if (found := shutil.which("detect-secrets")) is not None:
        yield Scanner("detect-secrets", (found, "scan", "--all-files", "."), _detect_secrets)
    if (found := shutil.which("kingfisher")) is not None:
        options = ("--format", "json", "--no-validate", "--no-update-check", "--no-dedup")
        yield Scanner("kingfisher", (found, "scan", ".", *options), _kingfisher)


def found_by(
    scanner: Scanner, folder: Path, files: dict[str, scan_corpus.File]
) -> dict[tuple[str, int], str]:
    """What a scanner names: the leak where it covers one, else the first line of what it names."""
    done = subprocess.run(scanner.command, cwd=folder, capture_output=True, text=True, check=False)
    found: dict[tuple[str, int], str] = {}
    for path, first, last in scanner.parse(done.stdout):
        name = os.path.relpath(folder / path, folder)
        leaks = [line for line in files[name].leaks if first <= line <= last] if name in files else []
        found.update({(name, line): scanner.name for line in leaks or [first]})
    return found


def _ours(text: str) -> Iterator[Place]:
    for item in json.loads(text)["findings"]:
        yield item["path"], item["line"] or 1, item["line"] or 1


def _gitleaks(text: str) -> Iterator[Place]:
    for item in json.loads(text):
        yield item["File"], item["StartLine"], item["EndLine"]


def _detect_secrets(text: str) -> Iterator[Place]:
    for path, items in json.loads(text)["results"].items():
        for item in items:
            yield path, item["line_number"], item["line_number"]


def _kingfisher(text: str) -> Iterator[Place]:
    for item in json.JSONDecoder().raw_decode(text[text.index("{") :])[0]["findings"]:
        line = item["finding"]["line"]
        yield item["finding"]["path"], line, line + item["finding"]["snippet"].count("\n")


if __name__ == "__main__":
    sys.exit(main())
