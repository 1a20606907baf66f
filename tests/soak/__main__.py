"""Kill commands at random while an editor saves files, and look for losses: `make soak N=500 SECONDS=3600`.

Each round copies a repository, starts a command that changes many files in a process of its own, and kills it
(SIGKILL) at a random moment. A thread saves files meanwhile, in place and by renaming. Then `recover` ends
what was interrupted, one way or another; some of these runs are killed, too. Looked for are values that are
lost, edits that are lost, plain text that is left, and operations without a way out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.ops.run import settling
from soak.checks import check_round
from soak.editor import Editor
from soak.worlds import COMMANDS, Command, enter, make_worlds, run, secret_files

_LIMIT = 60  # seconds that one command may take
_KILL_RECOVERY = 0.15
_WHILE_WRITING = 0.7
"""How many of the kills wait for the journal, where a command has one."""


class _Duration(NamedTuple):
    """How long a command takes on this machine, in seconds.

    Attributes:
        writing: while there is a journal; 0 without one.
    """

    whole: float
    writing: float


def main() -> int:
    """Run the rounds; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="make soak", description="kill commands at random")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=3600, help="stop after so many seconds")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, help="keep the trees of failed rounds in this folder")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().getrandbits(32)
    print(f"seed {seed}; up to {arguments.kills} kills in {arguments.seconds} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        return _soak(Path(name), arguments.kills, arguments.seconds, random.Random(seed), arguments.keep)


def _soak(folder: Path, kills: int, seconds: int, chance: random.Random, keep: Path | None) -> int:
    start = time.monotonic()
    make_worlds(folder)
    durations = {command: _duration(folder, command) for command in COMMANDS}
    figures: Counter[str] = Counter()
    by_command: Counter[str] = Counter()
    problems: list[str] = []
    while figures["kills"] < kills and time.monotonic() - start < seconds:
        command = chance.choice(COMMANDS)
        world = folder / "round"
        shutil.copytree(folder / command.world, world, symlinks=True)
        found = _round(world, command, durations[command], chance, figures)
        by_command[f"{command.name} ({command.world})"] += 1
        problems += [f"{command.name}: {problem}" for problem in found]
        for problem in found:
            print(f"PROBLEM {command.name}: {problem}", flush=True)
        if figures["rounds"] % 25 == 0:
            print(f"{figures['kills']} kills in {time.monotonic() - start:.0f} s", flush=True)
        if found and keep is not None:
            shutil.copytree(world, keep / f"{figures['rounds']}", symlinks=True)
        shutil.rmtree(world)
    print(f"{time.monotonic() - start:.0f} s")
    for name, count in figures.items():
        print(f"{count:7} {name}")
    for name, count in sorted(by_command.items()):
        print(f"{count:7} rounds of {name}")
    print(f"{len(problems):7} problems")
    return 1 if problems else 0


def _duration(folder: Path, command: Command) -> _Duration:
    world = folder / "round"
    shutil.copytree(folder / command.world, world, symlinks=True)
    journal = world / "tree" / ".git" / "fluxsecrets" / "journal"
    begun, writing = time.monotonic(), 0.0
    process = _start(world, command.words, batch=1)
    while not (ended := os.waitpid(process, os.WNOHANG))[0]:
        if journal.exists():
            writing = writing or time.monotonic()
        time.sleep(0.0005)
    status = ended[1]
    if status:
        code, _, said = run(command.words)
        raise RuntimeError(f"{command.name} failed: {code} {said}")
    shutil.rmtree(world)
    end = time.monotonic()
    return _Duration(end - begun, end - writing if writing else 0.0)


def _start(
    world: Path,
    words: tuple[str, ...],
    *,
    batch: int = settling.BATCH,
    spread_from: int = settling.SPREAD_FROM,
) -> int:
    """Start a command in a process that is forked, which spares the start-up.

    Args:
        world: where it works.
        words: the command line.
        batch: files that are replaced together; few make the replacing last.
        spread_from: files from which several processes replace them.
    """
    enter(world)
    os.chdir(world / "tree")
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 70
    with suppress(BaseException):
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        sys.stdin = open(0)  # noqa: SIM115
        settling.BATCH, settling.SPREAD_FROM = batch, spread_from
        code = run(words)[0]
    os._exit(code)


def _round(
    world: Path, command: Command, duration: _Duration, chance: random.Random, figures: Counter[str]
) -> list[str]:
    root = world / "tree"
    journal = root / ".git" / "fluxsecrets" / "journal"
    figures["rounds"] += 1
    edited = [*secret_files(root), root / ".sops.yaml"]
    batch, spread_from = chance.choice((1, settling.BATCH)), chance.choice((2, settling.SPREAD_FROM))
    process = _start(world, command.words, batch=batch, spread_from=spread_from)
    with Editor(edited, duration.whole / 3, chance) as editor:
        _kill(process, journal, duration, chance, figures)
        figures["journals left"] += journal.exists()
        if chance.random() < _KILL_RECOVERY:
            way = chance.choice(("--resume", "--abort", "--leave"))
            _kill(_start(world, ("recover", way)), journal, _Duration(0.1, 0.0), chance, figures)
        said = _recover(root, journal, chance, figures)
    figures["edits saved"] += editor.saves
    problems = check_round(world, command, editor.last, figures)
    return [*said, *problems]


def _kill(
    process: int, journal: Path, duration: _Duration, chance: random.Random, figures: Counter[str]
) -> None:
    """Kill a process at a random moment, most of them while files are replaced."""
    end = time.monotonic() + _LIMIT
    if duration.writing and chance.random() < _WHILE_WRITING:
        while not journal.exists() and not _ended(process) and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(chance.random() ** 2 * duration.writing)
    else:
        time.sleep(chance.random() * duration.whole * 0.9)
    if not _ended(process):
        os.killpg(process, signal.SIGKILL) if _leads(process) else os.kill(process, signal.SIGKILL)
        figures["kills"] += 1
        with suppress(ChildProcessError):
            os.waitpid(process, 0)
    else:
        figures["ended before the kill"] += 1


def _leads(process: int) -> bool:
    """Whether it has its own group by now, with its workers in it."""
    try:
        return os.getpgid(process) == process
    except ProcessLookupError:
        return False


def _ended(process: int) -> bool:
    try:
        return os.waitpid(process, os.WNOHANG)[0] == process
    except ChildProcessError:
        return True


def _recover(root: Path, journal: Path, chance: random.Random, figures: Counter[str]) -> list[str]:
    """End what was interrupted; there has to be a way."""
    os.chdir(root)
    state = json.loads(run(("recover", "--format", "json"))[1])
    if not journal.exists():
        return []
    figures["files changed meanwhile"] += state["summary"]["changed"]
    if state["interrupted"] is None:
        return [f"the journal cannot be followed: {state['problem']}"]
    way = chance.choice(state["ways"])
    code, printed, said = run(("recover", f"--{way}", "--format", "json"))
    if code == 2:
        return [f"recover --{way} failed: {said}"]
    figures[f"ended by {way}"] += 1
    figures["files kept with both versions"] += len(json.loads(printed)["ended"]["kept"])
    return []


if __name__ == "__main__":
    sys.exit(main())
