"""Whole processes: how long they take, and how much memory."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EMPTY = (sys.executable, "-I", "-c", "pass")
"""The least that a program in Python costs, on this machine at this moment."""

_TIMED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("timed.py")))
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
        text = _timed(command, cwd, environment, subprocess.DEVNULL if prints is None else out, errors)
        if not text:
            raise RuntimeError(f"{command[0]} can't be started: {_read(errors)}")
        seconds, memory, code = text.split()
        if code != "0":
            raise RuntimeError(f"{command[0]} exited with {code}: {_read(errors)}")
        if prints is not None and not prints(_bytes(out)):
            raise RuntimeError(f"{' '.join(map(str, command))} printed something else than expected")
    return Cost(float(seconds), int(memory) * _RSS_UNIT)


def _timed(
    command: Sequence[str | Path],
    cwd: Path,
    environment: Mapping[str, str],
    out: int | IO[bytes],
    errors: IO[bytes],
) -> str:
    """What `timed.py` writes of a command; "" if it could not start it."""
    read, write = os.pipe()
    try:
        with subprocess.Popen(
            [*_TIMED, str(write), *map(str, command)],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            pass_fds=(write,),
        ):
            os.close(write)
            write = -1
            with os.fdopen(read, encoding="ascii") as pipe:
                read = -1
                return pipe.read()
    finally:
        for descriptor in (read, write):
            if descriptor >= 0:
                os.close(descriptor)


def _bytes(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _read(errors: IO[bytes]) -> str:
    return _bytes(errors).decode(errors="replace")[-2000:]


def interleave(rounds: int, tasks: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Run the tasks in turns, so that a slow minute hits all of them; the best of each counts."""
    best: dict[str, Cost] = {}
    for _ in range(rounds):
        for name, task in tasks.items():
            best[name] = task().best(best.get(name))
    return best
