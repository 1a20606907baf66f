"""Programs that the user configured, started without a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """Find an executable through PATH, and never in the working directory, as Go does.

    What holds a folder is taken as it is.
    """
    if Path(name).name != name:
        return name
    found = shutil.which(name, path=environ.get("PATH", os.defpath))
    return found if found is not None and Path(found).is_absolute() else None


def start_program(
    command: Sequence[str], environ: Mapping[str, str], *, stdin: int, folder: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a program whose output is read; what it writes to standard error is dropped.

    It stays in the process group of the terminal: it may have to ask for something there.

    Raises:
        OSError: it cannot be started.
        ValueError: a NUL in an argument.
    """
    return subprocess.Popen(  # noqa: S603
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environ), cwd=folder
    )


def stop_program(process: subprocess.Popen[bytes]) -> None:
    """End a program that has not ended by itself."""
    if process.poll() is None:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
