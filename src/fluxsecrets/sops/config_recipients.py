"""How a recipient is written in a `.sops.yaml`, and whether what is written there is one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fluxsecrets.errors import FluxsecretsError

from .formats.yaml.nodes import RawMapping, RawScalar
from .formats.yaml.plain import may_be_plain
from .recipients import KINDS, Recipient, context_of, recipient_key, recipient_text
from .splice import entries_of, name_of_key, resolved, value_of

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/=._:@ -]*")


def is_text_of(text: str, recipient: Recipient) -> bool:
    """Whether a text is a recipient, however it is spelled."""
    if recipient.kind == "age":
        return recipient_key(Recipient("age", text)) == recipient_key(recipient)
    kind = KINDS.get(recipient.kind)
    if kind is None:
        return False
    try:
        return recipient_key(kind.parse(text)) == recipient_key(recipient)
    except FluxsecretsError:
        return False


def is_map_of(node: RawMapping, recipient: Recipient) -> bool:
    """Whether a map of a key group is a recipient."""
    kind = KINDS.get(recipient.kind)
    if kind is None or kind.make is None:
        return False
    parts = {parameter: _field_of(node, name) for name, parameter in kind.group_fields.items()}
    try:
        return recipient_key(kind.make(**parts)) == recipient_key(recipient)
    except FluxsecretsError:
        return False


def _field_of(node: RawMapping, name: str) -> str | Mapping[str, str]:
    """Return a field of a key group's item: a text, or the map of an encryption context."""
    value = value_of(node, name)
    found = resolved(value) if value is not None else None
    if isinstance(found, RawMapping):
        return {
            str(name_of_key(key)): each.text
            for key, item in entries_of(found)
            if isinstance(each := resolved(item), RawScalar)
        }
    return found.text.strip() if isinstance(found, RawScalar) else ""


def written(recipient: Recipient) -> str:
    """A recipient as a YAML scalar, in block and flow lists alike."""
    return _scalar(recipient_text(recipient))


def written_map(recipient: Recipient) -> str:
    """A recipient as the map that a key group holds for its kind."""
    known = dict(recipient.attributes)
    fields = []
    for name, parameter in KINDS[recipient.kind].group_fields.items():
        value = known.get(parameter)
        if parameter == "context":
            pairs = (f"{_scalar(key)}: {_scalar(text)}" for key, text in context_of(recipient).items())
            value = ", ".join(pairs)
            fields += [f"{name}: {{{value}}}"] if value else []
        elif value is None and not fields:
            fields.append(f"{name}: {_scalar(recipient.id)}")
        elif value:
            fields.append(f"{name}: {_scalar(str(value))}")
    return f"{{{', '.join(fields)}}}"


def _scalar(text: str) -> str:
    plain = _SAFE.fullmatch(text) and may_be_plain(text, flow=False)
    return text if plain else "'" + text.replace("'", "''") + "'"
