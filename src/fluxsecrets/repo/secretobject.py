"""A Kubernetes Secret as data: what kubectl would make of its manifest, with errors that have a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.errors import FormatError
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import Data, Entry, Leaf, Node, Style, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats.yaml.plain import reads_otherwise

from .manifests import child, line_of, text_of
from .secretrules import decode_base64, key_faults

FIELDS = ("data", "stringData")

FLUX_ANNOTATIONS = "kustomize.toolkit.fluxcd.io/"
"""Annotations that Flux reads on what it applies, whatever a Secret comes from."""

# What the API server fills in, and kubeseal takes out; managedFields cannot be applied either.
_SERVER_FIELDS = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
COPY_SUFFIX = "last-applied-configuration"
"""How annotations end that hold a copy of the whole object; several programs write one."""

# Each holds a copy of the whole object, values included (`StripLastAppliedAnnotations` of sealed-secrets).
COPIES = frozenset(
    {
        f"kubecfg.ksonnet.io/{COPY_SUFFIX}",
        f"kubectl.kubernetes.io/{COPY_SUFFIX}",
    }
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret.

    Attributes:
        name: of its metadata; "" where it has none.
        namespace: likewise.
        type: or None.
        immutable: or None where it is not said.
        metadata: all of it, without what the API server puts in and without copies of the object.
        values: by key, in the order of the file; of the same key in both fields stringData's counts.
        texts: the keys that stand in stringData.
        words: those of them whose value has no quotes, and that other readers of YAML take for a boolean or a
            number.
    """

    name: str
    namespace: str
    type: str | None = None
    immutable: bool | None = None
    metadata: Mapping[str, Data] = field(default_factory=dict)
    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    texts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return _strings(self.metadata.get("labels"))

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations."""
        return _strings(self.metadata.get("annotations"))

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(map(len, self.values.values()))


def read_secret(node: Node) -> Secret:
    """Read a Secret's manifest.

    Raises:
        FormatError: a value, key, `immutable` or the metadata is not what Kubernetes takes; with its
            line, without any value.
    """
    values: dict[str, bytes] = {}
    texts: set[str] = set()
    words: set[str] = set()
    for name, key, leaf in _entries(node):
        data = _decoded(key, leaf) if name == "data" else _text(key, leaf)
        if name == "data" and key in texts:
            continue
        values[key] = data
        if name == "stringData":
            texts.add(key)
            plain = leaf.style is Style.PLAIN and not leaf.alias and isinstance(leaf.value, str)
            words.update([key] if plain and reads_otherwise(str(leaf.value)) else [])
    kind = child(node, "type")
    return Secret(
        name=text_of(child(node, "metadata", "name")) or "",
        namespace=text_of(child(node, "metadata", "namespace")) or "",
        type=text_of(kind) or None,
        immutable=_immutable(child(node, "immutable")),
        metadata=clean_metadata(child(node, "metadata")),
        values=values,
        texts=frozenset(texts),
        words=frozenset(words),
    )


def clean_metadata(node: Node | None) -> dict[str, Data]:
    """Metadata without what the API server puts in, and without annotations that copy the object.

    Raises:
        FormatError: labels or annotations are not a map of strings.
    """
    data = to_data(node) if isinstance(node, MapNode) else {}
    if not isinstance(data, dict):
        return {}
    kept = {key: value for key, value in data.items() if key not in _SERVER_FIELDS}
    for name in ("labels", "annotations"):
        if name not in kept:
            continue
        _require_texts(child(node, name), name)
        kept[name] = {key: text for key, text in _strings(kept[name]).items() if key not in COPIES}
        if not kept[name]:
            del kept[name]
    return kept


def is_text(value: bytes) -> bool:
    """Whether a value can stand in stringData as it is, and stay what it is on the way to the cluster.

    Flux replaces variables in stringData, where base64 hides them; CR does not survive YAML's line breaks
    in every reader.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "${" not in text and all(
        character in "\n\t" or (character.isprintable() and character not in "\ufeff\u2028\u2029\x85")
        for character in text
    )


def _entries(node: Node) -> Iterator[tuple[str, str, Leaf]]:
    """Field, key and value of all values, in the order of the file."""
    for entry in node.entries if isinstance(node, MapNode) else ():
        if not isinstance(entry, Entry) or entry.key not in FIELDS:
            continue
        if isinstance(entry.value, Leaf) and entry.value.value is None:
            continue
        if not isinstance(entry.value, MapNode):
            raise FormatError(f"{entry.key} is not a map", line=entry.line, hint="give each value a key")
        for inner in entry.value.entries:
            if not isinstance(inner, Entry):
                continue
            if key_faults(inner.key):
                raise FormatError(
                    f"the key {inner.key!a} is not allowed in a Secret",
                    line=inner.line,
                    hint="keys are letters, digits, -, _ and .",
                )
            if not isinstance(inner.value, Leaf):
                raise _not_text(inner.key, inner.line)
            yield entry.key, inner.key, inner.value


def _text(key: str, leaf: Leaf) -> bytes:
    if leaf.value is None:
        return b""
    if not isinstance(leaf.value, str):
        raise _not_text(key, leaf.line)
    return leaf.value.encode("utf-8")


def _decoded(key: str, leaf: Leaf) -> bytes:
    if leaf.value is None:
        return b""
    if isinstance(leaf.value, str):
        decoded = decode_base64(leaf.value)
        if decoded is not None:
            return decoded
    raise FormatError(
        f"the value of {key!a} under data is not base64",
        line=leaf.line,
        hint="encode it with `base64`, or put it under stringData as it is",
    )


def _not_text(key: str, line: int | None) -> FormatError:
    return FormatError(
        f"the value of {key!a} is not a string, and Kubernetes takes only strings",
        line=line,
        hint="put quotes around it",
    )


def _immutable(node: Node | None) -> bool | None:
    if node is None or (isinstance(node, Leaf) and node.value is None):
        return None
    if isinstance(node, Leaf) and isinstance(node.value, bool):
        return node.value
    raise FormatError("immutable is neither true nor false", line=line_of(node), hint="write true or false")


def _require_texts(node: Node | None, name: str) -> None:
    for entry in node.entries if isinstance(node, MapNode) else ():
        if isinstance(entry, Entry) and text_of(entry.value) is None:
            raise FormatError(
                f"{entry.key!a} among the {name} is not a string",
                line=entry.line,
                hint="put quotes around it, as Kubernetes wants it",
            )


def _strings(data: Data | None) -> dict[str, str]:
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, str)}
