"""Find former recipients of a file who still know its data key.

`sops updatekeys` and a deleted stanza remove a recipient but keep the data key. The recipient can decrypt
what is written with that key later, since an old version in git's history contains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.marks import SIGN_BYTES, find_ciphertexts
from fluxsecrets.ops.run.names import name_of
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Commit, file_versions, read_blobs
from fluxsecrets.repo.keyhistory import FormerReader, recipients_in, same_keys
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .content import parse

_MOST_PATHS = 500
"""Up to this number, paths are passed to git. For more, the whole history is listed."""


def former_readers(
    session: Session, repository: Repository, files: Mapping[str, bytes], *, with_keys: bool = True
) -> tuple[FormerReader, ...]:
    """Return the former recipients of encrypted files, by file, and whether they know today's data key.

    Args:
        session: the run; its identities compare data keys if the ciphertexts prove nothing.
        repository: the repository with the history.
        files: the encrypted contents, by path in the repository.
        with_keys: False decrypts nothing, which leaves more unknown.

    Raises:
        GitError: the history can't be read, or is not complete.
    """
    if not files or not repository.has_head():
        return ()
    names = tuple(files) if len(files) <= _MOST_PATHS else ()
    versions = [
        version
        for version in file_versions(repository, names, partial=session.partial_history)
        if version.blob is not None and version.path in files
    ]
    now = {path: recipients_in(data.decode("utf-8", "replace")) for path, data in files.items()}
    paths: dict[str, set[str]] = {}
    for version in versions:
        paths.setdefault(version.blob or "", set()).add(version.path)
    texts: dict[tuple[str, str], bytes] = {}
    former: set[str] = set()
    for blob, data in read_blobs(repository, paths):
        for path in paths[blob]:
            if SIGN_BYTES not in data:
                continue
            texts[path, blob] = data
            if recipients_in(data.decode("utf-8", "replace")) - now[path]:
                former.add(path)
    known: dict[str, list[tuple[Commit, bytes]]] = {path: [] for path in sorted(former)}
    for version in versions:
        text = texts.get((version.path, version.blob or ""))
        if version.path in known and text is not None:
            known[version.path].append((version.commit, text))
    jobs = [_Job(path, files[path], tuple(own)) for path, own in known.items()]
    return tuple(
        found for each in run_jobs(partial(_known, session, with_keys), jobs, chunk=4) for found in each
    )


def why_new_data_keys(
    session: Session, repository: Repository, files: Mapping[str, bytes], names: Mapping[str, str]
) -> dict[str, str]:
    """Return why files need new data keys. The history is listed once for all files.

    Returns:
        The reasons by path, without files whose data key may be used again.
    """
    try:
        found = former_readers(session, repository, files)
    except GitError as error:
        # A new data key is always safe.
        reason = f"it is unknown who knew the old data key, so the file got a new one: {error.message}"
        return dict.fromkeys(files, reason)
    people: dict[str, dict[str, None]] = {}
    for each in found:
        if each.now:
            people.setdefault(each.path, {})[name_of(each.recipient, names)] = None
    return {path: _reason(list(known)) for path, known in people.items()}


def _reason(people: Sequence[str]) -> str:
    verb = "is no longer a recipient but knew" if len(people) == 1 else "are no longer recipients but knew"
    return f"{', '.join(people)} {verb} the old data key, so the file got a new one"


@dataclass(frozen=True, slots=True)
class _Job:
    path: str
    data: bytes
    versions: tuple[tuple[Commit, bytes], ...]


def _known(session: Session, with_keys: bool, job: _Job) -> tuple[FormerReader, ...]:
    now = _metadata(session, job.path, job.data)
    if now is None:
        return ()
    groups = same_keys([find_ciphertexts(data) for data in (job.data, *(data for _, data in job.versions))])
    present = {recipient_key(each) for each in _recipients(now)}
    found: dict[RecipientKey, FormerReader] = {}
    own = _DataKeys(session, with_keys)
    for group, members in _by_group(groups[1:], job.versions):
        earlier = tuple(_with_former(session, job.path, members, present))
        same: bool | None = True if group == groups[0] else None
        for _, metadata in earlier:
            same = own.same(now, metadata) if same is None else same
        for commit, metadata in earlier:
            for each in _recipients(metadata):
                key = recipient_key(each)
                if key in present:
                    continue
                one = found.setdefault(key, FormerReader(job.path, each, commit, members[0][0], same))
                if same or (same is None and one.now is False):
                    found[key] = replace(one, now=same)
    return tuple(found.values())


def _by_group(
    groups: Sequence[int], versions: Sequence[tuple[Commit, bytes]]
) -> Iterator[tuple[int, list[tuple[Commit, bytes]]]]:
    """Group versions by data key, the latest first."""
    found: dict[int, list[tuple[Commit, bytes]]] = {}
    for group, version in zip(reversed(groups), reversed(versions), strict=True):
        found.setdefault(group, []).append(version)
    yield from found.items()


def _with_former(
    session: Session,
    path: str,
    versions: Sequence[tuple[Commit, bytes]],
    present: set[RecipientKey],
) -> Iterator[tuple[Commit, Metadata]]:
    """Return the versions with other recipients, each set of people once."""
    seen = set()
    for commit, data in versions:
        people = recipients_in(data.decode("utf-8", "replace"))
        if people in seen:
            continue
        seen.add(people)
        metadata = _metadata(session, path, data)
        if metadata is not None and any(recipient_key(each) not in present for each in _recipients(metadata)):
            yield commit, metadata


def _metadata(session: Session, path: str, data: bytes) -> Metadata | None:
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
