"""Conflict markers that were committed."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FormatError
from fluxsecrets.findings import Severity
from fluxsecrets.merging.markers import read_markers
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.conflict import MARKERS_LEFT

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
    for path, line in conflicts(change).items():
        yield item(INFO, path, MARKERS_LEFT, environments=change.environments(path), line=line)


def conflicts(change: Change) -> dict[str, int]:
    """The secrets with conflict markers after a change, with the line of the first one."""
    found: dict[str, int] = {}
    secrets = {each.path for each in change.compared}
    for each in change.files:
        if each.after is None or (each.path not in secrets and each.old_path not in change.secret_paths):
            continue
        data = change.after.read(each.path)
        line = None if data is None else _first_conflict(data)
        if line is not None:
            found[each.path] = line
    return found


def _first_conflict(data: bytes) -> int | None:
    try:
        hunks = read_markers(data)
    except FormatError as error:  # one is missing
        return error.line
    return None if hunks is None else hunks.lines[0]


KIND = Kind(INFO, check)
