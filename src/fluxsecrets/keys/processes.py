"""Programs that the user configured, started without a shell."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .unlocked import needs_person


def start_program(
    command: Sequence[str], environ: Mapping[str, str], *, stdin: int, folder: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a program whose output is read; what it writes to standard error is dropped.

    It stays in the process group of the terminal: it may have to ask for something there.

    Raises:
        OSError: it cannot be started.
        ValueError: a NUL in an argument.
    """
    needs_person(command[0])
    return subprocess.Popen(  # noqa: S603
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environ), cwd=folder
    )


def stop_program(process: subprocess.Popen[bytes]) -> None:
    """End a program that has not ended by itself."""
    if process.poll() is None:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
