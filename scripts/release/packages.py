"""The sdist and the wheel, from what git has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from steps import DistError, run, say


def commit_time(project: Path) -> int:
    """Return the seconds since 1970 that everything is dated with: SOURCE_DATE_EPOCH, or the last commit's.

    Raises:
        DistError: neither is known.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdigit():
        return int(given)
    return int(run(["git", "log", "-1", "--format=%ct"], cwd=project))


def checked_out(project: Path, folder: Path) -> Path:
    """Write the last commit's files into a folder, so that nothing else gets into a release."""
    if run(["git", "status", "--porcelain"], cwd=project):
        say("warning: uncommitted changes are left out: the last commit is built")
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    run(["git", "archive", "--output", archive, "HEAD"], cwd=project)
    run(["tar", "-xf", archive, "-C", folder])
    archive.unlink()
    return folder


def build_packages(source: Path, output: Path) -> Path:
    """Build the sdist, and the wheel from it, which shows that the sdist is complete; return the wheel."""
    say("building the sdist, and the wheel from it")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", output, source])
    wheels = list(output.glob("*.whl"))
    if len(wheels) != 1:
        raise DistError(f"expected one wheel in {output}, found {len(wheels)}")
    return wheels[0]
