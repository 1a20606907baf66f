"""Kubernetes manifests: which documents are Secrets, and what is in them.

Most files of a repository hold no Secret. They are told apart by a look at their bytes and never
parsed; the look may be wrong in one direction only.

A manifest is plain data: dicts, lists and scalars. It is shared between objects, so nothing here changes it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_ciphertext
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import Comment, Entry, Leaf, Mapping, Node, Sequence
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import load_either

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    Plain = dict[str, Any]
else:
    Plain = dict
"""A manifest's root, or any map in it."""

Steps = tuple[str | int, ...]
"""Where something stands in it: keys, and positions in lists."""


def dig(data: object, *keys: str) -> Any:
    """What is under nested keys, or None."""
    for key in keys:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def dig_steps(data: object, steps: Steps) -> Any:
    """What is at a place, through maps and lists, or None."""
    for step in steps:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def text(data: object, *keys: str) -> str | None:
    """The text under nested keys, or None."""
    found = dig(data, *keys)
    return found if isinstance(found, str) and found else None


def maps(data: object, *keys: str) -> list[Plain]:
    """The maps in the list under nested keys."""
    found = dig(data, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(data: object, *keys: str) -> tuple[str, ...]:
    """The texts in the list under nested keys."""
    found = dig(data, *keys)
    return tuple(item for item in found if isinstance(item, str) and item) if isinstance(found, list) else ()


def pairs(data: object, *keys: str) -> dict[str, str]:
    """The texts of a map by key, numbers and booleans as they would be written; others are left out."""
    found = dig(data, *keys)
    if not isinstance(found, dict):
        return {}
    shown = {key: _scalar(value) for key, value in found.items()}
    return {key: value for key, value in shown.items() if value is not None}


def walk(data: object, steps: Steps = ()) -> Iterator[tuple[Steps, Plain]]:
    """Every map in data, with where it stands, outer ones first."""
    waiting: list[tuple[Steps, object]] = [(steps, data)]
    while waiting:
        here, value = waiting.pop()
        if isinstance(value, dict):
            yield here, value
            inner = [((*here, key), item) for key, item in value.items() if isinstance(item, (dict, list))]
            waiting += reversed(inner)
        elif isinstance(value, list):
            waiting += reversed(
                [((*here, index), item) for index, item in enumerate(value) if isinstance(item, (dict, list))]
            )


def changed_texts(data: Any, change: Callable[[str], str]) -> Any:
    """The data with every text in it changed, keys too; what does not change is shared."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        made = {change(key): changed_texts(value, change) for key, value in data.items()}
        same = all(made.get(key) is value for key, value in data.items())
        return data if same and len(made) == len(data) else made
    if isinstance(data, list):
        items = [changed_texts(item, change) for item in data]
        same = all(new is old for new, old in zip(items, data, strict=True))
        return data if same else items
    return data


def with_value(data: Any, steps: Steps, value: Any) -> Any:
    """The data with another value at a place; maps that are missing on the way are made."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        known = data if isinstance(data, dict) else {}
        return {**known, step: with_value(known.get(step), rest, value)}
    items = list(data) if isinstance(data, list) else []
    if step < len(items):
        items[step] = with_value(items[step], rest, value)
    return items


def _scalar(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


DECRYPT_ANNOTATION = "kustomize.toolkit.fluxcd.io/decrypt"
"""With the value `disabled` Flux leaves a resource encrypted."""

_SECRET = rb"""(?x)kind["']?\s*:
    (?: \s | \#[^\n]* | [&!]\S*\s | [|>][-+0-9]*\s )*   # comments, anchors, tags, block scalar headers
    (?: ["']?Secret(?:List)?(?![A-Za-z0-9_-])           # the kind itself
      | "[^"\n]*\\                                      # escapes that may spell it
      | \*                                              # an alias that may stand for it
    )"""

SEALED_GROUP: Final = "bitnami.com"
EXTERNAL_GROUP: Final = "external-secrets.io"
"""The groups of SealedSecrets, and of ExternalSecrets and their stores."""

_NOT_CONTENT_KINDS = frozenset({"SealedSecret", "ExternalSecret", "ClusterExternalSecret"})

_ANNOTATION_PREFIXES = (
    "fluxsecrets.io/",
    "kustomize.config.k8s.io/",
    "kustomize.toolkit.fluxcd.io/",
    "sealedsecrets.bitnami.com/",
)

# What stands for a value that another tool puts in later. Strict on purpose: a password that merely
# starts with `vault:` is a password, and `${VAR:-default}` holds its default in plain text.
_REFERENCE = r"""(?x)\s*(?:
      op://[^/\n]+/[^\n]+                     # 1Password
    | ref\+(?!echo:)[a-z0-9]+://\S+           # vals; echo would hold the value itself
    | (?:>>)?vault:[^\s\#]+\#\S+              # Bank-Vaults: path and key
    | <path:[^\s<>\#]+\#[^\s<>]+>             # argocd-vault-plugin: path and key
    | \$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=])?\} # Flux's postBuild substitution, with an empty default too
    | \#\{[ ]?[A-Za-z_][^{}\n]*\}\#           # makejinja
    | <<[^<>\n]*\binputs\b[^<>\n]*>>         # ResourceSet
    | %\{[ ][^{}\n]*[ ]\}%?                  # Terraform's templates
    )\s*"""


_SIGNS = (b"${", b"#{", b"<<", b"%{")
"""The first characters of references that are expressions."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Kubernetes object.

    Attributes:
        index: position of its YAML document in the file, from 0.
        line: 1-based line of its first key.
        api_version, kind: as written, or "".
        name, namespace: of its metadata, or None.
        annotations: those of Flux, kustomize, Sealed Secrets and fluxsecrets; others are not kept.
        is_secret: a core Secret with metadata.
        has_data: it has at least one value that is neither empty nor a reference.
        in_list: it stands in the `items` of a List.
        has_sops: it has a `sops` block with a MAC.
        node: the object itself; not in the repr, since it holds the values.
    """

    index: int
    line: int
    api_version: str
    kind: str
    name: str | None
    namespace: str | None
    annotations: tuple[tuple[str, str], ...]
    is_secret: bool
    has_data: bool
    in_list: bool
    has_sops: bool
    node: Mapping = field(repr=False)

    @property
    def group(self) -> str:
        """The API group: "" for core."""
        return self.api_version.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """The Kubernetes objects of a file.

    Attributes:
        manifests: in file order; the items of a List in its place. Documents that are not objects
            (Helm values, other YAML) are not in it.
        documents: how many YAML documents the file has, empty ones not counted.
    """

    path: str
    manifests: tuple[Manifest, ...]
    documents: int

    @property
    def secrets(self) -> tuple[Manifest, ...]:
        """The Secrets with data."""
        return tuple(item for item in self.manifests if item.is_secret and item.has_data)

    @property
    def only_objects(self) -> bool:
        """Every document is a Kubernetes object, or a List of some."""
        return len({item.index for item in self.manifests}) >= self.documents


@cache
def secret_pattern() -> re.Pattern[bytes]:
    """Return what is found in every file that may hold a Secret; what it finds need not be one."""
    return re.compile(_SECRET)  # with its first use: most commands need none


def may_hold_secret(data: bytes) -> bool:
    """Whether a manifest has to be parsed to know if it holds a Secret; cheap."""
    return secret_pattern().search(searchable(data)) is not None


def searchable(data: bytes) -> bytes:
    """The bytes to look for text in: UTF-16 is turned into UTF-8, all else is as it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    return data


def read_manifests(data: bytes, path: str, limits: Limits = Limits()) -> ManifestFile:  # noqa: B008 - frozen
    """Parse a YAML or JSON file.

    Raises:
        FormatError: not YAML or JSON; with the path and line, without values.
        LimitError: too large, too deep, too much alias expansion.
    """
    documents = read_documents(data, path, limits)
    found = tuple(manifest for index, node in enumerate(documents) for manifest in objects_in(node, index))
    filled = sum(not (isinstance(node, Leaf) and node.value is None) for node in documents)
    return ManifestFile(path, found, filled)


def holds_no_value(path: str, data: bytes, limits: Limits = Limits()) -> bool:  # noqa: B008 - frozen
    """Whether a file is empty, or its values are references, or a manifest whose objects are sealed.

    Then it is not a secret, whatever it is called.
    """
    if not data.strip():
        return True
    if not path.lower().endswith(MANIFEST_SUFFIXES):
        return False
    try:
        if any(sign in data for sign in _SIGNS) and _only_refer(read_documents(data, path, limits)):
            return True
        if b"kind" not in data:
            return False
        file = read_manifests(data, path, limits)
    except FluxsecretsError:
        return False
    return file.only_objects and all(
        manifest.kind in _NOT_CONTENT_KINDS or (manifest.is_secret and not manifest.has_data)
        for manifest in file.manifests
    )


def without_definitions(data: bytes) -> bytes:
    """A manifest file whose CustomResourceDefinitions have no `spec`, every line where it was.

    They are large, hold nothing that matters here, and take most of the time that a repository takes. Those
    with a `${` keep theirs: Flux takes it for a variable, in descriptions too.
    """
    if b"CustomResourceDefinition" not in data:
        return data
    pieces = re.split(_MARKER, data)
    return b"".join(
        re.sub(_SPEC, lambda found: b"\n" * found[0].count(b"\n"), piece)
        if re.search(_DEFINITION, piece) and b"\nsops:" not in piece and b"${" not in piece
        else piece
        for piece in pieces
    )


# A line with `---` begins a document wherever it is: YAML allows it inside of nothing.
_MARKER = rb"(?m)(?=^---\s*$)"
_DEFINITION = rb"(?m)^kind:[ ]*CustomResourceDefinition[ ]*\r?$"
_SPEC = rb"(?m)^(?:spec|status):[ ]*\r?\n(?:[ #-][^\n]*\n|\r?\n)*(?:[ #-][^\n]*\Z)?"


def read_documents(data: bytes, path: str, limits: Limits = Limits()) -> tuple[Node, ...]:  # noqa: B008 - frozen
    """The documents of a YAML file, or the one of a JSON file; errors name it."""
    try:
        return load_either(data, limits)
    except FluxsecretsError as error:
        raise error.in_file(path) from None


def text_of(node: Node | None) -> str | None:
    """The text of a string scalar, or None for anything else."""
    return node.value if isinstance(node, Leaf) and isinstance(node.value, str) else None


def child(node: Node | None, *keys: str) -> Node | None:
    """The node under nested map keys, or None."""
    for key in keys:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def merged_maps(node: Mapping) -> Iterator[Mapping]:
    """Yield the maps whose keys a map has by YAML's merge keys, `<<`."""
    for entry in node.entries:
        if isinstance(entry, Entry) and entry.merge:
            for value in items_of(entry.value) or (entry.value,):
                if isinstance(value, Mapping):
                    yield value
                    yield from merged_maps(value)


def items_of(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; of anything else none."""
    if not isinstance(node, Sequence):
        return ()
    return tuple(item for item in node.items if not isinstance(item, Comment))


def line_of(node: Node | None) -> int | None:
    """1-based line where a node starts; None if it holds no key or value."""
    while node is not None:
        if isinstance(node, Leaf):
            return node.line
        if isinstance(node, Mapping):
            return next((entry.line for entry in node.entries if isinstance(entry, Entry)), None)
        node = next(iter(items_of(node)), None)
    return None


def is_reference(value: object) -> bool:
    """Whether a value is a reference that another tool resolves, and as such no secret."""
    return isinstance(value, str) and re.fullmatch(_REFERENCE, value) is not None


def objects_in(node: Node, index: int) -> Iterator[Manifest]:
    """The objects of a document: itself, or the items of a List in its place.

    Args:
        node: the document's root.
        index: its position in the file.
    """
    yield from _objects(node, index, None, in_list=False)


def _objects(node: Node, index: int, item_kind: str | None, *, in_list: bool) -> Iterator[Manifest]:
    """The objects of a node; the items of a SecretList need not say what they are."""
    if not isinstance(node, Mapping):
        return
    kind = text_of(node.get("kind")) or item_kind or ""
    api_version = text_of(node.get("apiVersion")) or ("v1" if item_kind else "")
    if not kind or not api_version:
        return
    # kustomize takes apart whatever is called a list and has items
    if kind.endswith("List") and isinstance(node.get("items"), Sequence):
        inner = "Secret" if kind == "SecretList" and api_version == "v1" else None
        for item in items_of(node.get("items")):
            yield from _objects(item, index, inner, in_list=True)
        return
    yield manifest_of(node, index, kind=kind, api_version=api_version, in_list=in_list)


def manifest_of(
    node: Mapping, index: int, *, kind: str | None = None, api_version: str | None = None, in_list: bool
) -> Manifest:
    """One object.

    Args:
        node: the object.
        index: position of its YAML document in the file.
        kind: where a list says it for its items; by default as written.
        api_version: likewise.
        in_list: it stands in a List.
    """
    metadata = node.get("metadata")
    kind = kind or text_of(node.get("kind")) or ""
    api_version = api_version or text_of(node.get("apiVersion")) or ""
    is_secret = kind == "Secret" and api_version == "v1" and isinstance(metadata, Mapping)
    return Manifest(
        index=index,
        line=line_of(node) or 1,
        api_version=api_version,
        kind=kind,
        name=text_of(child(metadata, "name")),
        namespace=text_of(child(metadata, "namespace")),
        annotations=tuple(_annotations(child(metadata, "annotations"))),
        is_secret=is_secret,
        has_data=is_secret
        and any(
            _has_value(each.get(name))
            for each in (node, *merged_maps(node))
            for name in ("data", "stringData")
        ),
        in_list=in_list,
        has_sops=is_ciphertext(text_of(child(node, "sops", "mac"))),
        node=node,
    )


def _annotations(node: Node | None) -> Iterator[tuple[str, str]]:
    for entry in node.entries if isinstance(node, Mapping) else ():
        value = text_of(entry.value) if isinstance(entry, Entry) else None
        if isinstance(entry, Entry) and value is not None and entry.key.startswith(_ANNOTATION_PREFIXES):
            yield entry.key, value


def _only_refer(nodes: Iterable[Node]) -> bool:
    """Whether there are values, and all of them are references."""
    found = [value for node in nodes for value in _values(node)]
    return bool(found) and all(map(is_reference, found))


def _has_value(node: Node | None) -> bool:
    return node is not None and not all(map(is_reference, _values(node)))


def _values(node: Node) -> Iterator[object]:
    """The values below a node that are not empty."""
    if isinstance(node, Mapping):
        for entry in node.entries:
            if isinstance(entry, Entry):
                yield from _values(entry.value)
    elif isinstance(node, Sequence):
        for item in items_of(node):
            yield from _values(item)
    elif node.value is not None and node.value != "":
        yield node.value
