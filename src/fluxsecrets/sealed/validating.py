"""Tell for each value of a SealedSecret whether the controller can open it where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fluxsecrets.errors import IntegrityError
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.sops.document import Leaf

from .codec import check_sealed, open_value
from .keys import SealingKey
from .model import SealedSecret
from .scopes import Scope, label_of


class Verdict(StrEnum):
    """What is known about a value."""

    OPENS = "opens"
    MOVED = "sealed for another place"
    BROKEN = "broken"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class ValueVerdict:
    """What is known about one value.

    Attributes:
        line: its line, or None.
        reason: why it does not open, or why that can't be told; "" if it opens.
    """

    key: str
    line: int | None
    verdict: Verdict
    reason: str = ""


def validate_values(sealed: SealedSecret, keys: Sequence[SealingKey]) -> tuple[ValueVerdict, ...]:
    """Try each value with the private keys, under the SealedSecret's own name, namespace and scope."""
    if sealed.legacy is not None:
        return (_verdict(sealed, keys, "spec.data", str(sealed.legacy.value), sealed.legacy),)
    return tuple(
        _verdict(sealed, keys, key, text, sealed.leaves[key]) for key, text in sealed.encrypted.items()
    )


def _verdict(
    sealed: SealedSecret, keys: Sequence[SealingKey], key: str, text: str, leaf: Leaf
) -> ValueVerdict:
    try:
        bits = check_sealed(text)
        private = [each.key for each in keys]
        if open_value(private, text, (sealed.label,)) is not None:
            return ValueVerdict(key, leaf.line, Verdict.OPENS)
        places = _other_places(sealed)
        found = open_value(private, text, tuple(places))
    except IntegrityError as error:
        return ValueVerdict(key, leaf.line, Verdict.BROKEN, error.message)
    if found is not None:
        return ValueVerdict(key, leaf.line, Verdict.MOVED, places[found.label])
    return ValueVerdict(key, leaf.line, Verdict.CANNOT_TELL, _unknown(keys, bits))


def _other_places(sealed: SealedSecret) -> dict[bytes, str]:
    """Return the places from which a value may have come, by label, with what is wrong then."""
    template = child(sealed.node, "spec", "template", "metadata") if sealed.node is not None else None
    before = (
        text_of(child(template, "namespace")) or sealed.namespace,
        text_of(child(template, "name")) or sealed.name,
    )
    found: dict[bytes, str] = {}
    for namespace, name in ((sealed.namespace, sealed.name), before):
        for scope in Scope:
            label = label_of(scope, namespace, name)
            if label == sealed.label:
                continue
            if (namespace, name) == (sealed.namespace, sealed.name):
                reason = f"sealed with the scope {scope}, but the annotations say {sealed.scope}"
            else:
                reason = f"sealed for {namespace}/{name} with the scope {scope}"
            found.setdefault(label, reason)
    return found


def _unknown(keys: Sequence[SealingKey], bits: int) -> str:
    if not keys:
        return "only the form was checked, since there is no private key"
    if all(each.key.key_size != bits for each in keys):
        return f"sealed for a key of {bits} bits, and no private key has that size"
    tried = (
        "the private key does not open it" if len(keys) == 1 else f"none of {len(keys)} private keys opens it"
    )
    return f"{tried}: sealed for another key, or for another name or namespace"
