"""Histories: cold and warm, beside gitleaks and kingfisher, on one that is made here and on any clone.

The made one has 30,000 commits, most of which change the version in one of 400 manifests, as bots do. Set
HISTORY to the path of a clone to measure that as well.
"""

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

from .measure import Cost, interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import git_variables

_COMMITS = 30_000
_FILES = 400


def measure(surroundings: Surroundings) -> list[Row]:
    made = surroundings.folder / "made"
    commits = surroundings.size(_COMMITS, 30)
    make_history(made, commits)
    rows = _rows(surroundings, made, f"history of {commits:,} commits")
    clone = os.environ.get("HISTORY")
    if clone:
        rows += _rows(surroundings, Path(clone).resolve(), "history of the clone in HISTORY")
    return rows


BENCHMARK = Benchmark("history", measure, "Histories")


def _rows(surroundings: Surroundings, folder: Path, what: str) -> list[Row]:
    environment = git_variables(surroundings.folder)
    ours = [surroundings.ours, "scan", "--history", "--quiet"]
    quiet = ["--quiet", "--no-validate", "--no-update-check", "--git-history", "full", "."]
    commands = {
        "cold": [*ours, "--no-cache"],
        "warm": ours,
        "gitleaks": [surroundings.peers.get("gitleaks", ""), "git", "--no-banner", "--exit-code", "0", "."],
        "kingfisher": [surroundings.peers.get("kingfisher", ""), "scan", *quiet],
    }
    tasks = {name: _task(command, folder, environment) for name, command in commands.items() if command[0]}
    tasks["cold"]()  # compiles the patterns
    tasks["warm"]()  # fills the cache
    best = interleave(surroundings.rounds, tasks)
    aims = (("cold", "gitleaks", 5), ("cold", "kingfisher", 1.5), ("warm", "gitleaks", 20))
    return [Row(f"{what}, {ours}", best[ours], best.get(peer), peer, wanted) for ours, peer, wanted in aims]


def _task(command: list[str], folder: Path, environment: dict[str, str]) -> Callable[[], Cost]:
    # kingfisher exits with 200 and more if it found something, and the others may find something, too.
    shell = 'if "$@"; then :; else code=$?; [ $code -eq 1 ] || [ $code -ge 200 ]; fi'
    return lambda: run(["sh", "-c", shell, "sh", *command], folder, environment)


def make_history(folder: Path, commits: int) -> None:
    """A repository with so many commits, by `git fast-import`."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    chance = random.Random(commits)
    stream = bytearray()
    for number in range(commits):
        app = number if number < _FILES else chance.randrange(_FILES)
        content = _manifest(app, number).encode()
        stream += b"commit refs/heads/main\n"
        stream += b"committer benchmark <benchmark@waddle.example> %d +0000\n" % (1_700_000_000 + number)
        stream += b"data 6\nupdate\n"
        stream += b"M 100644 inline apps/%d/helmrelease.yaml\ndata %d\n%s\n" % (app, len(content), content)
    command = ["git", "-C", str(folder), "fast-import", "--quiet"]
    subprocess.run(command, input=bytes(stream), check=True)
    subprocess.run(["git", "-C", str(folder), "symbolic-ref", "HEAD", "refs/heads/main"], check=True)
    subprocess.run(["git", "-C", str(folder), "reset", "--quiet", "--hard"], check=True)


def _manifest(app: int, version: int) -> str:
    variables = "".join(f"        SETTING_{number}: value-{number}\n" for number in range(app % 40))
    digest = random.Random(version).randbytes(32).hex()
    return (
        f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: app-{app}\nspec:\n"
        f"  interval: 30m\n  values:\n    image:\n      tag: 1.{version}.0@sha256:{digest}\n"
        f"    env:\n{variables}        PASSWORD: ${{APP_{app}_PASSWORD}}\n"
        f"    existingSecret: app-{app}-auth\n"
        f"  valuesFrom:\n    - kind: Secret\n      name: app-{app}-values\n"
    )
