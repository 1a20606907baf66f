"""Whole processes: how long they take, and how much memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EMPTY = (sys.executable, "-I", "-c", "pass")
"""The least that a program in Python costs, on this machine at this moment."""

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from start to end, and bytes of the largest single process (children included)."""

    seconds: float
    memory: int

    def best(self, other: "Cost | None") -> "Cost":
        """The faster time and the smaller memory: what is above is the machine's noise."""
        if other is None:
            return self
        return Cost(min(self.seconds, other.seconds), min(self.memory, other.memory))

    def times(self, factor: float) -> "Cost":
        return Cost(self.seconds * factor, self.memory)

    def less(self, start: "Cost") -> "Cost":
        """What is left without the start of a process."""
        return Cost(max(self.seconds - start.seconds, 0.0), self.memory)


def run(
    command: Sequence[str | Path],
    cwd: Path,
    environment: Mapping[str, str],
    *,
    prints: Callable[[bytes], bool] | None = None,
) -> Cost:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        cwd: the folder that it works in.
        environment: all its variables.
        prints: whether its standard output is right; without it, nobody looks.

    Raises:
        RuntimeError: it failed or printed something else; the text has what it wrote to standard error.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if prints is None else out,
            stderr=errors,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            text = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command[0]} exited with {process.returncode}: {text}")
        if prints is not None:
            out.seek(0)
            if not prints(out.read()):
                raise RuntimeError(f"{' '.join(map(str, command))} printed something else than expected")
    return Cost(seconds, usage.ru_maxrss * _RSS_UNIT)


def interleave(rounds: int, tasks: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Run the tasks in turns, so that a slow minute hits all of them; the best of each counts."""
    best: dict[str, Cost] = {}
    for _ in range(rounds):
        for name, task in tasks.items():
            best[name] = task().best(best.get(name))
    return best
