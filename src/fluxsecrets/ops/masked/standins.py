"""The Secrets that SealedSecrets and ExternalSecrets stand for, with placeholders for values.

Nothing is opened and no store is asked: which keys such a Secret has is in the manifest, and the values are
placeholders made of the ciphertext, or of the place in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fluxsecrets.external.layout import secret_pieces_of
from fluxsecrets.external.model import ExternalSecret, RemoteValue, read_external
from fluxsecrets.external.reading import metadata_of
from fluxsecrets.ops.sealing.unseal import replacement_for
from fluxsecrets.repo.gotemplate import render
from fluxsecrets.repo.manifests import Manifest, items_of, objects_in
from fluxsecrets.repo.manifesttext import Replacement, open_manifests
from fluxsecrets.repo.pieces import Pieces, map_pieces
from fluxsecrets.repo.secretlayout import secret_data
from fluxsecrets.repo.secretobject import Secret
from fluxsecrets.repo.secretrules import missing_keys
from fluxsecrets.sealed.model import SealedSecret, is_sealed, read_sealed, secret_of
from fluxsecrets.sops.document import Data, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.values import Value, scalar_text

from .masks import Masks

_SIGNS = (b"SealedSecret", b"ExternalSecret")
_MADE = ("Owner", "Orphan", "CreateOrMerge")

UNKNOWN_KEYS = "only the store knows all keys of a Secret that an ExternalSecret makes"
UNKNOWN_SEALED = "a SealedSecret of the old form holds its keys in the ciphertext: its Secret is empty"
PATCHED = "kustomize patches this SealedSecret or ExternalSecret, so it stays as it is"
NOT_MADE = "an ExternalSecret makes no Secret of its own, and stays as it is"


@dataclass(frozen=True, slots=True)
class StandIns:
    """A file whose SealedSecrets and ExternalSecrets became Secrets.

    Attributes:
        count: how many.
        remarks: what is not known of them.
    """

    data: bytes
    count: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Made:
    secret: Secret
    replacement: Replacement
    remark: str | None = None


def may_stand_in(data: bytes) -> bool:
    """Whether a manifest has to be parsed."""
    return any(sign in data for sign in _SIGNS)


def with_stand_ins(data: bytes, masks: Masks, limits: Limits, kept: Sequence[tuple[str, str]]) -> StandIns:
    """Replace the SealedSecrets and ExternalSecrets of a file.

    Args:
        data: a plain manifest.
        masks: make the placeholders.
        limits: what reading may cost.
        kept: kind and name of those that stay, "" for any name: kustomize patches them.

    Raises:
        FormatError, LimitError: it can't be parsed, or an object can't be replaced.
    """
    text = open_manifests(data, limits)
    changes: dict[int, Replacement] = {}
    remarks: dict[str, None] = {}
    count = 0
    for number, part in enumerate(text.parts):
        made: dict[int, _Made] = {}
        for each in objects_in(part, number):
            if (each.kind, each.name or "") in kept or (each.kind, "") in kept:
                remarks[PATCHED] = None
                continue
            found, remark = _stand_in(each, masks)
            remarks |= {remark: None} if remark is not None else {}
            if found is not None:
                made[id(each.node)] = found
        count += len(made)
        if id(part) in made:
            changes[number] = made[id(part)].replacement
        elif made:
            changes[number] = _in_list(part, made)
    return StandIns(text.replaced(changes) if changes else data, count, tuple(remarks))


def _stand_in(manifest: Manifest, masks: Masks) -> tuple[_Made | None, str | None]:
    if is_sealed(manifest):
        sealed = read_sealed(manifest.node)
        secret = _unsealed(sealed, masks)
        return _Made(secret, replacement_for(secret)), UNKNOWN_SEALED if sealed.legacy is not None else None
    external = read_external(manifest)
    if external is None:
        return None, None
    if external.kind != "ExternalSecret" or external.other_kind or external.creation not in _MADE:
        return None, NOT_MADE
    secret = _fetched(external, masks)

    def layout(pieces: Pieces) -> Pieces:
        return secret_pieces_of(secret, pieces)

    remark = UNKNOWN_KEYS if _has_unknown_keys(external) else None
    return _Made(secret, Replacement(secret_data(secret), layout)), remark


def _in_list(part: MapNode, made: Mapping[int, _Made]) -> Replacement:
    """The whole List with some of its items replaced."""
    data = _with_items(part, made)
    assert isinstance(data, dict)  # noqa: S101 - a map stays one
    return Replacement(data, lambda _: map_pieces(data, ()))


def _with_items(node: MapNode, made: Mapping[int, _Made]) -> Data:
    if id(node) in made:
        return secret_data(made[id(node)].secret)
    data = to_data(node)
    items = items_of(node.get("items"))
    if isinstance(data, dict) and items:
        data["items"] = [
            _with_items(item, made) if isinstance(item, MapNode) else to_data(item) for item in items
        ]
    return data


def _unsealed(sealed: SealedSecret, masks: Masks) -> Secret:
    values = {key: _bytes(masks.closed(text, key)) for key, text in sealed.encrypted.items()}
    return secret_of(sealed, _rendered(sealed.templated, values, masks, keep=True), frozenset())


def _fetched(external: ExternalSecret, masks: Masks) -> Secret:
    values = {
        each.key: _bytes(masks.closed(_place(external, each), each.key))
        for each in external.values
        if each.key
    }
    template = external.template
    if template is not None and template.data:
        values = _rendered(template.data, values, masks, keep=template.merges)
    type_ = template.type if template is not None else None
    if type_ is not None and _has_unknown_keys(external):
        values |= {
            key: _bytes(masks.closed(_origin(external, key), key)) for key in missing_keys(type_, values)
        }
    return Secret(
        name=external.target,
        namespace=external.namespace,
        type=type_,
        immutable=True if external.immutable else None,
        metadata=metadata_of(external),
        values=values,
    )


def _has_unknown_keys(external: ExternalSecret) -> bool:
    """Whether the store brings keys that the manifest does not name."""
    template = external.template
    return bool(external.sources) or (template is not None and template.from_elsewhere)


def _origin(external: ExternalSecret, key: str) -> str:
    """What stands for the ciphertext of a key that the type of the Secret requires."""
    return "\0".join((external.namespace or "", external.target, key))


def _place(external: ExternalSecret, value: RemoteValue) -> str:
    source = value.source or external.store
    store = ("", "") if source is None else (source.kind, source.name)
    return "\0".join((*store, value.remote, value.property or "", value.version or "", value.decoding))


def _rendered(
    templates: Mapping[str, str], values: Mapping[str, bytes], masks: Masks, *, keep: bool
) -> dict[str, bytes]:
    """The values that templates make. Text of a template is plain text in a Secret, and so is masked."""
    made = dict(values) if keep else {}
    for key, template in templates.items():
        found = render(template, values)
        if found is None or found not in values.values():
            found = masks.content(template.encode("utf-8", "surrogatepass") if found is None else found, key)
        made[key] = found
    return made


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else scalar_text(value).encode()
