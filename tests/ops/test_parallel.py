"""Work over processes: in order, and an ending process is an error that says so."""

import os
import signal
import sys

import pytest

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.parallel import MIN_JOBS, run_jobs


def double(number):
    return 2 * number


def own_process(number):
    return os.getpid()


def die_later(number):
    if number:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("count", [0, 1, MIN_JOBS - 1, MIN_JOBS, 5 * MIN_JOBS])
def test_results_are_in_order(count, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.parallel._cpus", lambda: 2)
    assert list(run_jobs(double, range(count))) == [2 * number for number in range(count)]


def test_few_jobs_need_no_other_process(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.parallel._cpus", lambda: 2)
    assert set(run_jobs(own_process, range(MIN_JOBS - 1))) == {os.getpid()}


def test_the_first_of_many_jobs_is_done_here_and_the_rest_elsewhere(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.parallel._cpus", lambda: 2)
    first, *rest = run_jobs(own_process, range(MIN_JOBS))
    assert first == os.getpid()
    assert os.getpid() not in rest


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_killed_worker_is_an_error(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.parallel._cpus", lambda: 2)
    with pytest.raises(FluxsecretsError, match="a worker process was killed") as caught:
        list(run_jobs(die_later, range(MIN_JOBS)))
    assert "run the command again" in caught.value.hint
