"""Versions of encrypted files inside a range of commits, which neither of its ends has, but history keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import parse
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git.history import stream_changes
from fluxsecrets.repo.states import INDEX, NOTHING, WORK_TREE
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .change import Change

_MOST = 20_000
"""Versions that are read."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Recipients of a version in between, whom the file has neither before nor after.

    Attributes:
        commit: which made the version.
    """

    path: str
    commit: str
    recipients: tuple[Recipient, ...]


def passing(change: Change) -> Iterator[Passing]:
    """Find who could read a version in between only.

    Raises:
        GitError: the commits can't be read.
    """
    start, end = change.range.before, change.range.after
    if end in (INDEX, WORK_TREE):
        return
    excluded = () if start == NOTHING else ("--not", start)
    commits = change.repository.run("rev-list", end, *excluded, "--").decode("ascii").split()
    if len(commits) < 2:
        return
    found: dict[str, list[tuple[str, str]]] = {}
    for each in stream_changes(change.repository, commits):
        if each.blob is not None:
            found.setdefault(each.blob, []).append((each.path, each.commit))
    if len(found) > _MOST:
        change.unseen.append(f"of the versions in between, only {_MOST:,} were looked at")
    blobs = list(found)[:_MOST]
    for blob, kind, data in change.repository.read_objects(blobs):
        if kind == "blob" and data is not None and b"sops" in data:
            for path, commit in dict(found[blob]).items():
                recipients = _recipients(change, path, data)
                ends = {recipient_key(one) for side in _ends(change, path) for one in side}
                more = tuple(one for one in recipients if recipient_key(one) not in ends)
                if more:
                    yield Passing(path, commit, more)


def _ends(change: Change, path: str) -> Iterator[tuple[Recipient, ...]]:
    """The recipients of the file before and after."""
    for side in (change.before, change.after):
        data = side.read(path)
        if data is not None:
            yield _recipients(change, path, data)


def _recipients(change: Change, path: str, data: bytes) -> tuple[Recipient, ...]:
    format_ = detect_encryption(data, path)
    if format_ is None:
        return ()
    try:
        metadata = parse(make_format(format_), data, change.session.limits).metadata
    except FluxsecretsError:
        return ()
    return () if metadata is None else tuple(one for group in metadata.recipients for one in group)
