"""The version of git."""

from __future__ import annotations

import re
from pathlib import Path

from fluxsecrets.errors import GitError

from .process import failure, run

OLDEST = (2, 30)
"""The first version whose `git rev-parse` knows `--end-of-options`, which we give it."""


def git_version(folder: Path) -> tuple[str, tuple[int, ...]]:
    """Return git's version as it prints it, and as numbers.

    Raises:
        GitError: git is missing, or does not print a version.
    """
    result = run(("version",), folder, {})
    if result.code != 0:
        raise failure("version", result, folder)
    found = re.match(rb"git version ((\d+)\.(\d+)(?:\.(\d+))?[\x21-\x7e]*)", result.output)
    if found is None:
        raise GitError("git does not print its version", hint="run `git version`")
    return found[1].decode(), tuple(int(part) for part in found.groups()[1:] if part is not None)
