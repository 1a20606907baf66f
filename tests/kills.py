"""Runs that end at a file operation of a given number: in this process, or by a SIGKILL in another one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fluxsecrets.files import swap

OPERATIONS = ("write", "link", "rename", "replace", "unlink", "mkdir", "rmdir", "fchmod", "fsync")
"""What changes files, of the module `os`; besides opening them for writing, and swapping two of them."""

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killed(BaseException):
    """Ends a run; nothing on disk is changed after it."""


def killed_at(step: int, run: Callable[[], object]) -> bool:
    """Run something and end it before the file operation of that number, from 0; whether it came so far."""
    left = step

    def end() -> None:
        raise Killed

    def counted():
        nonlocal left
        left -= 1
        if left < 0:
            end()

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        _count(patch.setattr, counted)
        run()
    return left < 0


def _count(replace: Callable[..., None], counted: Callable[[], None]) -> None:
    """Call something before each file operation."""
    real_open, real_exchange = os.open, swap._exchange

    def opened(path, flags, *args, **kwargs):
        if flags & _WRITES:
            counted()
        return real_open(path, flags, *args, **kwargs)

    def exchange(**system):
        call = real_exchange(**system)
        return None if call is None else lambda one, other: (counted(), call(one, other))[1]

    def before(real):
        def call(*args, **kwargs):
            counted()
            return real(*args, **kwargs)

        return call

    replace(os, "open", opened)
    replace(swap, "_exchange", exchange)
    for name in OPERATIONS:
        replace(os, name, before(getattr(os, name)))


def kill_process_at(step: int, *arguments: str) -> bool:
    """Run the command line in a process that kills itself at that file operation; whether it came so far."""
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    done = subprocess.run(
        [sys.executable, __file__, str(step), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def _main(step: int, arguments: list[str]) -> None:
    from fluxsecrets.cli.entry import run

    left = step

    def counted() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _count(setattr, counted)
    sys.exit(run(arguments))


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
