"""What a command line means where it names no path: nothing, for whatever writes many files.

`encrypt`, `status`, `recipients list`, `audit` and `scan` mean the whole repository then: they protect, or
only look. What re-keys, seals or converts has to be told.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.errors import UsageError


def require_one_way(paths: Sequence[str], environment: str | None, *, everything: bool) -> None:
    """Refuse a command line that says nothing of what is meant, or says it in several ways.

    Args:
        paths: as given.
        environment: `--env`, or None.
        everything: `--all`.

    Raises:
        UsageError: nothing was named, or several kinds at once.
    """
    ways = [bool(paths), environment is not None, everything]
    if sum(ways) != 1:
        raise UsageError(
            "name what is meant in one way" if any(ways) else "name what is meant",
            hint="give files or folders, --env NAME, or --all for the whole repository",
        )
