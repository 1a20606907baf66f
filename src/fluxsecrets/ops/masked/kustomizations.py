"""Mask what is secret in a kustomization file: literals of generators, and Secrets in patches."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import child, is_reference, items_of, read_documents, text_of
from fluxsecrets.sops.document import Change, Data, Leaf, Node, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.values import scalar_text

from .leaves import MaskedText
from .masks import Masks
from .plain import holds_plain_secret, mask_manifest

_INLINE = (("patches", "patch"), ("patchesJson6902", "patch"), ("patchesStrategicMerge", ""))
_DATA, _TEXTS = "/data", "/stringData"


def may_be_secret(data: bytes) -> bool:
    """Whether a kustomization file has to be parsed."""
    return b"secretGenerator" in data or (b"patch" in data and b"Secret" in data)


def mask_kustomization(data: bytes, masks: Masks, limits: Limits) -> MaskedText:
    """Mask a kustomization file; all else in it stays.

    Raises:
        FormatError, LimitError: it can't be parsed.
    """
    format_, document = parse_either(data, limits)
    changes = [change for part in document.parts for change in _changes(part, masks, limits)]
    if not changes:
        return MaskedText(data, 0, 0)
    return MaskedText(format_.rewrite(document, changes, None), len(changes), 0)


def _changes(root: Node, masks: Masks, limits: Limits) -> Iterator[Change]:
    for generator in items_of(child(root, "secretGenerator")):
        for leaf in items_of(child(generator, "literals")):
            if isinstance(leaf, Leaf) and (new := _literal(leaf, masks)) is not None:
                yield Change(leaf, new, encrypted=False)
    for listed, key in _INLINE:
        for item in items_of(child(root, listed)):
            node = child(item, key) if key else item
            if isinstance(node, Leaf) and isinstance(node.value, str):
                new = _patch(node.value, text_of(child(item, "target", "kind")), masks, limits)
                if new is not None:
                    yield Change(node, new, encrypted=False)


def _literal(leaf: Leaf, masks: Masks) -> str | None:
    key, separator, value = scalar_text(leaf.value).partition("=")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]  # kustomize takes them off
    if not separator or not value or is_reference(value):
        return None
    return f"{key}={scalar_text(masks.value(value, key))}"


def _patch(text: str, kind: str | None, masks: Masks, limits: Limits) -> str | None:
    """A patch without the values that it puts into Secrets, or None if there are none."""
    if holds_plain_secret(text, limits):
        return mask_manifest(text.encode(), masks, limits).data.decode()
    return operations(text, masks) if kind == "Secret" else None


def operations(text: str, masks: Masks) -> str | None:
    """Return a JSON 6902 patch for a Secret with masked values, as JSON; None if it is not one.

    Args:
        text: the patch, YAML or JSON.
        masks: make the placeholders.
    """
    try:
        documents = read_documents(text.encode("utf-8", "surrogatepass"), "")
    except FluxsecretsError:
        return None
    found = to_data(documents[0]) if documents else None
    if not isinstance(found, list) or not all(isinstance(each, dict) and "op" in each for each in found):
        return None
    return json.dumps([_operation(each, masks) if isinstance(each, dict) else each for each in found])


def _operation(operation: dict[str, Data], masks: Masks) -> dict[str, Data]:
    path = operation.get("path")
    if "value" not in operation or not isinstance(path, str) or not path.startswith((_DATA, _TEXTS)):
        return operation
    name = path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    return {**operation, "value": _masked(operation["value"], name, masks, base64=path.startswith(_DATA))}


def _masked(value: Data, name: str, masks: Masks, *, base64: bool) -> Data:
    if isinstance(value, dict):
        return {key: _masked(item, key, masks, base64=base64) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, masks, base64=base64) for item in value]
    return value if value in (None, "") else masks.value(value, name, base64=base64)
