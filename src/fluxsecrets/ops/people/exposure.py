"""Who could read a file or one of its values, and when: every version of every secret file in git's history.

An encrypted version can be read by the recipients in its `sops` block, and by those of any other version with
the same data key. A plain version can be read by everybody who has the repository. Values are only compared,
by a keyed hash whose key is discarded after the run. Where none of the identities at hand opens a version,
nothing is known about its values, and the result says so.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.marks import MANIFEST_SUFFIXES, find_ciphertexts
from fluxsecrets.ops.files.content import own_selector
from fluxsecrets.ops.policy.policy import is_manifest
from fluxsecrets.ops.run.inputs import real_path
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.people import read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Commit, FileVersion, file_versions, read_blobs
from fluxsecrets.repo.keyhistory import same_keys
from fluxsecrets.repo.manifests import is_reference, may_hold_secret, read_manifests, text_of
from fluxsecrets.repo.tree import Tree, open_tree
from fluxsecrets.sops.document import Document, Leaf, show_path
from fluxsecrets.sops.encryption import is_empty, open_document, selected
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.formats import format_for_path, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key
from fluxsecrets.sops.values import canonical_bytes

PLAIN = "everybody who has the repository"
"""Who reads plain text."""
_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who could read it.

    Attributes:
        name: who; `PLAIN` for plain text.
        recipient: their key, or None for plain text.
        since: the first commit; None is the work tree.
        until: the last one; None is the work tree.
        still: they can read it as it is now.
        by_key: they are not a recipient now, but know its data key from an older version.
        doubtful: it is unknown whether they know its current data key.
    """

    name: str
    recipient: Recipient | None
    since: Commit | None
    until: Commit | None
    still: bool
    by_key: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who could read a file or value.

    Attributes:
        key: the value, or None for all.
        values: each value that was in plain text.
        unread: commits whose version could not be parsed.
    """

    path: str
    key: str | None
    readers: tuple[Reader, ...]
    values: tuple[LeftValue, ...]
    unread: tuple[Commit, ...] = ()

    @property
    def plain(self) -> bool:
        """It was in plain text at some time."""
        return any(reader.recipient is None for reader in self.readers)


def exposure(session: Session, text: str) -> Exposure:
    """Who could read a file or one of its values, at any time.

    `text` is `PATH` or `PATH#KEY`.

    Raises:
        UsageError: there was never such a file, or never such a value in it.
        GitError: there is no history.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None:
        raise UsageError(
            "this is not a git repository, so there is no history", hint="run it inside a git repository"
        )
    given, _, key = text.partition("#")
    real = real_path(session, given)
    if not real.is_relative_to(tree.root.resolve()):
        raise UsageError(f"{given!a} is outside the repository", hint="name a file in it")
    path = real.relative_to(tree.root.resolve()).as_posix()
    histories = file_histories(session, tree, tree.repository, (path,))
    history = next((each for each in histories if each.path == path), None)
    if history is None:
        raise UsageError(
            f"{given!a} was never encrypted, nor a Secret, in this repository's history",
            hint="check its path; a file that was renamed has a history under its old name",
        )
    keys = {each for version in _all(history) for each in version.values}
    if key and key not in keys:
        near = sorted(each for each in keys if each.endswith(f".{key}") or key in each)
        raise UsageError(
            f"{given} never had a value {key!a}",
            details=[f"it has {', '.join(sorted(keys))}"] if keys else (),
            hint=f"did you mean {given}#{near[0]}?" if near else None,
        )
    people = read_people(session, tree)
    versions = [version for version in _all(history) if not key or key in version.values]
    readers = []
    if any(version.plain for version in versions):
        readers.append(_reader(PLAIN, None, versions, history))
    everybody = {
        recipient_key(each): each for version in versions for each in (*version.recipients, *version.by_key)
    }
    readers += [_reader(people.name(each), each, versions, history) for each in everybody.values()]
    values = tuple(value for value in values_readable_by([history], None) if not key or value.key == key)
    return Exposure(path, key or None, tuple(readers), values, history.unread)


def _all(history: FileHistory) -> tuple[Version, ...]:
    return (*history.versions, *([history.now] if history.now is not None else []))


def _reader(name: str, recipient: Recipient | None, versions: list[Version], history: FileHistory) -> Reader:
    def reads(version: Version) -> bool:
        if recipient is None:
            return version.plain
        return version.readers is not None and recipient_key(recipient) in version.readers

    able = [version for version in versions if reads(version)]
    # An older version may have the data key that they were given later; they read it since then.
    named = [version for version in able if recipient is None or _is_among(recipient, version.recipients)]
    now = history.now if history.now in versions else None
    still = now is not None and reads(now)
    until = None if still else able[-1].commit
    return Reader(
        name,
        recipient,
        (named or able)[0].commit,
        until,
        still,
        by_key=now is not None and _is_among(recipient, now.by_key),
        doubtful=now is not None and _is_among(recipient, now.doubtful),
    )


def _is_among(recipient: Recipient | None, people: tuple[Recipient, ...]) -> bool:
    return recipient is not None and recipient_key(recipient) in map(recipient_key, people)


# What became of each value.


class State(StrEnum):
    """What became of a value that somebody could read."""

    OPEN = "to change"
    UNKNOWN = "to change, or to look at"
    CHANGED = "changed since"
    GONE = "not there any more"
    DONE = "done"
    ACCEPTED = "accepted"

    @property
    def settled(self) -> bool:
        """Nothing is left to do."""
        return self not in (State.OPEN, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class LeftValue:
    """One value that somebody could read.

    Attributes:
        key: of the value, as shown to the user; empty if the file is a single value.
        since, until: the first and the last commit in which it could be read; None is the work tree.
        plain: it was in plain text at some time.
        reason: why it was accepted.
    """

    path: str
    key: str
    since: Commit | None
    until: Commit | None
    plain: bool
    state: State
    reason: str = ""

    @property
    def place(self) -> str:
        """The value as it is named on a command line."""
        return f"{self.path}#{self.key}" if self.key else self.path


def values_readable_by(histories: Sequence[FileHistory], recipient: Recipient | None) -> Iterator[LeftValue]:
    """Every value that somebody could read at any time.

    None as the recipient means everyone who has the repository: values that were in plain text.
    """
    for history in histories:
        versions = [*history.versions, *([history.now] if history.now is not None else [])]
        readable = [version for version in versions if _readable(version, recipient)]
        keys = {key: None for version in readable for key in version.values}
        for key in keys:
            seen = [version for version in readable if key in version.values]
            yield LeftValue(
                history.path,
                key,
                seen[0].commit,
                seen[-1].commit,
                any(version.plain for version in seen),
                _state(history.now, key, {version.values[key] for version in seen}),
            )


def _readable(version: Version, recipient: Recipient | None) -> bool:
    return version.plain if recipient is None else version.readable_by(recipient)


def _state(now: Version | None, key: str, seen: set[bytes | None]) -> State:
    if now is None or key not in now.values:
        return State.GONE
    current = now.values[key]
    if current is not None and current in seen:
        return State.OPEN
    if current is None or None in seen:
        return State.UNKNOWN
    return State.CHANGED


# All versions of all files.


@dataclass(frozen=True, slots=True)
class Version:
    """A file at one time.

    Attributes:
        commit: that made this version; None for the work tree.
        readers: who could read it, by `recipient_key`; None where it is plain text, for everybody.
        values: by key, what each is compared by.
        by_key: the other readers, who know its data key from another version.
        doubtful: those who may know its data key: it is unknown.
    """

    commit: Commit | None
    readers: frozenset[RecipientKey] | None
    values: Mapping[str, bytes | None] = field(repr=False)
    recipients: tuple[Recipient, ...] = ()
    by_key: tuple[Recipient, ...] = ()
    doubtful: tuple[Recipient, ...] = ()

    @property
    def plain(self) -> bool:
        """It was in plain text."""
        return self.readers is None

    def readable_by(self, recipient: Recipient) -> bool:
        """Whether a recipient who has the repository could read it."""
        return self.readers is None or recipient_key(recipient) in self.readers


@dataclass(frozen=True, slots=True)
class FileHistory:
    """All versions of a secret file.

    Attributes:
        versions: the oldest first; removals in between are left out.
        now: as in the work tree; None if it is missing there, or no longer holds a secret.
        unread: commits whose version could not be parsed.
    """

    path: str
    versions: tuple[Version, ...]
    now: Version | None
    unread: tuple[Commit, ...] = ()


def file_histories(
    session: Session, tree: Tree, repository: Repository, paths: Sequence[str] = ()
) -> tuple[FileHistory, ...]:
    """The versions of all secret files of a repository, by path.

    The run's identities open the values. Without `paths`, all files are included.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    listed = file_versions(repository, paths, partial=session.partial_history)
    encrypted, secret = _kinds(tree, repository, listed)
    wanted = [version for version in listed if version.path in secret or version.path in encrypted]
    blobs = {(version.path, version.blob) for version in wanted if version.blob is not None}
    looker = _Looker(secrets.token_bytes(32), encrypted)
    found: dict[tuple[str, str | None], _Look | None] = {}
    for batch in _batches(repository, blobs):
        for (path, blob, _), look in zip(
            batch, run_jobs(partial(_look, session, looker), batch), strict=True
        ):
            found[path, blob] = look
    now = _work_tree(session, tree, looker, encrypted.keys() | secret, paths)
    return tuple(_histories(wanted, found, now))


def _kinds(
    tree: Tree, repository: Repository, listed: Sequence[FileVersion]
) -> tuple[dict[str, str], frozenset[str]]:
    """The paths that were ever encrypted, each with its format; and those that ever held a plain Secret."""
    paths: dict[str, set[str]] = {}
    for version in listed:
        if version.blob is not None:
            paths.setdefault(version.blob, set()).add(version.path)
    encrypted: dict[str, str] = {}
    secret: set[str] = set()
    for blob, data in read_blobs(repository, paths):
        for path in paths[blob]:
            kind = detect_encryption(data, path)
            if kind is not None:
                encrypted[path] = kind
            elif path.lower().endswith(MANIFEST_SUFFIXES) and _holds_secret(data, path):
                secret.add(path)
    for path in tree.paths:
        size = tree.size(path)
        if path not in encrypted and size and size <= tree.limits.size:
            kind = detect_encryption(tree.read(path), path)
            if kind is not None:
                encrypted[path] = kind
    return encrypted, frozenset(secret - encrypted.keys())


def _holds_secret(data: bytes, path: str) -> bool:
    if not may_hold_secret(data):
        return False
    try:
        return bool(read_manifests(data, path).secrets)
    except FluxsecretsError:
        return False


def _batches(repository: Repository, blobs: set[tuple[str, str]]) -> Iterator[list[tuple[str, str, bytes]]]:
    paths: dict[str, list[str]] = {}
    for path, blob in sorted(blobs):
        paths.setdefault(blob, []).append(path)
    batch: list[tuple[str, str, bytes]] = []
    for blob, data in read_blobs(repository, paths):
        batch += [(path, blob, data) for path in paths[blob]]
        if len(batch) >= _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _work_tree(
    session: Session, tree: Tree, looker: _Looker, paths: frozenset[str] | set[str], only: Sequence[str]
) -> dict[str, _Look]:
    found = {}
    for path in sorted(paths):
        if path in tree.files and (not only or path in only) and tree.size(path) is not None:
            look = _look(session, looker, (path, "", tree.read(path)))
            if look is not None:
                found[path] = look
    return found


def _histories(
    wanted: Sequence[FileVersion],
    found: Mapping[tuple[str, str | None], _Look | None],
    now: Mapping[str, _Look],
) -> Iterator[FileHistory]:
    by_path: dict[str, list[FileVersion]] = {path: [] for path in now}
    for version in wanted:
        by_path.setdefault(version.path, []).append(version)
    for path in sorted(by_path):
        versions: list[tuple[Commit | None, _Look]] = []
        unread = []
        for version in by_path[path]:
            look = found.get((path, version.blob))
            if look is not None:
                versions.append((version.commit, look))
            elif version.blob is not None:
                unread.append(version.commit)
        last = now.get(path)
        known = _with_known_keys([*versions, *([(None, last)] if last else [])])
        yield FileHistory(
            path,
            tuple(known[: len(versions)]),
            known[-1] if last else None,
            tuple(unread),
        )


def _with_known_keys(looks: Sequence[tuple[Commit | None, _Look]]) -> list[Version]:
    """The versions, each with the readers who know its data key from another version."""
    numbers = same_keys([look.marks for _, look in looks])
    people: dict[int, dict[RecipientKey, Recipient]] = {}
    opened = set()
    for number, (_, look) in zip(numbers, looks, strict=True):
        people.setdefault(number, {}).update({recipient_key(each): each for each in look.recipients})
        if look.opened:
            opened.add(number)
    found = []
    for number, (commit, look) in zip(numbers, looks, strict=True):
        if look.readers is None:
            found.append(Version(commit, None, look.values))
            continue
        by_key = {key: each for key, each in people[number].items() if key not in look.readers}
        doubtful = {
            key: each
            for other, group in people.items()
            if other != number and not {number, other} <= opened
            for key, each in group.items()
            if key not in look.readers and key not in by_key
        }
        found.append(
            Version(
                commit,
                look.readers | by_key.keys(),
                look.values,
                look.recipients,
                tuple(by_key.values()),
                tuple(doubtful.values()),
            )
        )
    return found


# One version of one file.


@dataclass(frozen=True, slots=True)
class _Looker:
    """How values are compared, and which files are encrypted in which format."""

    key: bytes = field(repr=False)
    formats: Mapping[str, str]

    def mark(self, kind: str, data: bytes) -> bytes:
        return hmac.digest(self.key, kind.encode() + b"\0" + data, "sha256")


@dataclass(frozen=True, slots=True)
class _Look:
    """What one version holds; `marks` identify its data key, see `repo.keyhistory`."""

    readers: frozenset[RecipientKey] | None
    values: Mapping[str, bytes | None] = field(repr=False)
    recipients: tuple[Recipient, ...] = ()
    marks: frozenset[bytes] = field(default=frozenset(), repr=False)
    opened: bool = False


def _look(session: Session, looker: _Looker, job: tuple[str, str, bytes]) -> _Look | None:
    """What one version holds; None if it cannot be read, or holds no secret."""
    path, _, data = job
    try:
        kind = detect_encryption(data, path)
        format_ = make_format(kind or looker.formats.get(path) or format_for_path(path))
        document = format_.parse(data, session.limits)
        if document.metadata is not None:
            marks = frozenset(looker.mark("ciphertext", each) for each in find_ciphertexts(data))
            return _encrypted(
                session, looker, document, document.metadata, marks, single=format_.single_value
            )
        return _plain(looker, document, single=format_.single_value, known=path in looker.formats)
    except FluxsecretsError:
        return None


def _encrypted(
    session: Session,
    looker: _Looker,
    document: Document,
    metadata: Metadata,
    marks: frozenset[bytes],
    *,
    single: bool,
) -> _Look:
    recipients = tuple(each for group in metadata.recipients for each in group)
    readers = frozenset(recipient_key(each) for each in recipients)
    selector = own_selector(metadata)
    keys = _keys(document, single=single)
    chosen = [
        item
        for item, encrypts in selected(document, selector, single_value=single)
        if encrypts and isinstance(item, Leaf) and not is_empty(item.value)
    ]
    try:
        data_key = open_data_key(metadata, session.providers)
        opened = open_document(document, selector, data_key, single_value=single)
    except FluxsecretsError:
        return _Look(readers, {keys[id(item)]: None for item in chosen}, recipients, marks)
    values = {
        keys[id(change.target)]: _mark(looker, change.value)
        for change in opened.changes
        if isinstance(change.target, Leaf) and not change.becomes_comment and id(change.target) in keys
    }
    marks |= {looker.mark("data key", data_key.reveal())}
    return _Look(readers, values, recipients, marks, opened=True)


def _plain(looker: _Looker, document: Document, *, single: bool, known: bool) -> _Look | None:
    """A plain version: the values of Secrets, and of files that are encrypted elsewhere in the history."""
    keys = _keys(document, single=single)
    values = {}
    for part in document.parts:
        manifest = is_manifest(part)
        if manifest and text_of(part.get("kind")) != "Secret":
            continue
        if not manifest and not known:
            continue
        for leaf in Document("", "", (part,), None).leaves:
            chosen = not manifest or leaf.path[0] in ("data", "stringData")
            if chosen and not is_empty(leaf.value) and not is_reference(leaf.value):
                values[keys[id(leaf)]] = _mark(looker, leaf.value)
    return _Look(None, values) if values else None


def _keys(document: Document, *, single: bool) -> dict[int, str]:
    """The name of each value: its path, after the document's number if there are several."""
    found = {}
    for number, part in enumerate(document.parts, 1):
        for leaf in Document("", "", (part,), None).leaves:
            shown = "" if single else show_path(leaf.path)
            found[id(leaf)] = f"{number}:{shown}" if len(document.parts) > 1 else shown
    return found


def _mark(looker: _Looker, value: object) -> bytes:
    kind = "text" if isinstance(value, str | bytes) else type(value).__name__
    return looker.mark(kind, canonical_bytes(value))  # type: ignore[arg-type]
