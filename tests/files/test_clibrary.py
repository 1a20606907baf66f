"""Functions of the C library: by the compiled half of ctypes, and by all of it."""

import errno
import os
import sys

import pytest

from fluxsecrets.files import clibrary
from fluxsecrets.files.clibrary import c_buffer, c_function

NAMES = {"linux": "renameat2", "darwin": "renamex_np"}

pytestmark = pytest.mark.skipif(
    sys.platform not in NAMES, reason="the functions are those of Linux and macOS"
)


@pytest.fixture(params=["compiled half", "all of ctypes"])
def way(request, monkeypatch):
    """The way that finds functions."""
    if request.param == "all of ctypes":

        def refuse(name):
            raise ImportError(name)

        monkeypatch.setattr(clibrary, "_compiled", refuse)
        monkeypatch.setattr(clibrary, "_compiled_buffer", refuse)


def swap(one, other):
    call, last_error = c_function(NAMES[sys.platform])
    done = call(-100, one, -100, other, 2) if sys.platform == "linux" else call(one, other, 2)
    return 0 if done == 0 else last_error()


def test_a_function_does_its_work_and_tells_why_not(way, tmp_path):
    one, other = tmp_path / "one", tmp_path / "ö ther"
    one.write_text("1", encoding="ascii")
    other.write_text("2", encoding="ascii")
    number = swap(os.fsencode(one), os.fsencode(other))
    if number == errno.EINVAL:
        pytest.skip("this file system can't swap files")
    assert number == 0
    assert (one.read_text(encoding="ascii"), other.read_text(encoding="ascii")) == ("2", "1")
    assert swap(os.fsencode(one), os.fsencode(tmp_path / "missing")) == errno.ENOENT


def test_a_function_that_the_library_does_not_have(way):
    assert c_function("no_such_function_of_any_library") is None


def test_a_function_writes_into_a_buffer(way):
    call, _ = c_function("gethostname")
    buffer = c_buffer(256)
    assert bytes(buffer.raw) == bytes(256)
    assert call(buffer, 256) == 0
    assert os.fsdecode(buffer.raw.partition(b"\0")[0]) == os.uname().nodename


def test_the_compiled_half_is_as_expected_here():
    """Else each value that is set waits for ctypes."""
    assert clibrary._compiled("getpid")[0]() == os.getpid()
    assert len(clibrary._compiled_buffer(3).raw) == 3
