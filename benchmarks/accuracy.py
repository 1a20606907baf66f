"""How right `fluxsecrets scan` is, beside gitleaks and other scanners that are on PATH.

    python -m benchmarks.accuracy [--seeds 9001 9002 ...]

Over the labelled repositories of tests/scan_corpus.py. A scanner is right about a leak where it names its
line, and wrong about each other line that it names. Kinds for which the others have no rule count as well:
they are why this scanner exists.
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

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

import scan_corpus  # noqa: E402 - it is among the tests

HELD_BACK = tuple(range(9001, 9011))
"""Seeds that nobody looked at while rules were written."""

Place = tuple[str, int, int]
"""A path, and the first and last line of what was found."""


def main() -> int:
    parser = argparse.ArgumentParser("python -m benchmarks.accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(HELD_BACK))
    args = parser.parse_args()
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        accuracy(ours, Path(folder), args.seeds)
    return 0


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
