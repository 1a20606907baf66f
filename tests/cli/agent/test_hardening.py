"""The memory of the agent and of its processes is not shown to other processes of the user, nor dumped."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps it in /proc")

NOBODY = 65534

TOLD = """
import ctypes, resource
from fluxsecrets.cli.agent.process import harden
get = lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
before = get()
harden()
print(before, get(), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""

OPEN_AND_CLOSED = f"""
import ctypes, os, resource, sys  # all now: the other user may not be able to read the modules
from fluxsecrets.cli.agent.process import harden

def waiting():
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(write)
        os.read(read, 1)  # until the first process has ended
        os._exit(0)
    return process

libc = ctypes.CDLL(None)
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: a change of the user has cleared it
before = waiting()
harden()
print(before, os.getpid(), waiting(), flush=True)
sys.stdin.read()
"""


@contextmanager
def python(code):
    """A Python that ends with the block."""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.stdin.close()


def test_the_system_is_told():
    with python(TOLD) as process:
        assert process.stdout.read().split() == ["1", "0", "0"]


@pytest.mark.skipif(os.geteuid() != 0, reason="changes to another user")
def test_its_user_may_not_look_into_it_nor_into_its_processes():
    """The system gives the files in /proc of such a process to root: only root may read them."""
    with python(OPEN_AND_CLOSED) as process:
        owners = [Path(f"/proc/{each}/environ").stat().st_uid for each in process.stdout.readline().split()]
    assert owners == [NOBODY, 0, 0]
