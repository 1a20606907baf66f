"""Whether a process still runs, or another one has its number by now."""

import os
import subprocess
import sys

import pytest

from fluxsecrets.files.processes import is_running, start_of


def test_this_process_runs():
    assert is_running(os.getpid())
    assert is_running(os.getpid(), start_of(os.getpid()))


def test_a_process_that_ended_does_not_run():
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    assert not is_running(process.pid)
    assert start_of(process.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_later_process_with_the_same_number_is_another_one():
    assert not is_running(os.getpid(), "1")
