"""Mask what is secret in a kustomization file: literals of generators, and Secrets in patches."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.manifests import child, is_reference, items_of, text_of
from fluxsecrets.sops.document import Change, Leaf, Node
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.values import scalar_text

from .leaves import MaskedText
from .masks import Masks
from .patches import may_patch, patch_changes

_KIND = "SecretGenerator"


def may_be_secret(data: bytes) -> bool:
    """Whether a kustomization file has to be parsed."""
    return b"secretGenerator" in data or may_patch(data)


def is_generator(data: bytes) -> bool:
    """Whether a manifest may be a SecretGenerator, which a kustomization file lists under `generators`."""
    return _KIND.encode() in data


def mask_kustomization(data: bytes, masks: Masks, limits: Limits) -> MaskedText:
    """Mask a kustomization file, or a SecretGenerator; all else in it stays.

    Raises:
        FormatError, LimitError: it can't be parsed.
    """
    format_, document = parse_either(data, limits)
    changes = [change for part in document.parts for change in _changes(part, masks, limits)]
    if not changes:
        return MaskedText(data, 0, 0)
    return MaskedText(format_.rewrite(document, changes, None), len(changes), 0)


def _changes(root: Node, masks: Masks, limits: Limits) -> Iterator[Change]:
    alone = (root,) if text_of(child(root, "kind")) == _KIND else ()
    for generator in (*items_of(child(root, "secretGenerator")), *alone):
        for leaf in items_of(child(generator, "literals")):
            if isinstance(leaf, Leaf) and (new := _literal(leaf, masks)) is not None:
                yield Change(leaf, new, encrypted=False)
    yield from patch_changes(root, masks, limits)


def _literal(leaf: Leaf, masks: Masks) -> str | None:
    key, separator, value = scalar_text(leaf.value).partition("=")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]  # kustomize takes them off
    if not separator or not value or is_reference(value):
        return None
    return f"{key}={scalar_text(masks.value(value, key))}"
