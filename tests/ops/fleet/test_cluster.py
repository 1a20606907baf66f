"""A scan on a Dask cluster of several processes, one of which is killed while it scans."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.fleet.cluster import Cluster, checked

from .conftest import MARKER

PATIENCE = 60


@pytest.mark.parametrize(
    "address",
    [
        "",
        "scheduler",
        "tcp://scheduler",
        "tcp://10.0.0.1:8786",
        "10.0.0.1:8786",
        "tcp://127.0.0.1.example.com:1",
        "tcp://localhost:0",
        "tcp://localhost:70000",
        "inproc://localhost:1",
        "ws://localhost:1",
        "tcp://localhost:1/x",
        "tls://scheduler:8786",
        "tcp://user@localhost:1",
    ],
)
def test_addresses_that_are_refused(address):
    with pytest.raises(UsageError) as caught:
        checked(Cluster(address))
    assert caught.value.hint


def test_addresses_that_are_taken():
    assert checked(Cluster("localhost:8786")).address == "tcp://localhost:8786"
    assert checked(Cluster("tcp://[::1]:8786")).address == "tcp://[::1]:8786"
    files = (Path("ca"), Path("cert"), Path("key"))
    assert checked(Cluster("tls://scheduler:8786", *files)).authority == Path("ca")
    with pytest.raises(UsageError):
        checked(Cluster("tcp://localhost:8786", *files))
    with pytest.raises(UsageError):
        checked(Cluster("tls://scheduler:8786", Path("ca")))


# --- a real cluster --------------------------------------------------------------------------------


@contextmanager
def started(folder, *command, **environment):
    """A process that is ended in the end, whatever happens."""
    log = (folder / f"{len(list(folder.iterdir()))}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "the cluster takes too long"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler without workers, and what starts a worker."""
    pytest.importorskip("distributed")
    folder = tmp_path / "cluster"
    folder.mkdir()
    file = folder / "scheduler.json"
    quiet = ("--no-dashboard",)
    with ExitStack() as processes:

        def worker(**environment):
            options = ("--scheduler-file", str(file), "--no-nanny", *quiet, "--nthreads", "1")
            return processes.enter_context(
                started(folder, "distributed.cli.dask_worker", *options, **environment)
            )

        options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), *quiet)
        processes.enter_context(started(folder, "distributed.cli.dask_scheduler", *options))
        until(lambda: file.exists() and file.stat().st_size)
        yield json.loads(file.read_text())["address"], worker


CHECK = """
import sys
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.fleet.cluster import Cluster, run_on_cluster
from fluxsecrets.ops.fleet.task import RepositoryTask
works = {"object": {"work": set}, "error": {"work": int}}
for name, address, patience in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    cluster = Cluster(address, patience=float(patience), connect=float(patience))
    try:
        (result,) = run_on_cluster([RepositoryTask("a", "/a")], cluster, **works.get(name, {}))
        print(name, result[1].problems[0].message)
    except FluxsecretsError as error:
        print(name, error)
"""


def check(folder, *cases):
    """What becomes of a task in some cases, each with an address and seconds of patience."""
    words = [str(word) for case in cases for word in case]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, *words],
        cwd=folder,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_cluster(repositories, cluster, tmp_path):
    address, worker = cluster
    without, no_worker = check(tmp_path, ("without", "127.0.0.1:1", 1), ("nobody", address, 0.3))
    assert "does not answer" in without
    assert no_worker == "nobody not scanned: the cluster has no worker"

    # The first worker gets no further than its first question to git. The second one does it again.
    shutil.rmtree(repositories / "notes")
    (repositories / "broken" / ".git").mkdir(parents=True)
    tools, reached = tmp_path / "tools", tmp_path / "reached"
    tools.mkdir()
    (tools / "git").write_text(f"#!/bin/sh\n: > {reached}\nexec sleep 60\n")
    (tools / "git").chmod(0o755)
    stuck = worker(PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")
    command = ["-m", "fluxsecrets", "scan", "--repos", ".", "--dask", address, "--format", "json"]
    scan = subprocess.Popen(
        [sys.executable, *command], cwd=repositories, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        until(reached.exists)
        worker()
        stuck.send_signal(signal.SIGKILL)
        output, errors = scan.communicate(timeout=PATIENCE)
    finally:
        scan.kill()
    assert MARKER.encode() not in output + errors
    data = json.loads(output)
    found = [(each["path"], each["repository"]) for each in data["findings"]]
    assert found == [
        ("infra/secret.yaml", "infra"),
        ("mirror.git/secret.yaml", "mirror.git"),
        ("team/apps/secret.yaml", "team/apps"),
    ]
    assert [each["path"] for each in data["errors"]] == ["broken"]
    assert scan.returncode == 2

    wrong = check(tmp_path, ("object", address, PATIENCE), ("error", address, PATIENCE))
    assert "not the result of a scan" in wrong[0] or "did not finish" in wrong[0]
    assert "did not finish" in wrong[1]
