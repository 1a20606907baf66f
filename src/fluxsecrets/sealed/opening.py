"""Open a SealedSecret with the controller's private keys, like the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import DataKeyError, FluxsecretsError, FormatError, IntegrityError
from fluxsecrets.repo.gotemplate import render
from fluxsecrets.repo.secretobject import Secret, is_text, read_secret
from fluxsecrets.sops.document import Data, Leaf
from fluxsecrets.sops.formats.json_read import read_node

from .codec import OpenedValue, open_value
from .keys import SealingKey
from .model import SealedSecret, secret_of
from .scopes import Scope, label_of, with_scope


@dataclass(frozen=True, slots=True)
class OpenedSealed:
    """An opened SealedSecret.

    Attributes:
        values: only the sealed values, by key.
        keys: for each key of the Secret, the position of the private key that opened its value.
    """

    secret: Secret
    values: Mapping[str, bytes] = field(repr=False)
    keys: Mapping[str, int]


def open_sealed(sealed: SealedSecret, keys: Sequence[SealingKey]) -> OpenedSealed:
    """Open all values of a SealedSecret.

    Raises:
        DataKeyError: a private key is missing, or it was sealed for another place; lists what was tried.
        IntegrityError: a value was changed or is cut off.
        FormatError: only the controller can render its template.
    """
    if sealed.legacy is not None:
        return _open_legacy(sealed, keys)
    opened: dict[str, OpenedValue] = {}
    failed: list[str] = []
    for key, text in sealed.encrypted.items():
        found = open_one(keys, text, sealed.label, key, sealed.leaves[key])
        if found is None:
            failed.append(key)
        else:
            opened[key] = found
    if failed:
        raise _not_opened(sealed, keys, failed)
    values = {key: found.data for key, found in opened.items()}
    rendered = {**values, **_rendered(sealed, values)}
    texts = frozenset(key for key, value in rendered.items() if is_text(value))
    return OpenedSealed(
        secret_of(sealed, rendered, texts), values, {key: found.key for key, found in opened.items()}
    )


def open_one(
    keys: Sequence[SealingKey], text: str, label: bytes, key: str, leaf: Leaf | None = None
) -> OpenedValue | None:
    """Open one value, or return None if no key opens it.

    Raises:
        IntegrityError: the value was changed or is cut off; names the key and its line.
    """
    try:
        return open_value([each.key for each in keys], text, (label,))
    except IntegrityError as error:
        error.message = f"the value of {key!a} {error.message}"
        error.line = leaf.line if leaf is not None else None
        raise


def _not_opened(sealed: SealedSecret, keys: Sequence[SealingKey], failed: Sequence[str]) -> DataKeyError:
    names = ", ".join(ascii(key)[1:-1] for key in failed)
    leaf = sealed.leaves.get(failed[0]) or sealed.legacy
    other = _other_scope(sealed, keys, failed[0])
    where = f"{sealed.namespace}/{sealed.name}" if sealed.namespace else sealed.name
    if other is not None:
        return DataKeyError(
            f"{names}: sealed with the scope {other}, but the annotations say {sealed.scope}",
            line=leaf.line if leaf is not None else None,
            hint=f'fix the annotations (`sealedsecrets.bitnami.com/{other}: "true"`)'
            if other is not Scope.STRICT
            else "remove the scope's annotation from its metadata",
        )
    return DataKeyError(
        f"none of the private keys opens {names}",
        line=leaf.line if leaf is not None else None,
        details=[*(f"{each.origin}: {each.key.key_size} bits" for each in keys)],
        hint="use the key that the controller had when it was sealed; it must also have been sealed for "
        f"{ascii(where)[1:-1]} with the scope {sealed.scope}, not for another name or namespace",
    )


def _other_scope(sealed: SealedSecret, keys: Sequence[SealingKey], key: str) -> Scope | None:
    """Return the scope with which a value was sealed, if only the scope differs."""
    others = [scope for scope in Scope if scope is not sealed.scope]
    labels = [label_of(scope, sealed.namespace, sealed.name) for scope in others]
    text = sealed.encrypted.get(key) or (str(sealed.legacy.value) if sealed.legacy is not None else "")
    try:
        found = open_value([each.key for each in keys], text, labels)
    except FluxsecretsError:
        return None
    return None if found is None else others[labels.index(found.label)]


def _open_legacy(sealed: SealedSecret, keys: Sequence[SealingKey]) -> OpenedSealed:
    """Open `spec.data` of the first versions: the whole Secret as JSON in one value."""
    leaf = sealed.legacy
    found = None if leaf is None else open_one(keys, str(leaf.value), sealed.label, "spec.data", leaf)
    if found is None:
        raise _not_opened(sealed, keys, ["spec.data"])
    try:
        secret = read_secret(read_node(found.data.decode("utf-8")))
    except (ValueError, FluxsecretsError):
        raise FormatError(
            "spec.data does not hold a Secret",
            line=leaf.line if leaf is not None else None,
            hint="seal it again",
        ) from None
    values = dict(secret.values)
    texts = frozenset(key for key, value in values.items() if is_text(value))
    metadata: dict[str, Data] = {**secret.metadata, "name": sealed.name}
    if sealed.namespace:
        metadata["namespace"] = sealed.namespace
    annotations = with_scope(secret.annotations, sealed.scope)
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = dict(annotations)
    placed = Secret(sealed.name, sealed.namespace, secret.type, secret.immutable, metadata, values, texts)
    return OpenedSealed(placed, values, dict.fromkeys(values, found.key))


def _rendered(sealed: SealedSecret, values: Mapping[str, bytes]) -> dict[str, bytes]:
    """Render `spec.template.data` like the controller, if it only inserts values."""
    rendered = {}
    for key, template in sealed.templated.items():
        made = render(template, values)
        if made is None:
            raise FormatError(
                f"only the controller can render the template under {key!a} in spec.template.data",
                hint="get the Secret from the cluster, or write out the value and seal it",
            )
        rendered[key] = made
    return rendered
