"""Runs that end before a write of a given number, as a signal would end them that nobody can catch."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from fluxsecrets.files import writing
from fluxsecrets.ops.run import settling


class Killed(BaseException):
    """Ends a run; nothing on disk is changed after it."""


def killed_before(step: int, run: Callable[[], object]) -> bool:
    """Run something and end it before the write of that number, from 0; whether it came so far."""
    left = step

    def counted(function):
        def call(*args, **kwargs):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settling, "BATCH", 1)
        for place, name in ((writing, "_swap"), (writing, "_write_named"), (writing, "_write_unnamed")):
            patch.setattr(place, name, counted(getattr(place, name)))
        for name in ("rename", "unlink"):
            patch.setattr(Path, name, counted(getattr(Path, name)))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        with suppress(Killed):  # the command line turns it into an exit code
            run()
    return left < 0
