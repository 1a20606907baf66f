"""Command lines without a path: an error for commands that write many files.

`encrypt`, `status`, `recipients list`, `audit` and `scan` then select the whole repository: they protect, or
only read. Commands that re-key, seal or convert must be told what to change.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import UsageError


def require_one_way(paths: Sequence[str], environment: str | None, *, everything: bool) -> None:
    """Refuse a command line that names no files, or names them in several ways.

    Raises:
        UsageError: nothing was named, or several kinds at once.
    """
    ways = [bool(paths), environment is not None, everything]
    if sum(ways) != 1:
        raise UsageError(
            "name the files in one way only" if any(ways) else "name the files",
            hint="give files or folders, --env NAME, or --all for the whole repository",
        )
