"""What all steps of a build share: running programs, and saying what happens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class DistError(Exception):
    """A step failed; the message says which, and what to do."""


def say(text: str) -> None:
    """Say what happens, on standard error."""
    print(text, file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    expected: int = 0,
) -> str:
    """Run a program and return its standard output.

    Raises:
        DistError: its exit code is not the expected one.
    """
    words = [str(word) for word in command]
    done = subprocess.run(  # noqa: S603 - programs of the build
        words,
        cwd=cwd,
        env=dict(os.environ if environ is None else environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expected:
        output = "\n".join(filter(None, (done.stdout.strip(), done.stderr.strip())))
        raise DistError(f"{' '.join(words)} ended with {done.returncode}, expected {expected}\n{output}")
    return done.stdout
