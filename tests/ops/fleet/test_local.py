"""Tasks in processes: one that kills its process is an error, and the others are done."""

import os
import signal
import sys

import pytest

from fluxsecrets.ops.fleet.local import ATTEMPTS, run_here
from fluxsecrets.ops.fleet.task import RepositoryTask
from fluxsecrets.ops.fleet.wire import RepositoryResult, encode


def work(fields):
    task = RepositoryTask(*fields)
    if task.path.startswith("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if task.path.startswith("once"):
        marker = task.place
        if not os.path.exists(marker):  # noqa: PTH110
            with open(marker, "x"):  # noqa: PTH123
                os.kill(os.getpid(), signal.SIGKILL)
    return encode(RepositoryResult(files=1))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_takes_only_its_own_task_with_it(tmp_path):
    names = ["a", "killed", "b", "once", "c", "d", "e"]
    tasks = [RepositoryTask(name, str(tmp_path / name)) for name in names]
    results = {task.path: result for task, result in run_here(tasks, work, workers=2)}
    assert set(results) == set(names)
    assert {name for name, result in results.items() if result.problems} == {"killed"}
    assert f"killed {ATTEMPTS} times" in results["killed"].problems[0].message


def test_without_processes_to_spare(tmp_path):
    tasks = [RepositoryTask("a", str(tmp_path))]
    assert [result.files for _, result in run_here(tasks, work)] == [1]
