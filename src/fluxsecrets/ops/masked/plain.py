"""Mask a secret that is plain text: whatever tool reads the tree, it must not find that one either."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.ops.files.content import parse
from fluxsecrets.repo.discover import SecretFile, SecretKind
from fluxsecrets.repo.manifests import Manifest, may_hold_secret, objects_in
from fluxsecrets.sops.document import Document, to_data
from fluxsecrets.sops.formats import Format, Limits, make_format
from fluxsecrets.sops.formats.either import parse_either

from .leaves import MaskedText, everywhere, masked_text, places_in, secrets_in
from .masks import Masks

_LINES = ("dotenv",)


def mask_plain(secret: SecretFile, data: bytes, name: str, masks: Masks, limits: Limits) -> MaskedText:
    """Mask a secret that is not encrypted.

    Args:
        secret: why it is one.
        data: the content.
        name: of the file, without folders.
        masks: make the placeholders.
        limits: what reading may cost.

    Raises:
        FluxsecretsError: a manifest that can't be parsed.
    """
    if secret.kind is SecretKind.MANIFEST and not secret.encrypted_at_head:
        return mask_manifest(data, masks, limits)
    if secret.kind is SecretKind.MANIFEST:
        format_, document = _expanded(data, limits)
        return masked_text(format_, document, everywhere(document), masks)
    if secret.kind is SecretKind.GENERATOR and secret.format not in _LINES:
        return MaskedText(masks.content(data, name), 1, 0)  # one value of the Secret
    format_ = make_format(secret.format)
    if not format_.single_value:
        try:
            document = parse(format_, data, limits)
            return masked_text(format_, document, everywhere(document), masks)
        except FluxsecretsError:
            pass
    return MaskedText(masks.content(data, name), 1, 0)


def mask_manifest(data: bytes, masks: Masks, limits: Limits, *, all_secrets: bool = False) -> MaskedText:
    """Mask the Secrets of a plain manifest.

    Args:
        data: the content.
        masks: make the placeholders.
        limits: what reading may cost.
        all_secrets: each document is one, whatever its kind: a patch says so.

    Raises:
        FormatError, LimitError: it can't be parsed.
    """
    format_, document = _expanded(data, limits)
    find = secrets_in if all_secrets else places_in
    try:
        return masked_text(format_, document, find(document), masks)
    except FormatError:
        if format_.name != "yaml":
            raise
    # Some spelling of YAML does not come back. The same data does, without comments.
    plain = format_.render([to_data(part) for part in document.parts])
    again = format_.parse(plain, limits)
    return masked_text(format_, again, find(again), masks)


def holds_plain_secret(text: str, limits: Limits) -> bool:
    """Whether a text in another file is a manifest with a Secret."""
    data = text.encode("utf-8", "surrogatepass")
    if not may_hold_secret(data):
        return False
    try:
        _, document = parse_either(data, limits)
    except FluxsecretsError:
        return False
    return any(
        _is_secret(each) for number, part in enumerate(document.parts) for each in objects_in(part, number)
    )


def _is_secret(manifest: Manifest) -> bool:
    return manifest.is_secret and manifest.has_data


def _expanded(data: bytes, limits: Limits) -> tuple[Format, Document]:
    format_, document = parse_either(data, limits)
    leaves = list(document.leaves)
    if any(leaf.alias for leaf in leaves):
        document = format_.expand_aliases(document, leaves, limits)
    return format_, document
