"""Times fluxsecrets beside its peers, in one run on one machine, and prints each figure beside its bound.

    python -m benchmarks [NAME...] [--rounds 3] [--write] [--tiny]

Every number is the best of several interleaved runs of whole processes. Peers (sops, gitleaks, kubeseal,
kingfisher) are taken from PATH; what is not there is not compared with. A command that fails or prints the
wrong thing is an error, not a time.
"""

import argparse
import compileall
import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from . import (
    agent,
    auditing,
    cloud_keys,
    extracting,
    fleet,
    git_log,
    history,
    hooks,
    large_file,
    many_environments,
    many_files,
    one_file,
    processes,
    scanning,
    sealing,
)
from .model import Benchmark, Row, Surroundings
from .results import Section, report

BENCHMARKS = (
    one_file.BENCHMARK,
    agent.BENCHMARK,
    many_files.BENCHMARK,
    processes.BENCHMARK,
    large_file.BENCHMARK,
    auditing.BENCHMARK,
    many_environments.BENCHMARK,
    hooks.BENCHMARK,
    scanning.BENCHMARK,
    history.BENCHMARK,
    fleet.BENCHMARK,
    git_log.BENCHMARK,
    extracting.BENCHMARK,
    sealing.BENCHMARK,
    cloud_keys.BENCHMARK,
)
"""One file each."""

RESULTS = Path(__file__).with_name("RESULTS.md")
_PEERS = ("sops", "gitleaks", "kubeseal", "kingfisher")
_NEEDED = ("sops", "gitleaks")
"""Peers that most bounds are measured by."""


def main(arguments: Sequence[str] | None = None) -> int:
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3, help="runs of everything; the best counts")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}, from the whole set only")
    parser.add_argument(
        "--tiny", action="store_true", help="show that everything runs; the times say nothing"
    )
    args = parser.parse_args(arguments)
    unknown = set(args.names) - set(names)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if args.rounds < 1:
        parser.error("--rounds is at least 1")
    if args.write and (args.tiny or set(args.names) not in (set(), set(names))):
        parser.error("--write wants the whole set, so that all results are of one state")
    peers = {name: path for name in _PEERS if (path := shutil.which(name)) is not None}
    for name in _PEERS:
        if name not in peers:
            print(f"{name} is not on PATH: it is not compared with", file=sys.stderr)
    if args.write and (missing := [name for name in _NEEDED if name not in peers]):
        parser.error(f"--write wants {' and '.join(missing)} on PATH, too")
    ours = shutil.which("fluxsecrets", path=sysconfig.get_path("scripts"))
    if ours is None:
        print("error: fluxsecrets is not installed: run `make bench`", file=sys.stderr)
        return 2

    _compile()
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as caches:
        os.environ["XDG_CACHE_HOME"] = caches
        return _run(args, ours, peers)


def _run(args: argparse.Namespace, ours: str, peers: dict[str, str]) -> int:
    rounds = 1 if args.tiny else args.rounds
    sections: list[Section] = []
    failures: list[str] = []
    for benchmark in BENCHMARKS:
        if not args.names or benchmark.name in args.names:
            start = time.monotonic()
            print(f"{benchmark.name} ...", end=" ", file=sys.stderr, flush=True)
            try:
                rows = measured(benchmark, ours, peers, rounds, tiny=args.tiny)
            except Exception as error:  # noqa: BLE001 - the others are measured all the same
                print(f"failed: {error}", file=sys.stderr)
                failures.append(benchmark.name)
                continue
            print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
            if rows:
                sections.append((benchmark.title or benchmark.name, rows))
    text = report(sections, ours, peers, rounds, tiny=args.tiny)
    print(text)
    if failures:
        print(f"error: failed, and not among the results: {', '.join(failures)}", file=sys.stderr)
        return 1
    if args.write:
        RESULTS.write_text(
            f"# Results\n\nWritten by `make bench ARGS=--write`.\n\n{text}\n", encoding="utf-8"
        )
    return 0


def measured(
    benchmark: Benchmark, ours: str, peers: dict[str, str], rounds: int, *, tiny: bool
) -> Sequence[Row]:
    """Run a benchmark in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-bench-") as folder:
        return benchmark.run(Surroundings(Path(folder).resolve(), ours, peers, rounds, tiny))


def _compile() -> None:
    """Compile the modules, as an installation does: a clone may be fresh, and Python may be kept from it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    package = find_spec("fluxsecrets")
    for folder in (package.submodule_search_locations or ()) if package is not None else ():
        compileall.compile_dir(folder, quiet=2, workers=0)


if __name__ == "__main__":
    sys.exit(main())
