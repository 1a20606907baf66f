"""Seal the SealedSecrets of a content again, for another certificate or place. Everything else stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, FormatError, UsageError
from fluxsecrets.repo.manifests import Manifest, child, read_manifests
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import SealedSecret, is_sealed, read_sealed
from fluxsecrets.sealed.opening import OpenedSealed, open_sealed
from fluxsecrets.sealed.scopes import CLUSTER_WIDE, NAMESPACE_WIDE, Scope, annotations_for, label_of
from fluxsecrets.sops.document import Leaf, Path, find
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Edit, Limits, apply_edits, decode_text, encode_text, newline_of
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.formats.yaml.scalars import Layout, write_value

from .seal import check_sealed_content


@dataclass(frozen=True, slots=True)
class Resealing:
    """How to seal SealedSecrets again.

    Attributes:
        scope, name, namespace: override their own, or None.
        renew: also seal values again that already fit this certificate and place.
    """

    certificate: Certificate
    keys: tuple[SealingKey, ...]
    scope: Scope | None = None
    name: str | None = None
    namespace: str | None = None
    renew: bool = False


@dataclass(frozen=True, slots=True)
class Resealed:
    """The result of sealing again.

    Attributes:
        data: the new content; the same if nothing changed.
        kept: the number of values that already fit.
    """

    data: bytes = field(repr=False)
    values: int = 0
    kept: int = 0


def reseal_content(data: bytes, resealing: Resealing, limits: Limits) -> Resealed:
    """Seal all SealedSecrets of a content again.

    A value that the certificate's own key opens stays unchanged, so a run can be repeated.

    Raises:
        DataKeyError, IntegrityError: a value can't be opened; names its line.
        FormatError: the content is not YAML or JSON, or a SealedSecret's text can't be changed.
        UsageError: one name was given for several SealedSecrets.
    """
    manifests = [each for each in read_manifests(data, "", limits).manifests if is_sealed(each)]
    if resealing.name is not None and len(manifests) > 1:
        raise UsageError("one name for several SealedSecrets", hint="name a file with one SealedSecret")
    source, bom = decode_text(data, limits, "YAML")
    layout = Layout(newline_of(source), 2)
    edits: list[Edit] = []
    moved: list[tuple[Manifest, SealedSecret]] = []
    values = kept = 0
    for manifest in manifests:
        try:
            sealed = read_sealed(manifest.node)
            opened = open_sealed(sealed, resealing.keys)
            label = _label(sealed, resealing)
            stay = label == sealed.label and not resealing.renew
            done = _resealed_values(source, sealed, opened, resealing, label, layout, stay=stay)
        except FluxsecretsError as error:
            error.line = error.line or manifest.line
            raise
        edits += [edit for value in done for edit in value]
        values += len(done)
        kept += len(sealed.leaves) - len(done)
        if _place(sealed, resealing) != (sealed.scope, sealed.namespace, sealed.name):
            moved.append((manifest, sealed))
    new = encode_text(apply_edits(source, edits), bom=bom) if edits else data
    for manifest, sealed in moved:
        new = _moved(new, manifest, sealed, resealing, limits)
    check_sealed_content(new, values + kept)
    _check_places(new, manifests, resealing, limits)
    return Resealed(new, values, kept)


def _resealed_values(
    source: str,
    sealed: SealedSecret,
    opened: OpenedSealed,
    resealing: Resealing,
    label: bytes,
    layout: Layout,
    *,
    stay: bool,
) -> list[list[Edit]]:
    """Return edits for each value that must be sealed again."""
    if sealed.legacy is not None:
        raise FormatError(
            "it has all values in one, as in the first versions", hint="unseal it, and seal it again"
        )
    own = resealing.certificate.key.public_numbers()
    known = [key.key.public_key().public_numbers() == own for key in resealing.keys]
    done = []
    for key, leaf in sealed.leaves.items():
        if stay and known[opened.keys[key]]:
            continue
        if leaf.alias:
            raise FormatError(
                f"the value of {key!a} is a YAML alias",
                line=leaf.line,
                hint="replace the alias with the value",
            )
        text = seal_value(resealing.certificate.key, opened.values[key], label)
        done.append(write_value(source, leaf, text, layout))
    return done


def _place(sealed: SealedSecret, resealing: Resealing) -> tuple[Scope, str, str]:
    return (
        resealing.scope if resealing.scope is not None else sealed.scope,
        resealing.namespace if resealing.namespace is not None else sealed.namespace,
        resealing.name if resealing.name is not None else sealed.name,
    )


def _label(sealed: SealedSecret, resealing: Resealing) -> bytes:
    scope, namespace, name = _place(sealed, resealing)
    if scope is not Scope.CLUSTER and not namespace:
        raise FormatError(
            f"{sealed.name!a} has no namespace, and the scope {scope} binds it to one",
            hint="give one with --namespace",
        )
    return label_of(scope, namespace, name)


def _moved(
    data: bytes, manifest: Manifest, sealed: SealedSecret, resealing: Resealing, limits: Limits
) -> bytes:
    """Change the metadata of a SealedSecret and its template to the new place."""
    if manifest.in_list:
        raise FormatError(
            "a SealedSecret in a List can't be moved",
            line=manifest.line,
            hint="turn it into its own document",
        )
    scope, namespace, name = _place(sealed, resealing)
    text = _Text(data, manifest.index, limits)
    has_template = isinstance(child(sealed.node, "spec", "template", "metadata"), MapNode)
    for base in (("metadata",), ("spec", "template", "metadata")):
        if base[0] == "spec" and not has_template:
            continue
        if name != sealed.name:
            text.set((*base, "name"), name)
        if namespace != sealed.namespace:
            text.set((*base, "namespace"), namespace)
        wanted = annotations_for(scope)
        for annotation in (NAMESPACE_WIDE, CLUSTER_WIDE):
            path = (*base, "annotations", annotation)
            if annotation in wanted:
                text.set(path, wanted[annotation])
            else:
                text.remove(path)
    return text.data


def _check_places(data: bytes, before: Sequence[Manifest], resealing: Resealing, limits: Limits) -> None:
    """Check that each SealedSecret has the metadata for which it was sealed."""
    after = [each for each in read_manifests(data, "", limits).manifests if is_sealed(each)]
    for old, new in zip(before, after, strict=True):
        sealed = read_sealed(new.node)
        if _place(read_sealed(old.node), resealing) != (sealed.scope, sealed.namespace, sealed.name):
            raise FormatError(
                "its metadata could not be changed",
                line=new.line,
                hint="change them by hand, and run it again",
            )


class _Text:
    """A document that is changed value by value."""

    def __init__(self, data: bytes, part: int, limits: Limits) -> None:
        self.data = data
        self._part = part
        self._limits = limits

    def set(self, path: Path, text: str) -> None:
        format_, document = parse_either(self.data, self._limits)
        self.data = set_value(format_, document, path, text, self._limits, part=self._part)

    def remove(self, path: Path) -> None:
        format_, document = parse_either(self.data, self._limits)
        root = document.parts[self._part]
        if isinstance(find(root, path), Leaf):
            above = find(root, path[:-1])
            alone = isinstance(above, MapNode) and len(above.entries) == 1
            gone = path[:-1] if alone else path
            self.data = remove_value(format_, document, gone, self._limits, part=self._part)
