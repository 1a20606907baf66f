"""Many repositories: fifty histories on two Dask workers, beside one process."""

import importlib.util
import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from .measure import interleave, run
from .model import Benchmark, Row, Surroundings
from .repository import git_variables

REPOSITORIES = 50
_COMMITS = 150
_FILES = 120
_CHANGED = 12
"""Files per commit."""

_WORKERS = 2
_ROUNDS = 2
_PATIENCE = 60


def measure(surroundings: Surroundings) -> list[Row]:
    one_processor = shutil.which("taskset")
    if importlib.util.find_spec("distributed") is None or one_processor is None:
        print("distributed or taskset is missing: not measured;", end=" ", file=sys.stderr)
        return []
    count = surroundings.size(REPOSITORIES, 2)
    clones = make_repositories(surroundings.folder / "clones", count, surroundings.size(_COMMITS, 3))
    environment = git_variables(surroundings.folder)
    # Without the cache, so that the second run is not spared the work of the first.
    scan = [surroundings.ours, "scan", "--repos", "clones", "--history", "--no-cache"]
    run([surroundings.ours, "scan", "--repos", "clones/infra-00.git"], clones.parent, environment)
    workers = surroundings.size(_WORKERS, 1)
    with cluster(surroundings.folder / "cluster", environment, workers) as address:
        tasks = {
            "cluster": partial(run, [*scan, "--dask", address], clones.parent, environment),
            "one": partial(run, [one_processor, "-c", "0", *scan], clones.parent, environment),
        }
        best = interleave(min(surroundings.rounds, _ROUNDS), tasks)
    what = f"{count} histories on {workers} Dask workers"
    note = (
        f"histories of {surroundings.size(_COMMITS, 3)} commits; workers run already, as in a cluster; "
        "the compiled patterns are cached"
    )
    return [Row(what, best["cluster"], best["one"], "one process", wanted=1.7, note=note)]


BENCHMARK = Benchmark("fleet", measure, "Many repositories")


def make_repositories(folder: Path, count: int, commits: int) -> Path:
    """Make bare repositories of manifests as they should be, with the same content in every run."""
    folder.mkdir()
    for number in range(count):
        place = folder / f"infra-{number:02}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", place], check=True)
        stream = b"".join(_stream(random.Random(number), commits))
        subprocess.run(["git", "fast-import", "--quiet"], cwd=place, input=stream, check=True)
    return folder


def _stream(chance: random.Random, commits: int) -> Iterator[bytes]:
    for commit in range(commits):
        who = f"benchmark <benchmark@waddle.example> {1_700_000_000 + commit * 3600} +0000"
        yield f"commit refs/heads/main\ncommitter {who}\ndata 4\nmore\n".encode()
        files = range(_FILES) if commit == 0 else chance.sample(range(_FILES), _CHANGED)
        for number in files:
            content = _manifest(number, chance).encode()
            yield f"M 100644 inline apps/app-{number}/release.yaml\ndata {len(content)}\n".encode() + content
            yield b"\n"
    yield b"done\n"


def _manifest(number: int, chance: random.Random) -> str:
    digest = f"{chance.getrandbits(256):064x}"
    variables = "".join(
        f"      - name: SETTING_{index}\n        value: value-{chance.randrange(10_000)}\n"
        for index in range(30)
    )
    return f"""\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: app-{number}
  namespace: apps
spec:
  interval: 1h
  chart:
    spec:
      chart: app
      version: {chance.randrange(9)}.{chance.randrange(99)}.{chance.randrange(99)}
  values:
    image:
      repository: registry.waddle.example/app-{number}
      tag: v{chance.randrange(99)}@sha256:{digest}
    database:
      existingSecret: app-{number}-database
      passwordKey: password
    env:
{variables}\
      - name: DB_PASSWORD
        valueFrom:
          secretKeyRef: {{name: app-{number}-database, key: password}}
"""


@contextmanager
def cluster(folder: Path, environment: dict[str, str], workers: int = _WORKERS) -> Iterator[str]:
    """The address of a scheduler with workers on this machine; all are ended in the end."""
    folder.mkdir()
    file = folder / "scheduler.json"
    with ExitStack() as processes:
        log = processes.enter_context((folder / "log").open("wb"))

        def start(*command: str) -> None:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=folder, env=environment, stdout=log, stderr=log
            )
            processes.callback(process.wait)
            processes.callback(process.terminate)

        quiet = ("--no-dashboard", "--scheduler-file", str(file))
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *quiet)
        for _ in range(workers):
            start("distributed.cli.dask_worker", "--nthreads", "1", "--no-nanny", *quiet)
        end = time.monotonic() + _PATIENCE
        while (folder / "log").read_text().count("Register worker") < workers:
            if time.monotonic() > end:
                raise RuntimeError("the cluster did not start")
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
