"""Recipients with short RSA keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import all_recipients
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import RecipientKey

INFO = describe(
    "weak-recipient",
    Severity.MEDIUM,
    "a recipient's RSA key is short",
    why="Files in git stay there for decades. RSA keys below 3072 bits are not expected to last that long "
    "(NIST SP 800-57), and anyone who breaks one can read every value that was ever encrypted for it.",
    fix="replace it with an age key (`fluxsecrets keys generate`) or an ed25519 key, then run "
    "`fluxsecrets rotate --all`",
)
MINIMUM = 3072
"""Bits of an RSA modulus."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each ssh-rsa recipient with a short modulus, once, where it is first seen."""
    seen: dict[RecipientKey, list[Location]] = {}
    bits = {}
    for place, people in all_recipients(facts):
        for key, recipient in people.items():
            size = rsa_bits(recipient.id)
            if size is not None and size < MINIMUM:
                seen.setdefault(key, []).append(place)
                bits[key] = f"{short_recipient(recipient)} has {size} bits"
    for key, places in seen.items():
        yield found(INFO, places[0].path, places[0].line, bits[key], key[1], related=places[1:6])


def rsa_bits(recipient: str) -> int | None:
    """Return the size in bits of an `ssh-rsa` key (RFC 4253, section 6.6), or None for anything else."""
    kind, _, rest = recipient.partition(" ")
    if kind != "ssh-rsa":
        return None
    try:
        data = base64.b64decode(rest.split(" ")[0], validate=True)
    except binascii.Error:
        return None
    fields = []
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        fields.append(data[4 : 4 + length])
        data = data[4 + length :]
    return int.from_bytes(fields[2], "big").bit_length() if len(fields) == 3 else None


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
