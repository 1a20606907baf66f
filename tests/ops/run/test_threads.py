"""Work that waits for a service: over threads of this process, in order, and given up with Ctrl-C."""

import os
import sys
import threading
from contextlib import closing

import pytest

from fluxsecrets.ops.run.parallel import alone, run_jobs
from fluxsecrets.ops.run.record import Record, note_key, recording
from fluxsecrets.sops.recipients import Recipient

AT_ONCE = 16


def always(job):
    return True


def test_results_are_in_order_and_sixteen_are_waited_for_at_once():
    together = threading.Barrier(AT_ONCE)

    def work(job):
        together.wait(10)
        return 2 * job

    assert list(run_jobs(work, range(10 * AT_ONCE), waits=always)) == [2 * job for job in range(10 * AT_ONCE)]


def test_no_more_than_sixteen():
    running, most, lock = 0, 0, threading.Lock()

    def work(job):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1

    list(run_jobs(work, range(100), waits=always))
    assert 1 < most <= AT_ONCE


def test_one_job_that_waits_needs_no_thread():
    where = list(run_jobs(lambda job: threading.current_thread(), range(9), waits=lambda job: job == 3))
    assert set(where) == {threading.main_thread()}


def _where(job):
    return os.getpid(), threading.current_thread() is threading.main_thread()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_what_does_not_wait_stays_with_processes(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    found = list(run_jobs(_where, range(300), waits=lambda job: job % 3 == 0))
    here = os.getpid()
    assert all(found[job] == (here, False) for job in range(0, 300, 3))
    assert all(main for job, (_, main) in enumerate(found) if job % 3)
    assert len({process for job, (process, _) in enumerate(found) if job % 3}) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
@pytest.mark.parametrize("slow", [(), (1,), (299,), (7, 150, 151), range(1, 300), range(0, 300, 2)])
def test_each_process_leaves_what_waits_to_the_threads(slow, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    found = list(run_jobs(lambda job: (job, *_where(job)), range(300), waits=lambda job: job in slow))
    assert [job for job, _, _ in found] == [*range(300)]
    assert all((process, main) == (os.getpid(), False) for job, process, main in found if job in slow)
    assert all(main for job, _, main in found if job not in slow)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_whether_jobs_wait_is_found_out_by_the_processes_that_do_them(monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.run.parallel.cpus", lambda: 2)
    asked = []
    list(run_jobs(_where, range(300), waits=lambda job: asked.append(job) is not None))
    assert set(asked) == {0}, "the others were asked about elsewhere"


def test_a_process_among_many_does_all_by_itself():
    with alone():
        assert set(run_jobs(_where, range(9), waits=always)) == {(os.getpid(), True)}


def test_jobs_are_not_taken_far_ahead_of_their_results():
    begun = []
    with closing(run_jobs(begun.append, range(10_000), waits=always)) as results:
        next(results)
        threading.Event().wait(0.05)
        assert len(begun) < 10 * AT_ONCE


def test_nothing_more_is_begun_when_nobody_wants_the_results():
    begun, go = [], threading.Event()

    def work(job):
        begun.append(job)
        if job:
            go.wait(10)

    results = run_jobs(work, range(100), waits=always)
    next(results)
    results.close()
    count = len(begun)
    go.set()
    threading.Event().wait(0.05)
    assert len(begun) == count <= AT_ONCE + 1


def test_threads_do_not_keep_the_process():
    go = threading.Event()
    before = set(threading.enumerate())
    results = run_jobs(lambda job: job and go.wait(10), range(100), waits=always)
    next(results)
    others = set(threading.enumerate()) - before
    assert others
    assert all(each.daemon for each in others)
    results.close()
    go.set()


def test_a_fault_is_raised_where_its_result_is_due():
    def work(job):
        if job == 2:
            raise LookupError("in a thread")
        return job

    results = run_jobs(work, range(9), waits=always)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(LookupError, match="in a thread"):
        next(results)


def test_what_a_thread_notes_is_recorded():
    keys = [Recipient("kms", str(number)) for number in range(40)]
    with recording(Record()) as record:
        list(run_jobs(note_key, keys, waits=always))
    assert set(record.keys) == set(keys)
