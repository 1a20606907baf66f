"""Work over processes: in order, and an ending process is an error that says so."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.parallel import run_jobs

if sys.platform == "linux":
    from fluxsecrets.ops.run import forked

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


def wait_as_a_helper(parent, number):
    if os.getpid() != parent:
        time.sleep(60)
    return number


def large(number):
    return bytes([number % 256]) * 300_000


@pytest.mark.parametrize("count", [0, 1, MIN_JOBS - 1, MIN_JOBS, 5 * MIN_JOBS])
def test_results_are_in_order(count, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    assert list(run_jobs(double, range(count))) == [2 * number for number in range(count)]


def test_few_jobs_need_no_other_process(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    assert set(run_jobs(own_process, range(MIN_JOBS - 1))) == {os.getpid()}


@needs_fork
def test_helpers_take_part(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 3)
    done = list(run_jobs(partial(with_help, os.getpid(), tmp_path / "mark"), range(3 * MIN_JOBS)))
    assert done[0] == os.getpid()
    assert 2 <= len(set(done)) <= 1 + 3, "the first job is done here, the others by one process per CPU"


@needs_fork
def test_more_than_a_pipe_holds(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 3)
    jobs = range(2 * MIN_JOBS)
    assert all(got == large(job) for job, got in zip(jobs, run_jobs(large, jobs), strict=True))


@needs_fork
def test_killed_helper_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    with pytest.raises(FluxsecretsError, match="a worker process was killed") as caught:
        list(run_jobs(partial(die_as_a_helper, os.getpid(), tmp_path / "mark"), range(MIN_JOBS)))
    assert "run the command again" in caught.value.hint


def double_or_die(mark, number):
    if number >= 2 * forked._AHEAD - 2:  # the last two that are asked for before a result is taken
        wait_until(mark.exists)
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@needs_fork
def test_it_is_said_if_all_helpers_were_killed_before_all_was_asked_for(tmp_path):
    before, mark = children(), tmp_path / "mark"
    results = forked.spread(partial(double_or_die, mark), [(number,) for number in range(200)], 2)
    assert next(results) == 0
    mark.touch()
    helpers = children() - before
    assert len(helpers) == 2
    wait_until(lambda: not any(map(is_running, helpers)))
    with pytest.raises(FluxsecretsError, match="killed"):
        list(results)


@needs_fork
def test_a_fault_in_a_helper_is_raised_here(tmp_path, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    with pytest.raises(LookupError, match="somewhere else"):
        list(run_jobs(partial(fail_as_a_helper, os.getpid(), tmp_path / "mark"), range(MIN_JOBS)))


@needs_fork
def test_results_that_nobody_wants_end_the_helpers(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    results = run_jobs(double, range(50 * MIN_JOBS))
    assert [next(results), next(results)] == [0, 2]
    results.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@needs_fork
def test_closing_does_not_wait_for_what_helpers_have_begun(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    results = run_jobs(partial(wait_as_a_helper, os.getpid()), range(MIN_JOBS))
    assert next(results) == 0
    begun = time.monotonic()
    monkeypatch.setattr("select.poll", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert time.monotonic() - begun < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def interrupted():
    raise KeyboardInterrupt


@needs_fork
def test_helpers_end_with_a_killed_parent(tmp_path):
    program = f"""if True:
        import os, pathlib, time
        from fluxsecrets.ops.run import parallel

        def work(number):
            if number:
                pathlib.Path({str(tmp_path)!r}, str(os.getpid())).touch()
                time.sleep(60)

        parallel.cpus = lambda: 2
        list(parallel.run_jobs(work, range({MIN_JOBS})))
    """
    parent = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    parent.kill()
    parent.wait()
    helpers = [int(path.name) for path in tmp_path.iterdir()]
    wait_until(lambda: not any(map(is_running, helpers)))


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def children():
    """The processes that this one started and has not waited for."""
    found = Path("/proc/self/task").glob("*/children")
    return {int(number) for path in found for number in path.read_text().split()}


def is_running(process):
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_without_semaphores_all_is_done_in_this_process(monkeypatch):
    def missing(_context):
        raise OSError(38, "not implemented")

    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.sys.platform", "darwin")
    monkeypatch.setattr("multiprocessing.context.BaseContext.Lock", missing)
    assert set(run_jobs(own_process, range(2 * MIN_JOBS))) == {os.getpid()}


def test_where_nothing_can_be_forked_a_pool_gives_the_same(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.sys.platform", "darwin")
    assert list(run_jobs(abs, range(-MIN_JOBS, 0))) == list(range(MIN_JOBS, 0, -1))


@needs_fork
def test_what_is_written_is_written_once(tmp_path):
    program = f"""if True:
        import sys
        from fluxsecrets.ops.run import parallel

        def work(number):
            sys.stdout.write(f"{{number}} ")
            return number

        sys.stdout.write("begun ")
        parallel.cpus = lambda: 2
        list(parallel.run_jobs(work, range({MIN_JOBS})))
    """
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    words = found.stdout.split()
    assert words.count("begun") == 1
    assert sorted(int(word) for word in words if word != "begun") == list(range(MIN_JOBS))


@needs_fork
@given(
    sizes=st.lists(st.sampled_from([0, 10, 1000, 100_000, 3_000_000]), min_size=4, max_size=40),
    workers=st.integers(2, 4),
)
@settings(max_examples=scaled(20))
def test_results_of_any_size_come_in_order(sizes, workers):
    chunks = [sizes[start : start + 3] for start in range(0, len(sizes), 3)]
    found = list(forked.spread(bytes, chunks, workers))
    assert [len(each) for each in found] == sizes


@needs_fork
def test_a_result_that_cannot_be_sent_is_an_error():
    with pytest.raises(Exception, match="pickle"):
        list(forked.spread(unsendable, [[1], [2]], 2))


def unsendable(_number):
    return lambda: None


@needs_fork
def test_this_process_does_something_beside_forked_ones(monkeypatch, tmp_path):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)

    def beside():
        end = time.monotonic() + 60
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < end, "nobody works"
            time.sleep(0.001)
        (tmp_path / "done").touch()

    work = partial(begin, os.getpid(), tmp_path)
    assert list(run_jobs(work, range(MIN_JOBS), beside=beside)) == [*range(MIN_JOBS)]
    assert list(run_jobs(double, range(MIN_JOBS - 1), beside=unsendable)) == [*range(0, 2 * MIN_JOBS - 2, 2)]


def begin(parent, folder, number):
    """In a helper, say that it has begun, and wait for what is done beside it."""
    if os.getpid() != parent:
        (folder / "begun").touch()
        end = time.monotonic() + 60
        while not (folder / "done").exists():
            assert time.monotonic() < end, "nothing is done beside"
            time.sleep(0.001)
    return number


@needs_fork
def test_what_fails_beside_helpers_ends_them(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)

    def beside():
        raise LookupError("beside")

    with pytest.raises(LookupError, match="beside"):
        list(run_jobs(partial(wait_as_a_helper, os.getpid()), range(MIN_JOBS), beside=beside))


@needs_fork
def test_helpers_have_no_input():
    assert set(forked.spread(all_of_the_input, [[1], [2]], 2)) == {""}


def all_of_the_input(_number):
    return sys.stdin.read()
