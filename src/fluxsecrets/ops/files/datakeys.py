"""Find former recipients of a file who still know its data key.

`sops updatekeys` and a deleted stanza remove a recipient but keep the data key. The recipient can decrypt
what is written with that key later, since an old version in git's history contains it, under whatever path: a
file that is moved or copied keeps its data key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, replace
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.ahead import History
from fluxsecrets.repo.git.history import Change, Commit, read_blobs, with_commits
from fluxsecrets.repo.keyhistory import (
    FormerReader,
    data_key_marks,
    recipients_in,
    renamed,
    same_file,
    same_keys,
)
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .content import parse

_KEPT = 8 * 2**20
"""Bytes of encrypted versions that are held until it is known which matter; the rest is read again."""

_SAMPLE = 8
"""Of a path with this many versions, not all are read to see whether it was ever encrypted."""


def former_readers(
    session: Session,
    repository: Repository,
    files: Mapping[str, bytes],
    *,
    with_keys: bool = True,
    history: History | None = None,
) -> tuple[FormerReader, ...]:
    """Return the former recipients of encrypted files, by file, and whether they know today's data key.

    Args:
        session: the run; its identities compare data keys if the ciphertexts prove nothing.
        repository: the repository with the history.
        files: the encrypted contents, by path in the repository.
        with_keys: False decrypts nothing, which leaves more unknown.
        history: of the repository, where git lists it already.

    Raises:
        GitError: the history can't be read, or is not complete.
    """
    if not files:
        return ()
    history = history or History(repository)
    changes = history.changes(partial=session.partial_history)
    # One pass over the history: a copy can lie under any path.
    marks: dict[str, set[bytes]] = {}
    encrypted: set[str] = set()
    texts: dict[str, bytes] = {}
    room = _KEPT
    for blob, paths, data in _encrypted_blobs(history, changes, files):
        encrypted.add(blob)
        own = data_key_marks(data)
        for path in paths:
            marks.setdefault(path, set()).update(own)
        if len(data) <= room:
            room -= len(data)
            texts[blob] = data
    if not encrypted:
        return ()
    for path, data in files.items():
        marks.setdefault(path, set()).update(data_key_marks(data))
    related = {path: group for group in same_file(marks, renamed(changes)) for path in group & files.keys()}
    wanted = frozenset().union(*related.values())
    own_changes = [each for each in changes if each.path in wanted and each.blob in encrypted]
    jobs = list(_jobs(repository, files, related, own_changes, texts))
    if not jobs:
        return ()
    from fluxsecrets.ops.run.parallel import run_jobs  # few files had other recipients

    waits = partial(_waits, session) if with_keys else None
    looks = run_jobs(partial(_known, session, with_keys), jobs, chunk=4, waits=waits)
    return tuple(found for each in looks for found in each)


def _waits(session: Session, job: _Job) -> bool:
    from fluxsecrets.ops.run.waiting import waits_to_open

    return any(waits_to_open(session, data) for data in (job.data, *(each.data for each in job.versions)))


def _encrypted_blobs(
    history: History, changes: Sequence[Change], files: Collection[str]
) -> Iterator[tuple[str, set[str], bytes]]:
    """Return the encrypted versions in a history, with their paths.

    Most of a history is manifests without secrets. Of a path with many versions, the first, the last and
    every eighth are read first. If none of these is encrypted, the others are not read.
    """
    blobs: dict[str, list[str]] = {}
    paths: dict[str, set[str]] = {}
    for change in changes:
        if change.blob is not None:
            blobs.setdefault(change.path, []).append(change.blob)
            paths.setdefault(change.blob, set()).add(change.path)
    samples = {
        blob for path, own in blobs.items() for blob in (own if path in files else (*own[::_SAMPLE], own[-1]))
    }
    found: set[str] = set()
    for blob, data in history.blobs(samples):
        if SIGN_BYTES in data:
            found |= paths[blob]
            yield blob, paths[blob], data
    for blob, data in history.blobs({blob for path in found for blob in blobs[path]} - samples):
        if SIGN_BYTES in data:
            yield blob, paths[blob], data


def _jobs(
    repository: Repository,
    files: Mapping[str, bytes],
    related: Mapping[str, frozenset[str]],
    changes: Sequence[Change],
    known: Mapping[str, bytes],
) -> Iterator[_Job]:
    """Return the files that had other recipients, under whatever path, with their versions.

    Args:
        repository: with the history.
        files: the encrypted contents, by path.
        related: for each file, the paths that it ever had.
        changes: those of these paths.
        known: contents of blobs that were read before.
    """
    blobs = {each.blob or "" for each in changes}
    texts = {blob: known[blob] for blob in blobs & known.keys()}
    texts |= read_blobs(repository, blobs - known.keys())
    people = {blob: recipients_in(data.decode("utf-8", "replace")) for blob, data in texts.items()}
    by_path: dict[str, list[Change]] = {}
    for change in changes:
        by_path.setdefault(change.path, []).append(change)
    former: dict[str, frozenset[str]] = {}
    ever: dict[frozenset[str], set[str]] = {}  # files of one group have one history
    for path in sorted(files):
        group = related[path]
        if group not in ever:
            own = (people[each.blob or ""] for other in group for each in by_path.get(other, ()))
            ever[group] = set().union(*own)
        if ever[group] - recipients_in(files[path].decode("utf-8", "replace")):
            former[path] = group
    wanted = frozenset().union(*former.values())
    listed = [each for each in changes if each.path in wanted]
    versions: dict[str, list[tuple[int, _Version]]] = {}
    for number, each in enumerate(with_commits(repository, listed)):
        version = _Version(each.commit, each.path, texts[each.blob or ""])
        versions.setdefault(each.path, []).append((number, version))
    for path, paths in former.items():
        merged = sorted((each for other in paths for each in versions.get(other, ())), key=itemgetter(0))
        yield _Job(path, files[path], tuple(version for _, version in merged))


def why_new_data_keys(
    session: Session,
    repository: Repository,
    files: Mapping[str, bytes],
    names: Mapping[str, str],
    history: History | None = None,
) -> dict[str, str]:
    """Return why files need new data keys. The history is listed once for all files.

    Args:
        session: the run.
        repository: with the history.
        files: the encrypted contents, by path in the repository.
        names: recipient -> name.
        history: of the repository, where git lists it already.

    Returns:
        The reasons by path, without files whose data key may be used again.
    """
    try:
        found = former_readers(session, repository, files, history=history)
    except GitError as error:
        # A new data key is always safe.
        reason = f"it is unknown who knew the old data key, so the file got a new one: {error.message}"
        return dict.fromkeys(files, reason)
    if not found:
        return {}
    from fluxsecrets.sops.naming import name_of  # start-up time: few files had other recipients

    people: dict[str, dict[str, None]] = {}
    for each in found:
        if each.now:
            people.setdefault(each.path, {})[name_of(each.recipient, names)] = None
    return {path: _reason(list(known)) for path, known in people.items()}


def _reason(people: Sequence[str]) -> str:
    verb = "is no longer a recipient but knew" if len(people) == 1 else "are no longer recipients but knew"
    return f"{', '.join(people)} {verb} the old data key, so the file got a new one"


@dataclass(frozen=True, slots=True)
class _Version:
    commit: Commit
    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Job:
    """A file, and its encrypted versions under all paths, the oldest first."""

    path: str
    data: bytes
    versions: tuple[_Version, ...]


def _known(session: Session, with_keys: bool, job: _Job) -> tuple[FormerReader, ...]:
    now = _metadata(session, job.path, job.data)
    if now is None:
        return ()
    groups = same_keys([data_key_marks(data) for data in (job.data, *(each.data for each in job.versions))])
    present = {recipient_key(each) for each in _recipients(now)}
    found: dict[RecipientKey, FormerReader] = {}
    keys = _DataKeys(session, with_keys)
    for group, members in _by_group(groups[1:], job.versions):
        earlier = tuple(_with_former(session, members, present))
        same: bool | None = True if group == groups[0] else None
        for _, metadata in earlier:
            same = keys.same(now, metadata) if same is None else same
        for version, metadata in earlier:
            if same is False and version.path != job.path:
                continue  # a copy that got a data key of its own
            for each in _recipients(metadata):
                key = recipient_key(each)
                if key in present:
                    continue
                last = members[0]
                reader = FormerReader(job.path, each, version.commit, last.commit, last.path, same)
                one = found.setdefault(key, reader)
                if same or (same is None and one.now is False):
                    found[key] = replace(one, now=same)
    return tuple(found.values())


def _by_group(groups: Sequence[int], versions: Sequence[_Version]) -> Iterator[tuple[int, list[_Version]]]:
    """Group versions by data key, the latest first."""
    found: dict[int, list[_Version]] = {}
    for group, version in zip(reversed(groups), reversed(versions), strict=True):
        found.setdefault(group, []).append(version)
    yield from found.items()


def _with_former(
    session: Session, versions: Sequence[_Version], present: set[RecipientKey]
) -> Iterator[tuple[_Version, Metadata]]:
    """Return the versions with other recipients, each set of people once."""
    seen = set()
    for version in versions:
        people = recipients_in(version.data.decode("utf-8", "replace"))
        if people in seen:
            continue
        seen.add(people)
        metadata = _metadata(session, version.path, version.data)
        if metadata is not None and any(recipient_key(each) not in present for each in _recipients(metadata)):
            yield version, metadata


def _metadata(session: Session, path: str, data: bytes) -> Metadata | None:
    from fluxsecrets.repo.encrypted import detect_encryption

    try:
        kind = detect_encryption(data, path)
        return None if kind is None else parse(make_format(kind), data, session.limits).metadata
    except FluxsecretsError:
        return None


def _recipients(metadata: Metadata) -> Iterator[Recipient]:
    return (each for group in metadata.recipients for each in group)


class _DataKeys:
    """Compares data keys with that of one file, which is decrypted on first use."""

    def __init__(self, session: Session, with_keys: bool) -> None:
        self.session = session
        self.with_keys = with_keys
        self._now: list[bytes | None] = []

    def same(self, now: Metadata, then: Metadata) -> bool | None:
        """Whether two versions have the same data key, or None if that is unknown."""
        if not self._now:
            self._now.append(self._open(now))
        own = self._now[0]
        other = self._open(then) if own is not None else None
        return None if own is None or other is None else own == other

    def _open(self, metadata: Metadata) -> bytes | None:
        if not self.with_keys:
            return None
        try:
            return open_data_key(metadata, self.session.providers).reveal()
        except FluxsecretsError:
            return None
