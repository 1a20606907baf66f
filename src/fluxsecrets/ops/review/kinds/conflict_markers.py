"""Conflict markers that were committed."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem

from .kind import Kind, describe, item

INFO = describe(
    "conflict-markers",
    Severity.HIGH,
    "a secret has conflict markers",
    why="The file can't be decrypted, and Flux stops at it.",
    fix="run `fluxsecrets resolve FILE`",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Look at each changed file that is a secret, or was one."""
    secrets = {each.path for each in change.compared}
    for each in change.files:
        if each.after is None or (each.path not in secrets and each.old_path not in change.secret_paths):
            continue
        data = change.after.read(each.path)
        line = first_conflict(data) if data is not None else None
        if line is not None:
            yield item(
                INFO,
                each.path,
                "conflict markers are left in the file",
                environments=change.environments_of(each),
                line=line,
            )


def first_conflict(data: bytes) -> int | None:
    """The line of the first conflict in a file that git left one in, or None."""
    start, middle = None, False
    for number, line in enumerate(data.splitlines(), 1):
        if line.startswith(b"<<<<<<<") and start is None:
            start, middle = number, False
        elif start is not None and line.startswith(b"=======") and not line.strip(b"="):
            middle = True
        elif middle and line.startswith(b">>>>>>>"):
            return start
    return None


KIND = Kind(INFO, check)
