"""Build what a release consists of: `make dist`, or `python scripts/release --help`.

The last commit is built, not the work tree. What is built twice from one commit, on one machine and with the
pinned tools, has the same bytes: `--twice` builds twice and compares.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from checksums import differences, write_checksums
from manpages import copy_man_pages
from packages import build_packages, checked_out, commit_time
from portable import NotPortableError, build_portable
from sbom import write_sbom
from smoke import check_portable
from steps import DistError, say

PROJECT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make dist", description=__doc__, allow_abbrev=False)
    parser.add_argument("--output", type=Path, default=PROJECT / "dist", help="the folder (default: dist)")
    parser.add_argument(
        "--extras", default="html", help="extras in the archive, such as html,aws (default: html)"
    )
    parser.add_argument("--twice", action="store_true", help="build twice, and fail if any byte differs")
    options = parser.parse_args()
    try:
        build(options.output, options.extras)
        if options.twice:
            build_again(options.output, options.extras)
    except DistError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def build(output: Path, extras: str) -> None:
    """Build everything into a folder, whose files are replaced."""
    os.environ["SOURCE_DATE_EPOCH"] = str(commit_time(PROJECT))
    os.environ["PYTHONHASHSEED"] = "0"  # orders sets in compiled modules
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-dist-") as room:
        work = Path(room)
        new = work / "dist"
        new.mkdir()
        source = checked_out(PROJECT, work / "source")
        wheel = build_packages(source, new)
        pages = copy_man_pages(source, work / "man1")
        try:
            portable = build_portable(wheel, source, pages, work, extras)
        except NotPortableError as error:
            say(f"no self-contained archive: {error}")
        else:
            write_sbom(portable, source, new)
            check_portable(portable.pack(new), source / "examples" / "waddle-infra")
        write_checksums(new)
        names = sorted(path.name for path in new.iterdir())
        output.mkdir(parents=True, exist_ok=True)
        for path in output.iterdir():
            if path.is_file():  # of an older build; folders are not of ours
                path.unlink()
        shutil.copytree(new, output, dirs_exist_ok=True)
    for name in names:
        path = output / name
        say(f"{path.stat().st_size / 1e6:8.1f} MB  {path.name}")


def build_again(output: Path, extras: str) -> None:
    """Build a second time, elsewhere, and compare.

    Raises:
        DistError: a file differs.
    """
    with tempfile.TemporaryDirectory(prefix="fluxsecrets-again-") as name:
        build(Path(name) / "dist", extras)
        found = differences(output, Path(name) / "dist")
    if found:
        raise DistError(f"two builds of one commit differ: {', '.join(found)}")
    say("two builds, the same bytes")


if __name__ == "__main__":
    sys.exit(main())
