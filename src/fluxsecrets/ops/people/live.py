"""Where values are now: what the files of the work tree hold, and which of them can't be compared.

Encrypted files count with the values that the identities at hand open, sealed ones with what the private keys
at hand open, and plain files as text. Everything else that may hold a value is reported, never passed over.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, OFFBOARDING_FOLDER
from fluxsecrets.ops.files.content import own_selector, parse
from fluxsecrets.ops.policy.manifest import is_manifest
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import waits_for_path
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.manifests import (
    is_reference,
    read_manifests,
    searchable,
)
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import is_sealed, read_sealed
from fluxsecrets.sealed.opening import open_one
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Change, Comment, Document, Leaf, Mapping, leaves_of, show_path
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.formats import make_format

from .compare import Index, Rank
from .versions import place_of, value_keys

_EXTERNAL_KINDS = frozenset({"ExternalSecret", "ClusterExternalSecret"})
_FOREIGN = (
    b"age-encryption.org/",
    b"-----BEGIN AGE ENCRYPTED FILE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"\0GITCRYPT\0",
    b"$ANSIBLE_VAULT;",
)
"""How files begin that other tools encrypted."""
_MOST_PLACES = 20
"""Places of one value that are kept."""


class Why(StrEnum):
    """Why a file can't be compared."""

    CLOSED = "none of your identities opens it"
    DAMAGED = "it is encrypted and can't be read"
    UNPARSABLE = "it isn't valid YAML"
    SEALED = "it is sealed, and no private key at hand opens it"
    EXTERNAL = "its values are in an external store"
    FOREIGN = "another tool encrypted it"
    LARGE = "it is too large to be read"
    UNREADABLE = "it can't be read"
    OUTSIDE = "it is a link that leads out of the repository"


@dataclass(frozen=True, slots=True)
class Unseen:
    """A file that may hold any value.

    Attributes:
        content: identifies what it holds now.
    """

    path: str
    why: Why
    content: str


@dataclass(frozen=True, slots=True)
class Live:
    """What the work tree holds.

    Attributes:
        places: where each value is now, by its marks.
        unseen: the files that can't be compared.
    """

    places: MappingABC[bytes, tuple[str, ...]] = field(default_factory=dict, repr=False)
    unseen: tuple[Unseen, ...] = ()

    def places_of(self, marks: Iterable[bytes]) -> tuple[str, ...]:
        """Return where a value is now: `PATH#KEY`, then `PATH:LINE` in files that aren't secrets."""
        found = {place for mark in marks for place in self.places.get(mark, ())}
        return tuple(sorted(found, key=lambda place: ("#" not in place, place)))


def find_live(
    session: Session, tree: Tree, index: Index, formats: MappingABC[str, str], keys: Sequence[SealingKey] = ()
) -> Live:
    """Look for values in all files of the work tree.

    Args:
        session: the run; its identities open encrypted files.
        tree: the files.
        index: the values.
        formats: of files that are, or were, encrypted.
        keys: private keys of controllers, which open sealed values.
    """
    if not index:
        return Live()
    places: dict[bytes, list[str]] = {}
    unseen = []
    paths = [path for path in tree.paths if not path.startswith(f"{OFFBOARDING_FOLDER}/")]
    searcher = _Searcher(session, tree, index, formats, keys)
    for found in run_jobs(partial(_search, searcher), paths, chunk=32, waits=partial(_waits, searcher)):
        for mark, place in found.hits:
            known = places.setdefault(mark, [])
            if len(known) < _MOST_PLACES and place not in known:
                known.append(place)
        if found.unseen is not None:
            unseen.append(found.unseen)
    return Live({mark: tuple(known) for mark, known in places.items()}, tuple(unseen))


@dataclass(frozen=True, slots=True)
class _Searcher:
    session: Session
    tree: Tree
    index: Index = field(repr=False)
    formats: MappingABC[str, str]
    keys: Sequence[SealingKey] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Found:
    hits: tuple[tuple[bytes, str], ...] = field(default=(), repr=False)
    unseen: Unseen | None = None


_Hits = Iterator[tuple[bytes, str] | Why]
"""Marks with their places; a `Why` if something in the file can't be compared."""


def _search(searcher: _Searcher, path: str) -> _Found:
    try:
        return _searched(searcher, path)
    except FluxsecretsError:
        return _Found(unseen=Unseen(path, Why.UNREADABLE, ""))


def _searched(searcher: _Searcher, path: str) -> _Found:
    tree = searcher.tree
    size = tree.size(path)
    if size is None and tree.locate(path) is None:
        where = os.path.realpath(tree.root / path).encode("utf-8", "surrogateescape")
        return _Found(unseen=Unseen(path, Why.OUTSIDE, hashlib.sha256(where).hexdigest()))
    if not size:
        return _Found()
    if size > tree.limits.size:
        secret = path in searcher.formats or path.lower().endswith(MANIFEST_SUFFIXES)
        return _Found(unseen=Unseen(path, Why.LARGE, str(size)) if secret else None)
    data = tree.read(path)
    hits: dict[tuple[bytes, str], None] = {}
    unseen = None
    for hit in _hits(searcher, path, data):
        if isinstance(hit, Why):
            unseen = Unseen(path, hit, hashlib.sha256(data).hexdigest())
        else:
            hits[hit] = None
    return _Found(tuple(hits), unseen)


def _hits(searcher: _Searcher, path: str, data: bytes) -> _Hits:
    kind = detect_encryption(data, path)
    if kind is not None:
        yield from _in_encrypted(searcher, path, data, kind)
        return
    if data.lstrip().startswith(_FOREIGN):
        yield Why.FOREIGN
        return
    text = searchable(data)
    if b"\0" not in text:
        yield from _in_lines(searcher, path, text.decode("utf-8", "replace"))
    if path in searcher.formats:
        yield from _in_former(searcher, path, data)
    if path.lower().endswith(MANIFEST_SUFFIXES) and b"Secret" in text:
        yield from _in_manifests(searcher, path, data)


def _in_lines(searcher: _Searcher, path: str, text: str) -> _Hits:
    if searcher.index.may_be_in(text):
        for number, line in enumerate(text.split("\n"), 1):
            yield from ((mark, f"{path}:{number}") for mark in searcher.index.in_text(line))


def _in_encrypted(searcher: _Searcher, path: str, data: bytes, kind: str) -> _Hits:
    session, format_ = searcher.session, make_format(kind)
    try:
        document = parse(format_, data, session.limits)
    except FluxsecretsError:
        yield Why.DAMAGED
        return
    opened = _opened(session, document, single=format_.single_value)
    if isinstance(opened, Why):
        yield opened
        return
    keys = _names(path, document, single=format_.single_value)
    decrypted = set()
    for change in opened:
        target = change.target
        decrypted.add(id(target))
        if isinstance(target, Comment) or change.becomes_comment:
            texts = searcher.index.in_text(str(change.value), Rank.INSIDE)
            yield from ((mark, f"{path}:{target.line}") for mark in texts)
        elif change.value is not None:
            found = searcher.index.in_secret(change.value)
            yield from ((mark, keys.get(id(target), path)) for mark in found)
    for leaf in document.leaves:
        if id(leaf) not in decrypted and isinstance(leaf.value, str):
            yield from ((mark, keys[id(leaf)]) for mark in searcher.index.in_text(leaf.value))


def _opened(session: Session, document: Document, *, single: bool) -> tuple[Change, ...] | Why:
    metadata = document.metadata
    if metadata is None:
        return Why.DAMAGED
    try:
        data_key = open_data_key(metadata, session.providers)
    except FluxsecretsError:
        return Why.CLOSED
    try:
        selector = own_selector(metadata)
        opened = open_document(document, selector, data_key, single_value=single, verify_mac=False)
    except FluxsecretsError:
        return Why.DAMAGED
    return opened.changes


def _waits(searcher: _Searcher, path: str) -> bool:
    return path in searcher.formats and waits_for_path(searcher.session, searcher.tree.root / path)


def _in_former(searcher: _Searcher, path: str, data: bytes) -> _Hits:
    """The values of a file that was encrypted once, and is in plain text now."""
    format_ = make_format(searcher.formats[path])
    try:
        document = parse(format_, data, searcher.session.limits)
    except FluxsecretsError:
        return
    keys = _names(path, document, single=format_.single_value)
    for part in document.parts:
        if not is_manifest(part):
            yield from _in_leaves(searcher, leaves_of(part), keys)


def _in_manifests(searcher: _Searcher, path: str, data: bytes) -> _Hits:
    try:
        manifests = read_manifests(data, path, searcher.session.limits).manifests
    except FluxsecretsError:
        # A template, say. Plain values were looked for in its text; sealed ones can't be.
        if b"SealedSecret" in data or b"ExternalSecret" in data:
            yield Why.UNPARSABLE
        return
    for manifest in manifests:
        if manifest.is_secret:
            number = f"{manifest.index + 1}:" if manifests[-1].index else ""
            for leaf in _data_of(manifest.node):
                place = f"{path}#{number}{show_path(leaf.path)}"
                yield from ((mark, place) for mark in searcher.index.in_secret(leaf.value))
                if is_reference(leaf.value) and not str(leaf.value).strip().startswith("$"):
                    yield Why.EXTERNAL
        elif is_sealed(manifest):
            opened = _unsealed(searcher, manifest.node)
            for key, value in opened.items():
                if value is None:
                    yield Why.SEALED
                else:
                    place = f"{path}#spec.encryptedData.{key}"
                    yield from ((mark, place) for mark in searcher.index.in_secret(value))
        elif manifest.kind in _EXTERNAL_KINDS:
            yield Why.EXTERNAL


def _data_of(node: Mapping) -> Iterator[Leaf]:
    for name in ("data", "stringData"):
        part = node.get(name)
        if part is not None and not isinstance(part, Leaf):
            yield from leaves_of(part)


def _unsealed(searcher: _Searcher, node: Mapping) -> dict[str, bytes | None]:
    """The values of a SealedSecret by key; None for those that no private key at hand opens."""
    try:
        sealed = read_sealed(node)
    except FluxsecretsError:
        return {"": None}
    texts = dict(sealed.encrypted)
    if sealed.legacy is not None:
        texts["data"] = str(sealed.legacy.value)
    found: dict[str, bytes | None] = {}
    for key, text in texts.items():
        try:
            value = open_one(searcher.keys, text, sealed.label, key)
        except FluxsecretsError:
            value = None
        found[key] = value.data if value is not None else None
    return found


def _in_leaves(searcher: _Searcher, leaves: Iterable[Leaf], keys: MappingABC[int, str]) -> _Hits:
    for leaf in leaves:
        yield from ((mark, keys[id(leaf)]) for mark in searcher.index.in_secret(leaf.value))


def _names(path: str, document: Document, *, single: bool) -> dict[int, str]:
    return {id_: place_of(path, key) for id_, key in value_keys(document, single=single).items()}
