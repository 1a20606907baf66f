"""Every version of every secret file in git's history, and who could read it.

An encrypted version can be read by the recipients in its `sops` block, and by those of any other version with
the same data key, under whatever path. A plain version can be read by everybody who has the repository. Where
none of the identities at hand opens a version, nothing is known about its values, and the result says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, find_ciphertexts
from fluxsecrets.ops.files.content import own_selector
from fluxsecrets.ops.policy.manifest import is_manifest
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import waits_to_open
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import Change, Commit, FileVersion, file_versions, read_blobs
from fluxsecrets.repo.keyhistory import renamed, same_file, same_keys
from fluxsecrets.repo.manifests import is_reference, may_hold_secret, read_manifests, text_of
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Document, Leaf, show_path
from fluxsecrets.sops.envelope import RecipientGroups, open_data_key
from fluxsecrets.sops.formats import format_for_path, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key
from fluxsecrets.sops.selection import is_empty, selected

from .compare import Marked, Marker

_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody has of a data key.

    Attributes:
        together: of whom they need others, by key group, if a threshold of groups is needed; empty if they
            can open it alone.
        missing: how many of these groups they need.
    """

    recipient: Recipient
    together: RecipientGroups = ()
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """A file at one time.

    Attributes:
        commit: that made this version; None for the work tree.
        readers: what each reader has of its data key, by `recipient_key`; None where it is plain text, for
            everybody.
        values: by key, what each is compared by; None if no identity at hand opens it.
        recipients: those that it names.
        doubtful: those who may know its data key: it is unknown.
        opened: an identity at hand opens it.
    """

    commit: Commit | None
    readers: Mapping[RecipientKey, Share] | None
    values: Mapping[str, Marked | None] = field(repr=False)
    recipients: frozenset[RecipientKey] = frozenset()
    doubtful: Mapping[RecipientKey, Recipient] = field(default_factory=dict)
    opened: bool = True

    @property
    def plain(self) -> bool:
        """It was in plain text."""
        return self.readers is None

    def readable_by(self, recipient: Recipient) -> bool:
        """Whether a recipient who has the repository could read it, alone or together with others."""
        return self.readers is None or recipient_key(recipient) in self.readers

    def knows_key(self, recipient: Recipient) -> bool:
        """Whether a recipient that it doesn't name knows its data key from another version."""
        key = recipient_key(recipient)
        return self.readers is not None and key in self.readers and key not in self.recipients


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

    @property
    def all(self) -> tuple[Version, ...]:
        """The versions with that of the work tree as the last one."""
        return (*self.versions, *([self.now] if self.now is not None else []))


@dataclass(frozen=True, slots=True)
class Histories:
    """The secret files of a repository.

    Attributes:
        files: by path.
        marker: compares their values.
        formats: of the files that were ever encrypted, by path.
        cut: the history is cut off, so that there may have been more.
    """

    files: tuple[FileHistory, ...] = ()
    marker: Marker = field(default_factory=lambda: Marker(secrets.token_bytes(32)))
    formats: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def file_histories(session: Session, tree: Tree, repository: Repository, *, values: bool = True) -> Histories:
    """The versions of all secret files of a repository.

    The run's identities open the values. Without `values`, only data keys are opened.

    Raises:
        GitError: the history cannot be read, or is cut off.
    """
    listed = file_versions(repository, partial=session.partial_history)
    encrypted, secret = _kinds(tree, repository, listed)
    wanted = [version for version in listed if version.path in secret or version.path in encrypted]
    blobs = {(version.path, version.blob) for version in wanted if version.blob is not None}
    looker = _Looker(Marker(secrets.token_bytes(32)), encrypted, values)
    found: dict[tuple[str, str | None], _Look | None] = {}
    for batch in _batches(repository, blobs):
        looks = run_jobs(
            partial(_look, session, looker), batch, waits=lambda each: waits_to_open(session, each[2])
        )
        for (path, blob, _), look in zip(batch, looks, strict=True):
            found[path, blob] = look
    now = _work_tree(session, tree, looker, encrypted.keys() | secret)
    files = tuple(_histories(wanted, found, now))
    return Histories(files, looker.marker, encrypted, bool(repository.cut_off_at()))


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


def _work_tree(session: Session, tree: Tree, looker: _Looker, paths: Iterable[str]) -> dict[str, _Look]:
    found = {}
    for path in sorted(paths):
        size = tree.size(path) if path in tree.files else None
        if size is not None and size <= tree.limits.size:
            look = _look(session, looker, (path, "", tree.read(path)))
            if look is not None and look.holds_secret:
                found[path] = look
    return found


def _histories(
    wanted: Sequence[FileVersion],
    found: Mapping[tuple[str, str | None], _Look | None],
    now: Mapping[str, _Look],
) -> Iterator[FileHistory]:
    looks: dict[str, list[tuple[Commit | None, _Look]]] = {path: [] for path in now}
    unread: dict[str, list[Commit]] = {}
    for version in wanted:
        look = found.get((version.path, version.blob))
        looks.setdefault(version.path, [])
        if look is not None and look.holds_secret:
            looks[version.path].append((version.commit, look))
        elif look is None and version.blob is not None:
            unread.setdefault(version.path, []).append(version.commit)
    for path, look in now.items():
        looks[path].append((None, look))
    changes = (Change(each.commit.id, each.path, each.blob, each.before) for each in wanted)
    known = _with_known_keys(looks, renamed(changes))
    for path in sorted(looks):
        versions = known[path]
        current = versions.pop() if path in now else None
        yield FileHistory(path, tuple(versions), current, tuple(unread.get(path, ())))


# Who knows which data key.


def _with_known_keys(
    looks: Mapping[str, Sequence[tuple[Commit | None, _Look]]], pairs: Iterable[tuple[str, str]]
) -> dict[str, list[Version]]:
    """The versions, each with the readers who know its data key from another version."""
    numbers = iter(same_keys([look.marks for each in looks.values() for _, look in each]))
    keys = {path: [next(numbers) for _ in each] for path, each in looks.items()}
    shares: dict[int, dict[RecipientKey, Share]] = {}
    opened = set()
    for path, each in looks.items():
        for number, (_, look) in zip(keys[path], each, strict=True):
            known = shares.setdefault(number, {})
            for key, share in _shares(look.groups, look.needed).items():
                if key not in known or share.missing < known[key].missing:
                    known[key] = share
            if look.opened:
                opened.add(number)
    related = _related(keys, pairs)
    found: dict[str, list[Version]] = {}
    for path, each in looks.items():
        own = found[path] = []
        for number, (commit, look) in zip(keys[path], each, strict=True):
            if look.plain:
                own.append(Version(commit, None, look.values))
                continue
            named = frozenset(recipient_key(one) for group in look.groups for one in group)
            doubtful = {
                key: share.recipient
                for other in related[path]
                if other != number and not {number, other} <= opened
                for key, share in shares[other].items()
                if key not in shares[number]
            }
            own.append(Version(commit, shares[number], look.values, named, doubtful, opened=look.opened))
    return found


def _related(keys: Mapping[str, Sequence[int]], pairs: Iterable[tuple[str, str]]) -> dict[str, set[int]]:
    """The data keys of each path, and of the paths that may be the same file."""
    found: dict[str, set[int]] = {path: set() for path in keys}
    for paths in same_file({path: own for path, own in keys.items() if own}, pairs):
        numbers = {number for path in paths for number in keys[path]}
        found |= dict.fromkeys(paths, numbers)
    return found


def _shares(groups: RecipientGroups, needed: int) -> dict[RecipientKey, Share]:
    """What each recipient has of the data key of one version."""
    found: dict[RecipientKey, Share] = {}
    for recipient in (each for group in groups for each in group):
        key = recipient_key(recipient)
        others = tuple(group for group in groups if key not in map(recipient_key, group))
        missing = max(0, needed - (len(groups) - len(others)))
        found[key] = Share(recipient, others if missing else (), missing)
    return found


# One version of one file.


@dataclass(frozen=True, slots=True)
class _Looker:
    """How values are compared, and which files are encrypted in which format.

    Attributes:
        values: False opens data keys only.
        keys: the data keys that were opened, by their wrapped forms: many versions have the same.
    """

    marker: Marker
    formats: Mapping[str, str]
    values: bool
    keys: dict[tuple[str, ...], DataKey | None] = field(default_factory=dict, repr=False)

    def data_key(self, session: Session, metadata: Metadata) -> DataKey | None:
        """The data key of a file, or None if no identity at hand opens it."""
        wrapped = (
            str(metadata.shamir_threshold),
            *(
                f"{number} {key.enc}"
                for number, group in enumerate(metadata.key_groups)
                for key in group.keys
            ),
        )
        if wrapped not in self.keys:
            try:
                self.keys[wrapped] = open_data_key(metadata, session.providers)
            except FluxsecretsError:
                self.keys[wrapped] = None
        return self.keys[wrapped]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one version holds; `marks` identify its data key, see `repo.keyhistory`."""

    values: Mapping[str, Marked | None] = field(default_factory=dict, repr=False)
    groups: RecipientGroups = ()
    needed: int = 1
    marks: frozenset[bytes] = field(default=frozenset(), repr=False)
    opened: bool = True

    @property
    def plain(self) -> bool:
        return not self.groups

    @property
    def holds_secret(self) -> bool:
        return bool(self.groups or self.values)


def _look(session: Session, looker: _Looker, job: tuple[str, str, bytes]) -> _Look | None:
    """What one version holds; None if it cannot be read."""
    path, _, data = job
    try:
        kind = detect_encryption(data, path)
        format_ = make_format(kind or looker.formats.get(path) or format_for_path(path))
        document = format_.parse(data, session.limits)
        if document.metadata is not None:
            return _encrypted(session, looker, document, document.metadata, data, single=format_.single_value)
        return _plain(looker, document, single=format_.single_value, known=path in looker.formats)
    except FluxsecretsError:
        return None


def _encrypted(
    session: Session, looker: _Looker, document: Document, metadata: Metadata, data: bytes, *, single: bool
) -> _Look:
    groups = metadata.recipients
    needed = 1 if len(groups) == 1 else metadata.shamir_threshold or len(groups)
    mark = looker.marker.mark
    marks = {mark("ciphertext", each) for each in find_ciphertexts(data)}
    marks |= {mark("wrapped", key.enc.strip().encode()) for key in metadata.wrapped_keys if key.enc.strip()}
    data_key = looker.data_key(session, metadata)
    if data_key is not None:
        marks.add(mark("data key", data_key.reveal()))
    values: Mapping[str, Marked | None] = {}
    if looker.values:
        values = _values(looker, document, metadata, data_key, single=single)
    return _Look(values, groups, needed, frozenset(marks), data_key is not None)


def _values(
    looker: _Looker, document: Document, metadata: Metadata, data_key: DataKey | None, *, single: bool
) -> Mapping[str, Marked | None]:
    selector, keys = own_selector(metadata), value_keys(document, single=single)
    if data_key is not None:
        try:
            # A file whose MAC doesn't fit can be read all the same, with sops's --ignore-mac.
            opened = open_document(document, selector, data_key, single_value=single, verify_mac=False)
            return {
                keys[id(change.target)]: looker.marker.marked(change.value)
                for change in opened.changes
                if isinstance(change.target, Leaf)
                and not change.becomes_comment
                and id(change.target) in keys
            }
        except FluxsecretsError:
            pass
    return {
        keys[id(item)]: None
        for item, encrypts in selected(document, selector, single_value=single)
        if encrypts and isinstance(item, Leaf) and not is_empty(item.value)
    }


def _plain(looker: _Looker, document: Document, *, single: bool, known: bool) -> _Look:
    """A plain version: the values of Secrets, and of files that are encrypted elsewhere in the history."""
    keys = value_keys(document, single=single)
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
                values[keys[id(leaf)]] = looker.marker.marked(leaf.value)
    return _Look(values)


def place_of(path: str, key: str) -> str:
    """A value as it is named on a command line."""
    return f"{path}#{key}" if key else path


def value_keys(document: Document, *, single: bool) -> dict[int, str]:
    """The key of each value, by its leaf's id: its path, after the number of one of several documents."""
    found = {}
    for number, part in enumerate(document.parts, 1):
        for leaf in Document("", "", (part,), None).leaves:
            shown = "" if single else show_path(leaf.path)
            found[id(leaf)] = f"{number}:{shown}" if len(document.parts) > 1 else shown
    return found
