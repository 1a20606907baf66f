"""Work over processes: in order, and an ending process is an error that says so."""

import os
import signal
import sys
import time
from functools import partial

import pytest

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.parallel import run_jobs

MIN_JOBS = 48
"""Fewer than these need no other process."""

needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


def double(number):
    return 2 * number


def own_process(number):
    return os.getpid()


def with_help(parent, mark, number):
    """In the parent, wait for a helper that takes part."""
    if number and os.getpid() == parent:
        end = time.monotonic() + 60
        while not mark.exists():
            assert time.monotonic() < end, "nobody helps"
            time.sleep(0.001)
    elif number:
        mark.touch()
    return os.getpid()


def die_as_a_helper(parent, mark, number):
    with_help(parent, mark, number)
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def fail_as_a_helper(parent, mark, number):
    with_help(parent, mark, number)
    if os.getpid() != parent:
        raise LookupError("somewhere else")


def large(number):
    return bytes([number % 256]) * 300_000


@pytest.mark.parametrize("count", [0, 1, MIN_JOBS - 1, MIN_JOBS, 5 * MIN_JOBS])
def test_results_are_in_order(count, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    assert list(run_jobs(double, range(count))) == [2 * number for number in range(count)]


def test_few_jobs_need_no_other_process(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    assert set(run_jobs(own_process, range(MIN_JOBS - 1))) == {os.getpid()}


@needs_fork
def test_helpers_take_part(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 3)
    done = list(run_jobs(partial(with_help, os.getpid(), tmp_path / "mark"), range(3 * MIN_JOBS)))
    assert done[0] == os.getpid()
    assert 2 <= len(set(done)) <= 3


@needs_fork
def test_more_than_a_pipe_holds(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 3)
    jobs = range(2 * MIN_JOBS)
    assert all(got == large(job) for job, got in zip(jobs, run_jobs(large, jobs), strict=True))


@needs_fork
def test_killed_helper_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    with pytest.raises(FluxsecretsError, match="a worker process was killed") as caught:
        list(run_jobs(partial(die_as_a_helper, os.getpid(), tmp_path / "mark"), range(MIN_JOBS)))
    assert "run the command again" in caught.value.hint


@needs_fork
def test_a_fault_in_a_helper_is_raised_here(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    with pytest.raises(LookupError, match="somewhere else"):
        list(run_jobs(partial(fail_as_a_helper, os.getpid(), tmp_path / "mark"), range(MIN_JOBS)))


@needs_fork
def test_results_that_nobody_wants_end_the_helpers(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    results = run_jobs(double, range(50 * MIN_JOBS))
    assert [next(results), next(results)] == [0, 2]
    results.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_where_nothing_can_be_forked_a_pool_gives_the_same(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel._cpus", lambda: 2)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.sys.platform", "darwin")
    assert list(run_jobs(abs, range(-MIN_JOBS, 0))) == list(range(MIN_JOBS, 0, -1))
