"""Mask what patches put into Secrets: in kustomization files, objects of Flux, and files of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import child, items_of, objects_in, read_documents, text_of
from fluxsecrets.repo.secretobject import FIELDS
from fluxsecrets.sops.document import Change, Data, Leaf, Node, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.selectors import RegexError, compile_regex

from .leaves import MaskedText, leaves_below, name_of
from .masks import Masks
from .plain import holds_plain_secret, mask_manifest

_INLINE = (("patches", "patch"), ("patchesJson6902", "patch"), ("patchesStrategicMerge", ""))
_SIGNS = (b"Secret", *(name.encode() for name in FIELDS))
_KINDS = ("Kustomization", "HelmRelease")
_BASE64 = "data"


def changes_secrets(kind: str | None) -> bool:
    """Whether a patch with such a target may change Secrets.

    Args:
        kind: of the target: a regular expression, "" for any kind, None for a patch without a target.
    """
    if kind is None:
        return False
    try:
        return kind in ("", "Secret") or compile_regex(f"^(?:{kind})$").search("Secret")
    except RegexError:
        return True  # kustomize can't read it either


def may_patch(data: bytes) -> bool:
    """Whether a manifest may have patches for Secrets, and has to be parsed."""
    return b"patch" in data and any(sign in data for sign in _SIGNS)


def mask_flux_patches(data: bytes, masks: Masks, limits: Limits) -> MaskedText:
    """Mask the patches of Flux's Kustomizations and of HelmReleases; all else stays.

    What can't be parsed stays as it is: Flux can't read it either.
    """
    try:
        format_, document = parse_either(data, limits)
    except FluxsecretsError:
        return MaskedText(data, 0, 0)
    changes = [
        change
        for number, part in enumerate(document.parts)
        for each in objects_in(part, number)
        if each.kind in _KINDS
        for owner in _owners(each.node)
        for change in patch_changes(owner, masks, limits)
    ]
    if not changes:
        return MaskedText(data, 0, 0)
    return MaskedText(format_.rewrite(document, changes, None), len(changes), 0)


def _owners(node: Node) -> Iterator[Node | None]:
    yield child(node, "spec")
    for renderer in items_of(child(node, "spec", "postRenderers")):
        yield child(renderer, "kustomize")


def patch_changes(owner: Node | None, masks: Masks, limits: Limits) -> Iterator[Change]:
    """Return the changes that mask the patches of a kustomization, wherever that stands."""
    for listed, key in _INLINE:
        for item in items_of(child(owner, listed)):
            node = child(item, key) if key else item
            target = child(item, "target") if key else None
            kind = None if target is None else text_of(child(target, "kind")) or ""
            if isinstance(node, Leaf):
                new = mask_patch(node.value, kind, masks, limits) if isinstance(node.value, str) else None
                if new is not None:
                    yield Change(node, new, encrypted=False)
            elif node is not None:
                yield from _written_out(node, kind, masks)


def _written_out(node: Node, kind: str | None, masks: Masks) -> Iterator[Change]:
    """The same for a patch that is not a text: older versions of Flux took them like this."""
    if isinstance(node, MapNode):
        if changes_secrets(kind) or text_of(node.get("kind")) == "Secret":
            for field in FIELDS:
                yield from _leaves(node.get(field), masks, base64=field == _BASE64)
    elif changes_secrets(kind):
        for operation in items_of(node):
            below = _field(text_of(child(operation, "path")))
            if below is not None:
                yield from _leaves(child(operation, "value"), masks, base64=below == _BASE64)


def _leaves(node: Node | None, masks: Masks, *, base64: bool) -> Iterator[Change]:
    for leaf in leaves_below(node):
        if leaf.value not in (None, ""):
            new = masks.value(leaf.value, name_of(leaf.path), base64=base64)
            yield Change(leaf, new, encrypted=False)


def mask_patch(text: str, kind: str | None, masks: Masks, limits: Limits) -> str | None:
    """Mask a patch.

    Args:
        text: a strategic merge patch, or one of JSON 6902; YAML or JSON.
        kind: see `changes_secrets`.
        masks: make the placeholders.
        limits: what reading may cost.

    Returns:
        The patch, or None if it has no values for Secrets.
    """
    whole = changes_secrets(kind)
    data = text.encode("utf-8", "surrogatepass")
    try:
        documents = read_documents(data, "", limits)
    except FluxsecretsError:
        return None  # kustomize can't read it either
    if any(isinstance(each, ListNode) for each in documents):
        return _operations(to_data(documents[0]), masks) if whole else None
    if whole or holds_plain_secret(text, limits):
        masked = mask_manifest(data, masks, limits, all_secrets=whole)
        return masked.data.decode("utf-8", "surrogatepass") if masked.values else None
    return None


def _operations(patch: Data, masks: Masks) -> str | None:
    if not isinstance(patch, list):
        return None
    masked = [_operation(each, masks) if isinstance(each, dict) else each for each in patch]
    return json.dumps(masked) if masked != patch else None


def _operation(operation: dict[str, Data], masks: Masks) -> dict[str, Data]:
    path, value = operation.get("path"), operation.get("value")
    if not isinstance(path, str) or "value" not in operation:
        return operation
    if not path.strip("/") and isinstance(value, dict):  # the whole object
        fields = {
            name: _masked(each, name, masks, base64=name == _BASE64) if name in FIELDS else each
            for name, each in value.items()
        }
        return {**operation, "value": fields}
    field = _field(path)
    if field is None:
        return operation
    name = path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    return {**operation, "value": _masked(value, name, masks, base64=field == _BASE64)}


def _field(path: str | None) -> str | None:
    """Return `data` or `stringData` if a JSON pointer leads there, or below."""
    first = (path or "").lstrip("/").partition("/")[0]
    return first if first in FIELDS else None


def _masked(value: Data, name: str, masks: Masks, *, base64: bool) -> Data:
    if isinstance(value, dict):
        return {key: _masked(item, key, masks, base64=base64) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, name, masks, base64=base64) for item in value]
    return value if value in (None, "") else masks.value(value, name, base64=base64)
