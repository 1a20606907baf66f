"""Times fluxsecrets beside sops, in one run on one machine, and prints ratios.

    python -m benchmarks [--counts 200 2000] [--rounds 3] [--write]

Every number is the best of several interleaved runs of whole processes. `sops` is taken from PATH; without it
only fluxsecrets is measured.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from .measure import Cost, interleave, run
from .repository import Repository, make_repository

RESULTS = Path(__file__).with_name("RESULTS.md")
SAMPLE = 200
STARTS = 10


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    ours: Cost
    theirs: Cost | None
    note: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="compare fluxsecrets with sops")
    parser.add_argument("--counts", type=int, nargs="+", default=[200, 2000], help="files per repository")
    parser.add_argument("--rounds", type=int, default=3, help="runs of everything; the best counts")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} as well")
    args = parser.parse_args()

    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts")) or shutil.which("fluxsecrets")
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    sops = shutil.which("sops")
    if sops is None:
        print("sops is not on PATH: only fluxsecrets is measured", file=sys.stderr)

    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        parent = Path(folder)
        for count in args.counts:
            print(f"{count} files ...", file=sys.stderr)
            rows += many_files(make_repository(parent, count), ours, sops, args.rounds)
        print("start-up ...", file=sys.stderr)
        starts = start_up(make_repository(parent, 1), ours, sops)
    report = "\n\n".join((surroundings(ours, sops), table(rows), start_table(starts), footnotes(rows)))
    print(report)
    if args.write:
        RESULTS.write_text(
            f"# Results\n\nWritten by `make bench ARGS=--write`.\n\n{report}\n", encoding="utf-8"
        )
    return 0


def many_files(repository: Repository, ours: str, sops: str | None, rounds: int) -> list[Row]:
    """Encrypt and decrypt all files: one process of ours, one process a file of sops."""
    paths = list(repository.plain)
    sample = paths[:SAMPLE]
    encrypted: dict[str, bytes] = {}

    def work(command: list[str], check: Callable[[], None]) -> Cost:
        cost = run(command, repository.folder, repository.environment)
        check()
        return cost

    def is_encrypted(subset: list[str]) -> None:
        now = repository.read()
        if not all(b"\nsops:\n" in now[path] for path in subset):
            raise RuntimeError("encrypt left a file in plain text")
        encrypted.update({path: now[path] for path in subset})

    def is_plain(subset: list[str]) -> None:
        now = repository.read()
        if any(b"\nsops:\n" in now[path] for path in subset):
            raise RuntimeError("decrypt left a file encrypted")
        if subset is paths and now != repository.plain:
            raise RuntimeError("fluxsecrets did not give the files back byte for byte")

    def encrypt(command: list[str], subset: list[str]) -> Cost:
        repository.restore()
        return work(command, partial(is_encrypted, subset))

    def decrypt(command: list[str], subset: list[str]) -> Cost:
        for path, content in encrypted.items():
            (repository.folder / path).write_bytes(content)
        return work(command, partial(is_plain, subset))

    def loop(flag: str) -> list[str]:
        # What people do without us: a shell loop.
        return ["sh", "-c", f'for file; do "$SOPS" {flag} -i "$file" || exit; done', "sh", *sample]

    tasks = {
        "encrypt": lambda: encrypt([ours, "encrypt"], paths),
        "decrypt": lambda: decrypt([ours, "decrypt", "-i", *paths], paths),
    }
    if sops is not None:
        repository.environment["SOPS"] = sops
        tasks["sops encrypt"] = lambda: encrypt(loop("-e"), sample)
        tasks["sops decrypt"] = lambda: decrypt(loop("-d"), sample)
    best = interleave(rounds, tasks)
    note = f"sops: {len(sample)} files, scaled" if sops and len(sample) < len(paths) else ""
    scale = len(paths) / len(sample)
    return [
        Row(
            f"{name} {len(paths):,} files",
            best[name],
            best[f"sops {name}"].times(scale) if sops is not None else None,
            note,
        )
        for name in ("encrypt", "decrypt")
    ]


def start_up(repository: Repository, ours: str, sops: str | None) -> dict[str, Cost]:
    """What every single command costs, to compare with an empty Python process."""
    (path,) = repository.plain
    run([ours, "encrypt"], repository.folder, repository.environment)
    commands = {
        "python -I -c pass": [sys.executable, "-I", "-c", "pass"],
        "fluxsecrets --version": [ours, "--version"],
        "fluxsecrets decrypt FILE": [ours, "decrypt", path],
    }
    if sops is not None:
        commands["sops decrypt FILE"] = [sops, "decrypt", path]
    return interleave(
        STARTS,
        {
            name: partial(run, command, repository.folder, repository.environment)
            for name, command in commands.items()
        },
    )


def surroundings(ours: str, sops: str | None) -> str:
    """When, where, and with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = [
        datetime.now(UTC).date().isoformat(),
        f"{cores} cores",
        f"{platform.system()} {platform.machine()}",
    ]
    facts += [f"Python {platform.python_version()}", _first_line([ours, "--version"])]
    if sops is not None:
        facts.append(_first_line([sops, "--disable-version-check", "--version"]))
    return " · ".join(facts)


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def table(rows: list[Row]) -> str:
    lines = [
        "| | fluxsecrets | sops, one by one | times as fast | memory | sops's memory |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ours, theirs = row.ours, row.theirs
        ratio = f"{theirs.seconds / ours.seconds:.1f}" if theirs else "–"
        star = " *" if row.note else ""
        cells = [row.what, _seconds(ours), _seconds(theirs) + star, ratio, _memory(ours), _memory(theirs)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def start_table(starts: dict[str, Cost]) -> str:
    unit = starts["python -I -c pass"].seconds
    # No memory here: what is smaller than this process itself can't be measured from it.
    lines = ["| one process | time | × an empty Python |", "|---|---:|---:|"]
    for name, cost in starts.items():
        lines.append(f"| `{name}` | {cost.seconds * 1000:.0f} ms | {cost.seconds / unit:.1f} |")
    return "\n".join(lines)


def footnotes(rows: list[Row]) -> str:
    notes = ["Best of several interleaved runs; memory is that of the largest single process."]
    notes += sorted({f"* {row.note} up." for row in rows if row.note})
    return "  \n".join(notes)


def _seconds(cost: Cost | None) -> str:
    return "–" if cost is None else f"{cost.seconds:.2f} s"


def _memory(cost: Cost | None) -> str:
    return "–" if cost is None else f"{cost.memory / 2**20:.0f} MiB"


if __name__ == "__main__":
    sys.exit(main())
