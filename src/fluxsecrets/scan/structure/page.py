"""A parsed file: its documents and the Kubernetes objects in them, as the rules of this package take it."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.scan.assignments import Assignment, assignments
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank

from .reader import List, Map, Node, Parsed, Path, Value, child, show, text_of

ENCRYPT_HINT = "encrypt it: `fluxsecrets encrypt FILE`"
AGAIN_HINT = "decrypt the file, and encrypt it again: `fluxsecrets encrypt FILE`"
GENERIC_HINT = "move it to a Secret, encrypt that with `fluxsecrets encrypt`, and refer to it here"


class Object:
    """A Kubernetes object, or any other document.

    Attributes:
        kind, api_version: as written, or "".
        name, namespace: of its metadata, or "".
        prefix: where it stands in its document: nothing, or a place in the items of a List.
        sops: the `sops` block of its document; None where it has no MAC, since Flux takes it for plain then.
    """

    __slots__ = ("api_version", "kind", "name", "namespace", "node", "prefix", "sops")

    def __init__(self, node: Node, prefix: Path, sops: Map | None, kind: str = "", version: str = "") -> None:
        self.node = node
        self.prefix = prefix
        self.sops = sops
        self.kind = text_of(child(node, "kind")) or kind
        self.api_version = text_of(child(node, "apiVersion")) or version
        self.name = text_of(child(node, "metadata", "name")) or ""
        self.namespace = text_of(child(node, "metadata", "namespace")) or ""

    @property
    def is_object(self) -> bool:
        """It says what it is, as Kubernetes wants it."""
        return bool(self.kind and self.api_version)

    @property
    def is_secret(self) -> bool:
        """A core Secret; in a List of Secrets the items need not say so."""
        return self.kind == "Secret" and self.api_version in ("v1", "")

    @property
    def label(self) -> str:
        """For people: `Secret db`."""
        shown = ascii(self.name)[1:-1] if self.name else "without a name"
        return f"{self.kind if self.kind.isalnum() else ascii(self.kind)} {shown}"

    @property
    def parts(self) -> tuple[str, ...]:
        """For fingerprints."""
        return (self.kind, self.namespace, self.name)


class Page:
    """A file with its documents. The items of Lists are objects, the Lists are not."""

    __slots__ = ("_assigned", "_spots", "blob", "objects", "parsed")

    def __init__(self, blob: Blob, parsed: Parsed) -> None:
        self.blob = blob
        self.parsed = parsed
        self.objects = tuple(each for node in parsed.documents for each in objects_in(node))
        self._assigned: list[Assignment] | None = None
        self._spots: list[int] | None = None

    @property
    def assigned(self) -> list[Assignment]:
        """Everything in the text that is assigned to a telling name, whatever it belongs to."""
        if self._assigned is None:
            self._assigned = list(assignments(self.blob.data, options=True))
        return self._assigned

    @property
    def spots(self) -> list[int]:
        """Where in the text something is assigned to a telling name, in order: the values, not the names."""
        if self._spots is None:
            self._spots = sorted(self.blob.offset(each.start) for each in self.assigned)
        return self._spots

    def match(
        self,
        rule: RuleInfo,
        value: Value,
        owner: Object,
        message: str,
        hint: str,
        *,
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        secret: str | bytes | None = None,
    ) -> Match:
        """A match for a value of an object; `secret` is what it stands for where it is not its text."""
        scalar, key = value.scalar, value.key
        lines = (key.line,) if key is not None and key.line != scalar.line else ()
        return Match(
            rule,
            Rank.PLACE,
            scalar.start,
            max(scalar.end, scalar.start + 1),
            message,
            hint,
            name=show(value.path),
            parts=(*owner.parts, show(value.path)),
            severity=severity,
            confidence=confidence,
            allow_at=lines,
            value=scalar.text if secret is None else secret,
        )


def objects_in(node: Node, prefix: Path = ()) -> Iterator[Object]:
    """The objects of a document; what is called a list and has items is taken apart, as kustomize does it."""
    block = child(node, "sops")
    sops = block if type(block) is Map and is_ciphertext(text_of(block.get("mac"))) else None
    yield from _objects(node, prefix, sops, "", "")


def _objects(node: Node, prefix: Path, sops: Map | None, kind: str, version: str) -> Iterator[Object]:
    own = text_of(child(node, "kind")) or ""
    items = child(node, "items")
    if own.endswith("List") and type(items) is List and len(prefix) < 20:
        inner = own.removesuffix("List")
        for index, item in enumerate(items.items):
            yield from _objects(item, (*prefix, "items", index), sops, inner, "v1" if inner else "")
        return
    yield Object(node, prefix, sops, kind, version)
