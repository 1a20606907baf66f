"""Seal values into an existing SealedSecret. Everything else in its file stays unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FormatError, UnprotectedError, UsageError
from fluxsecrets.ops.files.plain import PlainManifests
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.secretobject import Secret, read_secret
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.codec import seal_value
from fluxsecrets.sealed.model import SealedSecret, check_structure, is_sealed, read_sealed
from fluxsecrets.sealed.scopes import CLUSTER_WIDE, NAMESPACE_WIDE, Scope
from fluxsecrets.sops.document import Data, Path, to_data
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.either import parse_either

from .reuse import Known
from .seal import check_sealed_content, is_secret_part

AskedPlace = tuple[Scope | None, str | None, str | None]
"""Scope, namespace and name from the command line."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge; keys are in the given order."""

    data: bytes = field(repr=False)
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def merge_values(
    target: bytes,
    secret: Secret,
    certificate: Certificate,
    *,
    known: Known,
    limits: Limits,
    asked: AskedPlace = (None, None, None),
) -> Merged:
    """Seal values into an existing SealedSecret, for its own name, namespace and scope.

    The Secret's labels and annotations are added to the template. `known` proves that values are
    unchanged. `asked` is the place that the user wants, which must be the SealedSecret's own.

    Raises:
        UsageError: the user wants another place.
        FormatError: the file has no SealedSecret, or several and none has the Secret's name.
        UnprotectedError: the Secret has no values.
        IntegrityError: a value in the file is not a sealed value.
    """
    if not secret.values:
        raise UnprotectedError("there are no values to merge", hint="give a Secret with data or stringData")
    part, sealed = _find(target, secret, limits)
    _refuse_moving(sealed, asked)
    check_structure(sealed)
    place = (sealed.namespace, sealed.name)
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    data = target
    for key, value in secret.values.items():
        if known.ciphertext(certificate, place, sealed.label, key, value) is not None:
            unchanged.append(key)
            continue
        text = seal_value(certificate.key, value, sealed.label)
        data = _set(data, ("spec", "encryptedData", key), text, part, limits)
        (changed if key in sealed.encrypted else added).append(key)
    for path, text in _metadata(secret, sealed):
        data = _set(data, ("spec", "template", "metadata", *path), text, part, limits)
    check_sealed_content(data, len(sealed.encrypted) + len(added))
    return Merged(data, tuple(added), tuple(changed), tuple(unchanged))


def secret_to_merge(plain: PlainManifests) -> Secret:
    """Return the only Secret of an input.

    Raises:
        FormatError: the input has none, or several.
    """
    found = [part for part in plain.text.parts if is_secret_part(part)]
    if len(found) != 1:
        raise FormatError(
            "only one Secret can be merged at a time" if found else "the input contains no Secret",
            hint="give one Secret with the values to add or to change",
        )
    return read_secret(found[0])


def _refuse_moving(sealed: SealedSecret, asked: AskedPlace) -> None:
    own = (sealed.scope, sealed.namespace, sealed.name)
    for what, wanted, has in zip(("scope", "namespace", "name"), asked, own, strict=True):
        if wanted is not None and wanted != has:
            raise UsageError(
                f"the SealedSecret's {what} is {str(has)!a}, but {str(wanted)!a} was requested",
                hint="values are merged for the SealedSecret's own place; `fluxsecrets reseal FILE` moves it",
            )


def _find(target: bytes, secret: Secret, limits: Limits) -> tuple[int, SealedSecret]:
    manifests = [each for each in read_manifests(target, "", limits).manifests if is_sealed(each)]
    if len(manifests) > 1:
        manifests = [each for each in manifests if each.name == secret.name]
    if len(manifests) != 1:
        raise FormatError(
            "it contains no SealedSecret to merge into"
            if not manifests
            else f"there are several SealedSecrets {secret.name!a} in it",
            hint="give the Secret the name of the right SealedSecret",
        )
    if manifests[0].in_list:
        raise FormatError(
            "the SealedSecret is in a List", line=manifests[0].line, hint="turn it into its own document"
        )
    sealed = read_sealed(manifests[0].node)
    if sealed.legacy is not None:
        raise FormatError(
            "the SealedSecret has all values in one, as in the first versions",
            line=manifests[0].line,
            hint="unseal it, and seal it again",
        )
    return manifests[0].index, sealed


def _metadata(secret: Secret, sealed: SealedSecret) -> Iterator[tuple[Path, str]]:
    """Return labels and annotations to change in the template. Scopes stay the SealedSecret's own."""
    for field_name, texts in (("labels", secret.labels), ("annotations", secret.annotations)):
        known = sealed.metadata.get(field_name)
        have: Mapping[str, Data] = known if isinstance(known, dict) else {}
        for key, text in texts.items():
            if key not in (CLUSTER_WIDE, NAMESPACE_WIDE) and have.get(key) != text:
                yield (field_name, key), text


def _set(data: bytes, path: Path, text: str, part: int, limits: Limits) -> bytes:
    format_, document = parse_either(data, limits)
    # Kubernetes ignores empty YAML documents. Both readers count them the same way.
    assert to_data(document.parts[part])  # noqa: S101 - the SealedSecret was found there
    return set_value(format_, document, path, text, limits, part=part)
