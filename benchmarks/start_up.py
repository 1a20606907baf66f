"""What every single command costs, beside an empty Python process."""

import sys
from functools import partial

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import make_repository

_STARTS = 10


def measure(surroundings: Surroundings) -> list[Row]:
    repository = make_repository(surroundings.folder, 1)
    (path,) = repository.plain
    run([surroundings.ours, "encrypt"], repository.folder, repository.environment)
    commands = {
        "python -I -c pass": [sys.executable, "-I", "-c", "pass"],
        "--version": [surroundings.ours, "--version"],
        "decrypt, one file": [surroundings.ours, "decrypt", path],
    }
    if "sops" in surroundings.peers:
        commands["sops decrypt, one file"] = [surroundings.peers["sops"], "decrypt", path]
    costs = interleave(
        _STARTS,
        {
            name: partial(run, command, repository.folder, repository.environment)
            for name, command in commands.items()
        },
    )
    empty = costs.pop("python -I -c pass")
    at_most = {"--version": 5, "decrypt, one file": 8}
    return [
        Row(name, cost, empty, "an empty Python", at_most=at_most.get(name)) for name, cost in costs.items()
    ]


BENCHMARK = Benchmark("start-up", measure)
