"""Read one version of a file for a comparison: its objects and values, and what is known of it as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fluxsecrets.errors import DataKeyError, FluxsecretsError, IntegrityError
from fluxsecrets.external.model import Reference, RemoteValue, read_external
from fluxsecrets.marks import is_ciphertext, is_encrypted_comment
from fluxsecrets.ops.files.content import OpenedFile, check_encrypted, open_parsed, parse, refuse_leftovers
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import Manifest, items_of, manifest_of
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.sealed.model import is_sealed
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.comparison import comments_of
from fluxsecrets.sops.document import Change, Document, Leaf, Path, leaves_of
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.formats import bytes_as_text, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.values import Value

from .model import Mac, SideInfo, Version
from .places import SEALED, is_secret_place, manifest_in

_ALL_KEYS = "*"


class Item(NamedTuple):
    """One value of a version.

    Attributes:
        text: as it is written, if it is a ciphertext or sealed value; else "".
        known: whether `value` is the value.
        value: the value; what base64 under `data:` of a Secret decodes to.
        secret: it is encrypted, or would have to be.
        base64: it is under `data:` of a Secret.
    """

    line: int
    text: str
    known: bool
    value: Value
    secret: bool
    base64: bool = False

    @property
    def encrypted(self) -> bool:
        """Whether it is a ciphertext or a sealed value."""
        return bool(self.text)


ItemKey = tuple[Path, int]
"""Where a value is, and which one of those at the same path: dotenv and INI may repeat a key."""


@dataclass(frozen=True, slots=True)
class Part:
    """One YAML document, or the whole file in other formats.

    Attributes:
        number: from 0.
        shown: its object for people, or "".
        items: the values that count.
        references: of an ExternalSecret: by key, its source and line.
    """

    number: int
    shown: str
    items: Mapping[ItemKey, Item] = field(repr=False)
    references: Mapping[str, tuple[str, int | None]]
    node: MapNode = field(repr=False)


@dataclass(frozen=True, slots=True)
class Side:
    """One version.

    Attributes:
        info: the version as a whole.
        parts: none if it can't be read.
        metadata: the `sops` block, or None.
        data_key: or None if the version was not decrypted.
        comments: its comments, decrypted where the version is.
    """

    info: SideInfo
    parts: tuple[Part, ...] = ()
    metadata: Metadata | None = None
    data_key: DataKey | None = None
    comments: Counter[str] = field(default_factory=Counter, repr=False)


def read_side(session: Session, version: Version, *, with_keys: bool, everything: bool = False) -> Side:
    """Read a version; what can't be read is in the result's `error`.

    Args:
        session: the run.
        version: the version.
        with_keys: decrypt it if the identities at hand can.
        everything: of a plain file all values count, and not only those of Secrets.

    Raises:
        ConfigError, FileAccessError: `.fluxsecrets.yaml` is invalid, so it is unknown what may run.
    """
    info = SideInfo(version.path, secret=version.secret)
    format_ = make_format(version.format)
    try:
        document = parse(format_, version.data, session.limits)
        if document.metadata is None:
            refuse_leftovers(document)
    except FluxsecretsError as error:
        return Side(replace(info, error=error.in_file(version.path)))
    if document.metadata is None:
        reader = _Reader(document, None, version.secret, everything=everything)
        secret = version.secret or reader.manifests
        return Side(
            replace(info, secret=secret, opened=True), tuple(reader.parts()), comments=comments_of(document)
        )
    metadata = document.metadata
    info = _with_metadata(info, metadata)
    opened: OpenedFile | None = None
    try:
        if with_keys:
            opened = open_parsed(format_, document, session.providers)
            info = replace(info, mac=Mac.OK, opened=True)
        else:
            check_encrypted(document, single_value=format_.single_value)
    except DataKeyError as error:
        info = replace(info, undecided=error.undecided)
        info = _checked_without_key(info, document, single_value=format_.single_value)
    except IntegrityError as error:
        info = replace(info, mac=Mac.WRONG, error=error.in_file(version.path))
    except FluxsecretsError as error:
        info = replace(info, error=error.in_file(version.path))
    values = {} if opened is None else opened.opened.values
    return Side(
        info,
        tuple(_Reader(document, opened, whole=False, everything=True).parts()),
        metadata,
        None if opened is None else opened.opened.data_key,
        comments_of(document, values),
    )


def _with_metadata(info: SideInfo, metadata: Metadata) -> SideInfo:
    return replace(
        info,
        encrypted=True,
        secret=True,
        mac=Mac.UNKNOWN,
        recipients=metadata.recipients,
        selector=f"{metadata.selector.kind.value}: {metadata.selector.pattern}",
        threshold=groups_needed(metadata.recipients, metadata.shamir_threshold),
        mac_only_encrypted=metadata.mac_only_encrypted,
    )


def _checked_without_key(info: SideInfo, document: Document, *, single_value: bool) -> SideInfo:
    """Look for plain text where ciphertexts should be, which takes no key."""
    try:
        check_encrypted(document, single_value=single_value)
    except IntegrityError as error:
        return replace(info, mac=Mac.WRONG, error=error.in_file(info.path))
    except FluxsecretsError as error:
        return replace(info, error=error.in_file(info.path))
    return info


class _Reader:
    """Takes the values out of a document."""

    def __init__(
        self, document: Document, opened: OpenedFile | None, whole: bool, *, everything: bool
    ) -> None:
        """Take a document; `whole` says that all of a plain file is secret, if it has no Secrets."""
        self._document = document
        self._changes = {} if opened is None else opened.opened.values
        self._closed = document.metadata is not None and opened is None
        self._whole, self._everything = whole, everything
        self.manifests = any(_holds_secret(node) for node in document.parts)

    def parts(self) -> Iterator[Part]:
        """The parts in order."""
        for number, node in enumerate(self._document.parts):
            manifest = manifest_in(node, number)
            references = {} if manifest is None else dict(_references(manifest))
            items = dict(self._items(node, manifest))
            yield Part(number, _shown(manifest), items, references, node)

    def _items(self, node: MapNode, manifest: Manifest | None) -> Iterator[tuple[ItemKey, Item]]:
        sealed = manifest is not None and is_sealed(manifest)
        seen: Counter[Path] = Counter()
        for leaf in leaves_of(node):
            change = self._changes.get(id(leaf))
            if (change is not None and change.becomes_comment) or is_encrypted_comment(leaf.value):
                continue
            key = (leaf.path, seen[leaf.path])
            seen[leaf.path] += 1
            if sealed and leaf.path[:2] in SEALED:
                yield key, Item(leaf.line, str(leaf.value), known=False, value=None, secret=True)
                continue
            item = self._item(leaf, change, manifest)
            if item.secret or sealed or self._everything:
                yield key, item

    def _item(self, leaf: Leaf, change: Change | None, manifest: Manifest | None) -> Item:
        base64 = (
            manifest is not None and manifest.is_secret and leaf.path[0] == "data" and len(leaf.path) == 2
        )
        if self._closed and is_ciphertext(leaf.value):
            return Item(
                leaf.line, str(leaf.value).strip(), known=False, value=None, secret=True, base64=base64
            )
        value = leaf.value if change is None else change.value
        return Item(
            leaf.line,
            "" if change is None else str(leaf.value).strip(),
            known=True,
            value=_decoded(value) if base64 else bytes_as_text(value),
            secret=change is not None or self._must_be_encrypted(leaf, manifest),
            base64=base64,
        )

    def _must_be_encrypted(self, leaf: Leaf, manifest: Manifest | None) -> bool:
        if not self.manifests:
            return self._whole
        return manifest is not None and is_secret_place(manifest, leaf.path)


def _holds_secret(node: MapNode) -> bool:
    manifest = manifest_in(node)
    if manifest is None:
        return False
    if manifest.is_secret:
        return True
    items = items_of(node.get("items")) if manifest.kind.endswith("List") else ()
    inner = "Secret" if manifest.kind == "SecretList" else None
    return any(
        isinstance(item, MapNode) and manifest_of(item, 0, kind=inner, in_list=True).is_secret
        for item in items
    )


def _decoded(value: Value) -> Value:
    """What base64 decodes to, or the value if it is not base64."""
    decoded = decode_base64(value) if isinstance(value, str) else None
    return value if decoded is None else bytes_as_text(decoded)


def _shown(manifest: Manifest | None) -> str:
    if manifest is None:
        return ""
    return "/".join(filter(None, (manifest.kind, manifest.namespace, manifest.name)))


def _references(manifest: Manifest) -> Iterator[tuple[str, tuple[str, int | None]]]:
    """The sources of an ExternalSecret's values by key."""
    external = read_external(manifest)
    if external is None:
        return
    for value in external.values:
        yield value.key, (_source(value, value.source or external.store), value.line)
    for number, source in enumerate(external.sources, 1):
        store = source.source or external.store
        found = _shown_store(store) if source.extract is None else _source(source.extract, store)
        yield f"{_ALL_KEYS}{number}", (f"{found} found" if source.find else found, source.line)


def _source(value: RemoteValue, store: Reference | None) -> str:
    version = f" version {value.version}" if value.version else ""
    inner = f"#{value.property}" if value.property else ""
    decoding = f" decoded as {value.decoding}" if value.decoding != "None" else ""
    kind = " metadata" if value.metadata else ""
    return f"{_shown_store(store)} {value.remote}{inner}{version}{decoding}{kind}"


def _shown_store(store: Reference | None) -> str:
    return "no store" if store is None else f"{store.kind}/{store.name}"
