"""Times fluxsecrets beside its peers, in one run on one machine, and prints ratios.

    python -m benchmarks [NAME...] [--rounds 3] [--write]

Every number is the best of several interleaved runs of whole processes. Peers (sops, gitleaks, kubeseal,
kingfisher) are taken from PATH; what is not there is not compared with.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from . import (
    auditing,
    cloud_keys,
    fleet,
    git_log,
    history,
    large_file,
    many_files,
    scanning,
    sealing,
    start_up,
)
from .measure import Cost
from .model import Row, Surroundings

BENCHMARKS = (
    start_up.BENCHMARK,
    many_files.BENCHMARK,
    cloud_keys.BENCHMARK,
    large_file.BENCHMARK,
    scanning.BENCHMARK,
    history.BENCHMARK,
    sealing.BENCHMARK,
    auditing.BENCHMARK,
    fleet.BENCHMARK,
    git_log.BENCHMARK,
)
"""One file each."""

RESULTS = Path(__file__).with_name("RESULTS.md")
_PEERS = ("sops", "gitleaks", "kubeseal", "kingfisher")


def main() -> int:
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3, help="runs of everything; the best counts")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} as well")
    args = parser.parse_args()
    unknown = set(args.names) - set(names)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2
    peers = {name: path for name in _PEERS if (path := shutil.which(name)) is not None}
    for name in _PEERS:
        if name not in peers:
            print(f"{name} is not on PATH: it is not compared with", file=sys.stderr)
    rows: list[Row] = []
    for benchmark in BENCHMARKS:
        if not args.names or benchmark.name in args.names:
            print(f"{benchmark.name} ...", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
                rows += benchmark.run(Surroundings(Path(folder), ours, peers, args.rounds))
    report = "\n\n".join((surroundings(ours, peers), table(rows), footnotes(rows)))
    print(report)
    if args.write:
        text = f"# Results\n\nWritten by `make bench ARGS=--write`.\n\n{report}\n"
        RESULTS.write_text(text, encoding="utf-8")
    return 0


def surroundings(ours: str, peers: Mapping[str, str]) -> str:
    """When, where, and with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = [
        datetime.now(UTC).date().isoformat(),
        f"{cores} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        _first_line([ours, "--version"]),
    ]
    if "sops" in peers:
        facts.append(_first_line([peers["sops"], "--disable-version-check", "--version"]))
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    if load is not None:
        facts.append(f"load at the end {load:.1f}")
    return " · ".join(facts)


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| | fluxsecrets | beside | that took | so it is | wanted | memory | its memory |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    notes = _notes(rows)
    for row in rows:
        ours, theirs = row.ours, row.theirs
        ratio = _ratio(ours, theirs, longer=row.at_most is not None) if theirs else "–"
        mark = f" [{notes.index(row.note) + 1}]" if row.note else ""
        memory = f"{ours.memory / 2**20:.0f} MiB"
        their_memory = f"{theirs.memory / 2**20:.0f} MiB" if theirs else "–"
        peer, taken = (row.peer, _seconds(theirs.seconds)) if theirs else ("–", "–")
        cells = [
            row.what + mark,
            _seconds(ours.seconds),
            peer,
            taken,
            ratio,
            _goal(row),
            memory,
            their_memory,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(ours: Cost, theirs: Cost, *, longer: bool) -> str:
    if longer or theirs.seconds < ours.seconds:
        return f"{ours.seconds / theirs.seconds:.2g} times as long"
    return f"{theirs.seconds / ours.seconds:.2g} times as fast"


def _goal(row: Row) -> str:
    if row.wanted is not None:
        return f"≥ {row.wanted:.2g} times as fast"
    if row.at_most is not None:
        return f"≤ {row.at_most:.2g} times as long"
    return f"≤ {_seconds(row.limit)}" if row.limit is not None else "–"


def footnotes(rows: Sequence[Row]) -> str:
    notes = ["Best of several interleaved runs; memory is that of the largest single process."]
    notes += [f"[{number}] {note}." for number, note in enumerate(_notes(rows), start=1)]
    return "  \n".join(notes)


def _notes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.note for row in rows if row.note))


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
