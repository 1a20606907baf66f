"""One batch on one core, on two, and so on: how much of each more core arrives."""

import os
import shutil
import sys
from functools import partial

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import Repository, make_repository

_FILES = 2_000
_MOST = 8
_ARRIVES = 0.8
"""The part of each core that is to arrive. One process does the rest for all: it finds the files, writes the
journal, and replaces what is verified."""


def measure(surroundings: Surroundings) -> list[Row]:
    taskset = shutil.which("taskset")
    if taskset is None:
        print("taskset is not on PATH: not measured;", end=" ", file=sys.stderr)
        return []
    cores = sorted(os.sched_getaffinity(0))
    numbers = [number for number in (1, 2, 4, _MOST) if number <= len(cores)]
    repository = make_repository(surroundings.folder, surroundings.size(_FILES, 20))
    encrypted = _encrypted(surroundings, repository)
    paths = list(repository.plain)
    rows = []
    for name, words, before in (
        ("encrypt", ["encrypt"], repository.plain),
        ("decrypt", ["decrypt", "-i", *paths], encrypted),
        ("rotate", ["rotate", "--all"], encrypted),
    ):
        tasks = {
            number: partial(
                _once,
                repository,
                before,
                [taskset, "-c", ",".join(map(str, cores[:number])), surroundings.ours, *words],
            )
            for number in numbers
        }
        best = interleave(surroundings.rounds, {str(number): task for number, task in tasks.items()})
        rows += [_row(f"{name} {len(paths):,} files", number, best) for number in numbers]
    return rows


BENCHMARK = Benchmark("processes", measure, "Batches over processes")


def _row(what: str, number: int, best: dict[str, Cost]) -> Row:
    cost, alone = best[str(number)], best["1"]
    if number == 1:
        return Row(f"{what} on one core", cost)
    arrives = alone.seconds / cost.seconds / number
    return Row(
        f"{what} on {number} cores ({arrives:.0%} of each arrives)",
        cost,
        alone,
        "one core",
        wanted=_ARRIVES * number,
    )


def _encrypted(surroundings: Surroundings, repository: Repository) -> dict[str, bytes]:
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    return repository.read()


def _once(repository: Repository, before: dict[str, bytes], command: list[str]) -> Cost:
    for path, content in before.items():
        (repository.folder / path).write_bytes(content)
    cost = run(command, repository.folder, repository.environment)
    if any(content == before[path] for path, content in repository.read().items()):
        raise RuntimeError("a file was left as it was")
    return cost
