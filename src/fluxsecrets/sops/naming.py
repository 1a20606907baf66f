"""How recipients are shown: short enough for a line, and with all that tells one from another."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .arns import key_arn, role_arn
from .recipients import Recipient, attribute_of, context_of, recipient_text

_NOT_PUBLIC = "(not a public key)"
_PUBLIC_AGE = r"age1[0-9a-z]+|ssh-[0-9a-z]+ [A-Za-z0-9+/=]+( .*)?"
_LONGEST = 44
_ADDRESS = r"(arn:|projects/|https?://)[^@?#\s]{1,300}"

_KEY_ID = r"(?:mrk-)?[0-9a-f]{8}(?=[0-9a-f-]{12})"
_GCP = r"projects/([^/\s]+)/locations/([^/\s]+)/keyRings/([^/\s]+)/cryptoKeys/([^/\s]+)"
_AZURE = r"https://([^/\s]+)/keys/([^/\s]+)/(\S*)"
_VAULT = r"(https?)://([^/\s]+)/v1/(\S+)/keys/([^/\s]+)"
_AZURE_HOST = ".vault.azure.net"


def name_of(recipient: Recipient, names: Mapping[str, str]) -> str:
    """Return a recipient's name, or the shortened key where it has none.

    Args:
        recipient: the recipient. A role and a context are shown with the name: they are not part of it.
        names: recipient id -> name.
    """
    name = names.get(recipient.id)
    if not name:
        return short_recipient(recipient)
    more = _more(recipient)
    return printable(f"{name} ({more})") if more else name


def short_recipient(recipient: Recipient) -> str:
    """Return a recipient for messages; long keys are cut in the middle.

    Files are not trusted: a text that is not a public key may be a private one, and is not shown.
    """
    if recipient.kind == "age":
        text = recipient.id.strip()
        if not re.fullmatch(_PUBLIC_AGE, text):
            return _NOT_PUBLIC
        if text.startswith("ssh-"):
            kind, key, *_ = text.split(" ")
            text = f"{kind} …{key[-8:]}"
        return _cut(printable(text))
    shown = _service_key(recipient.kind, recipient.id)
    if shown is None:
        shown = _cut(printable(f"{recipient.kind} {recipient.id}"))
    more = _more(recipient)
    return f"{shown} {more}" if more else shown


def whole_recipient(recipient: Recipient) -> str:
    """Return all that tells a recipient from others, however long.

    Files are not trusted: a text that is not a public key may be a private one, and is not shown.
    """
    if recipient.kind == "age" and not re.fullmatch(_PUBLIC_AGE, recipient.id.strip()):
        return _NOT_PUBLIC
    context = context_of(recipient)
    shown = ",".join(f"{key}:{value}" for key, value in sorted(context.items()))
    return printable(recipient_text(recipient) + (f" context {shown}" if context else ""))


def address_of(recipient: Recipient) -> str:
    """Return the address of a service's key for messages, even where it is misspelt.

    What does not look like an address may be a secret in the wrong place, and is cut as in `short_recipient`.
    """
    return printable(recipient.id) if re.fullmatch(_ADDRESS, recipient.id) else short_recipient(recipient)


def public_id(recipient: Recipient) -> str:
    """Return a recipient's full text, or nothing if it could be a private key."""
    return "" if short_recipient(recipient) == _NOT_PUBLIC else recipient.id


def _service_key(kind: str, text: str) -> str | None:
    """Return the parts of a service's key that people know it by, or None for another form."""
    arn = key_arn(Recipient(kind, text))
    if arn is not None:
        what, _, name = arn.resource.partition("/")
        short = re.match(_KEY_ID, name)
        name = short[0] if what == "key" and short is not None else _part(name)
        return f"kms {_part(arn.account)}:{_part(what)}/{name} ({_part(arn.region)})"
    if kind == "gcp_kms" and (match := re.fullmatch(_GCP, text)):
        return "gcp_kms " + "/".join(map(_part, match.groups()))
    if kind == "azure_kv" and (match := re.fullmatch(_AZURE, text)):
        host, name, version = match.groups()
        vault = host.removesuffix(_AZURE_HOST)
        return f"azure_kv {_part(vault)}/{_part(name)}" + (f"@{printable(version)[:8]}" if version else "")
    if kind == "hc_vault" and (match := re.fullmatch(_VAULT, text)):
        scheme, host, engine, name = match.groups()
        start = "http://" if scheme == "http" else ""
        return f"hc_vault {start}{_part(host, _LONGEST)}/{_part(engine)}/{_part(name)}"
    return None


def _more(recipient: Recipient) -> str:
    """Return the role and the context of an AWS key, or nothing."""
    if recipient.kind != "kms":
        return ""
    parts = []
    if role := attribute_of(recipient, "role"):
        arn, key = role_arn(recipient), key_arn(recipient)
        name = str(role) if arn is None else arn.resource.rpartition("/")[2]
        if arn is not None and (key is None or key.account != arn.account):
            name = f"{_part(arn.account)}:{_part(name)}"
        parts.append(f"as {_part(name, 40)}")
    if context := context_of(recipient):
        text = ",".join(f"{key}:{value}" for key, value in sorted(context.items()))
        parts.append(f"context {_part(text, 30)}")
    return ", ".join(parts)


def _part(text: str, longest: int = 24) -> str:
    """Return a part of a key's name, cut where it is very long."""
    text = printable(text)
    return text if len(text) <= longest else f"{text[: longest - 9]}…{text[-8:]}"


def _cut(text: str) -> str:
    """Return a key that is as long as it is random: its ends are enough."""
    return text if len(text) <= _LONGEST else f"{text[:12]}…{text[-6:]}"


def printable(text: str) -> str:
    """Return a text of a file on one line, with control characters escaped."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()
