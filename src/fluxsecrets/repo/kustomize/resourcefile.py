"""One file under `resources`: its objects, or why kustomize refuses it.

Follows kustomize's kyaml/kio (`ByteReader`) and api/resource/factory.go: every document must be an object
with a kind and a name, and whatever is called a list is taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError
from fluxsecrets.records import dataclass, replace
from fluxsecrets.repo.manifests import (
    child,
    items_of,
    line_of,
    manifest_of,
    read_documents,
    without_definitions,
)
from fluxsecrets.repo.objects import Object, object_of
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Note, Tree
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, Sequence, leaves_of
from fluxsecrets.sops.formats import decode_text
from fluxsecrets.sops.formats.yaml.build import key_text
from fluxsecrets.sops.formats.yaml.nodes import RawMapping, RawNode, RawScalar, RawSequence, parse_nodes

from .reading import unreadable

_NULLS = ("", "~", "null", "Null", "NULL")
_SEPARATOR = re.compile(r"\n---(.*)(?=\n)")


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """What a file holds.

    Attributes:
        objects: in order, local configuration among them.
        notes: what could not be read.
        outcome: why the file is refused, or None.
    """

    objects: tuple[Object, ...] = ()
    notes: tuple[Note, ...] = ()
    outcome: Outcome | None = None


def read_resource_file(tree: Tree, path: str) -> ResourceFile:
    """Read a file of the tree as kustomize does."""
    try:
        if tree.size(path) is None:  # a symbolic link: what it stands for has its own name
            return ResourceFile()
        data = tree.read(path) if tree.definitions else without_definitions(tree.read(path))
        documents = read_documents(data, path, tree.limits)
    except FormatError as error:
        return ResourceFile((), (unreadable(path, error),), refusal(tree, path, error))
    except FluxsecretsError as error:
        reason = "the file is too large or too deep" if isinstance(error, LimitError) else error.message
        unknown = Outcome(Effect.UNKNOWN, "unreadable-resource", reason, path, error.line)
        return ResourceFile((), (unreadable(path, error),), unknown)
    outcome = _bad_separator(data, path)
    found: list[Object] = []
    for index, document in enumerate(documents):
        for node, in_list in _nodes(document):
            problem = _problem(node)
            if problem is not None or not isinstance(node, Mapping):
                reason = problem or "missing Resource metadata"
                outcome = outcome or Outcome(
                    Effect.FAILS, "not-a-manifest", reason, path, line_of(node), _hint(reason)
                )
                continue
            outcome = outcome or _not_finite(node, path)
            item = object_of(manifest_of(node, index, in_list=in_list), path)
            if item is not None:
                found.append(item)
    return ResourceFile(tuple(found), (), outcome)


def _nodes(document: Node) -> Iterator[tuple[Node, bool]]:
    """The objects of a document, those of lists in the place of the list, and whether they are of one."""
    if _is_empty(document):
        return
    if _text(child(document, "kind")).endswith("List") and isinstance(document, Mapping):
        items = document.get("items")
        if isinstance(items, Sequence) or (items is not None and _is_empty(items)):
            for item in items_of(items):
                for node, _ in _nodes(item):
                    yield node, True
            return
    yield document, False


def _problem(node: Node) -> str | None:
    """What `GetValidatedMetadata` says against an object."""
    if not isinstance(node, Mapping):
        return "missing Resource metadata"
    kind, metadata = _text(node.get("kind")), node.get("metadata")
    known = any(not _is_empty(child(metadata, key)) for key in ("name", "namespace", "labels", "annotations"))
    if not kind:
        if not known and not _text(node.get("apiVersion")):
            return "missing Resource metadata"
        return "missing kind in object"
    if kind.endswith("List"):
        return _problem_of_list(node, kind)
    return None if _text(child(metadata, "name")) else "missing metadata.name in object"


def _problem_of_list(node: Mapping, kind: str) -> str | None:
    """Lists that are not taken apart: no kind of Kubernetes itself is called so and has no items."""
    if node.get("items") is not None:
        return f"expected array in {kind}/items"
    group = _text(node.get("apiVersion")).rpartition("/")[0]
    is_own = "." not in group.removesuffix(".k8s.io")
    return f"no matches for kind {kind!a}" if is_own and _text(child(node, "metadata", "name")) else None


def _not_finite(node: Mapping, path: str) -> Outcome | None:
    """A number that JSON does not have, which kustomize refuses when it prints the object."""
    for leaf in leaves_of(node):
        if isinstance(leaf.value, float) and not isfinite(leaf.value):
            reason = "kustomize build failed: json: unsupported value"
            return Outcome(Effect.FAILS, "number-not-finite", reason, path, leaf.line, "quote the value")
    return None


def _is_empty(node: Node | None) -> bool:
    """Whether kustomize passes over it: null, `{}` and `[]`."""
    if node is None:
        return True
    if isinstance(node, Leaf):
        return node.value is None
    if isinstance(node, Mapping):
        return not any(isinstance(entry, Entry) for entry in node.entries)
    return not items_of(node)


def _text(node: Node | None) -> str:
    return "" if not isinstance(node, Leaf) or node.value is None else str(node.value)


def _hint(problem: str) -> str:
    if problem == "missing metadata.name in object":
        return "give the object a name"
    return "move YAML that is not a manifest elsewhere, or list the manifests in a kustomization.yaml"


def _bad_separator(data: bytes, path: str) -> Outcome | None:
    """A line such as `--- # first` is a separator, `---x` is refused (`splitDocuments`)."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    for found in _SEPARATOR.finditer(text):
        behind = found[1].strip()
        if behind and not behind.startswith("#"):
            line = text.count("\n", 0, found.start()) + 2
            return Outcome(Effect.FAILS, "malformed-yaml", "invalid document separator", path, line)
    return None


def refusal(tree: Tree, path: str, error: FormatError) -> Outcome:
    """Why YAML that could not be read stops kustomize, or that it is not known whether it does."""
    found: Outcome | None = None
    try:
        text, _ = decode_text(tree.read(path), tree.limits, "YAML")
        for document in parse_nodes(text, tree.limits):
            found = found or _wrong_key(document.root, path)
    except FormatError as again:
        where = f" line {again.line}:" if again.line is not None else ""
        reason = f"MalformedYAMLError: yaml:{where} {again.message}"
        return Outcome(Effect.FAILS, "malformed-yaml", reason, path, again.line)
    except FluxsecretsError:
        found = None
    return found or Outcome(Effect.UNKNOWN, "unreadable-resource", error.message, path, error.line)


def after_merge(outcome: Outcome) -> Outcome:
    """The outcome of a build that goes on with a strategic merge patch.

    kyaml's merge drops nulls from the object that it changes, and with them a key that is there again. Which
    object that is, is not known for a file that cannot be read.
    """
    if outcome.behaviour != "duplicate-null-key" or outcome.effect is not Effect.FAILS:
        return outcome
    reason = f"{outcome.reason}, unless a strategic merge patch changes the object"
    return replace(outcome, effect=Effect.UNKNOWN, reason=reason)


def _wrong_key(root: RawNode, path: str) -> Outcome | None:
    """A key that is in a map twice, or is not a text; kustomize fails on it when it prints the object."""
    waiting: list[RawNode] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, RawMapping):
            seen: dict[str, tuple[int, bool]] = {}
            for raw, value in zip(node.keys, node.values, strict=True):
                try:
                    key = key_text(raw)
                except FormatError as error:
                    reason = "json: unsupported type: map[interface {}]interface {}"
                    return Outcome(Effect.FAILS, "key-not-text", reason, path, raw.line, error.hint or "")
                if key in seen:
                    line, empty = seen[key]
                    reason = f"yaml: line {raw.line}: mapping key already defined at line {line}"
                    behaviour = "duplicate-null-key" if empty else "duplicate-key"
                    hint = "remove or rename one of the keys"
                    return Outcome(Effect.FAILS, behaviour, reason, path, raw.line, hint)
                seen[key] = (raw.line, isinstance(value, RawScalar) and value.text in _NULLS)
            waiting += node.values
        elif isinstance(node, RawSequence):
            waiting += node.items
    return None
