"""The same commands with `fluxsecrets agent`, beside sops and beside the same commands without it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .one_file import prepare, printed_by
from .repository import Repository

_STARTS = 30
_BOUND = 1.3
"""Times sops."""

_GAIN = 2
"""Times as fast as without the agent, or it is not worth having."""

_WORK = ("decrypt", "decrypt, the drop-in", "get")


def measure(surroundings: Surroundings) -> list[Row]:
    if not _exists(surroundings.ours):
        print("there is no `fluxsecrets agent`: not measured;", end=" ", file=sys.stderr)
        return []
    repository, everything = prepare(surroundings)
    (path,) = repository.plain
    sops = surroundings.peers.get("sops")
    decrypts = (sops, "decrypt", path) if sops is not None else None
    commands = [
        (
            work.what,
            work.ours,
            (sops, *work.theirs) if sops is not None else None,
            printed_by(work, ours=True),
        )
        for work in everything
        if work.what in _WORK
    ]
    commands.append(("textconv", (surroundings.ours, "textconv", path), decrypts, None))
    without = {**repository.environment, "FLUXSECRETS_NO_AGENT": "1"}
    rows = []
    with _running(surroundings, repository) as environment:
        for what, ours, theirs, right in commands:
            tasks = {
                "ours": partial(run, ours, repository.folder, environment, prints=right),
                "alone": partial(run, ours, repository.folder, without, prints=right),
            }
            if theirs is not None:
                tasks["sops"] = partial(run, theirs, repository.folder, environment)
            best = interleave(surroundings.starts(_STARTS), tasks)
            title = f"{what}, with the agent"
            rows.append(Row(title, best["ours"], best.get("sops"), "sops decrypt", at_most=_BOUND))
            rows.append(Row(title, best["ours"], best["alone"], "without the agent", _GAIN))
    return rows


BENCHMARK = Benchmark("agent", measure, "One file, with the agent")


def _exists(ours: str) -> bool:
    return subprocess.run([ours, "agent", "--help"], capture_output=True, check=False).returncode == 0


@contextmanager
def _running(surroundings: Surroundings, repository: Repository) -> Iterator[Mapping[str, str]]:
    """Variables with which the commands find an agent that runs; it is stopped in the end."""
    folder = Path(surroundings.folder) / "run"
    folder.mkdir(mode=0o700)
    environment = {**repository.environment, "XDG_RUNTIME_DIR": str(folder)}
    run([surroundings.ours, "agent"], repository.folder, environment)
    try:
        run([surroundings.ours, "agent", "status"], repository.folder, environment)
        yield environment
    finally:
        subprocess.run(
            [surroundings.ours, "agent", "stop"], env=environment, capture_output=True, check=False
        )
