"""Values in base64 where Kubernetes does not expect it."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.values import SecretValue, secret_values
from fluxsecrets.findings import Confidence, Finding, Severity

INFO = describe(
    "value-encoded-twice",
    Severity.MEDIUM,
    "a value is encoded once too often",
    why="`stringData` takes plain text, and `data` is decoded once. The application gets base64 instead "
    "of the value, and only reports a wrong password.",
    fix="put the plain value under stringData: `fluxsecrets set FILE KEY --stdin`; if the application "
    "expects base64, allow it with the reason",
)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*")
_SHORTEST = 8
"""From this length on, bytes do not decode to text by chance."""


def check(facts: Facts) -> Iterator[Finding]:
    """Find each value of a Secret that an application would read as base64 of text."""
    for value in secret_values(facts):
        if value.owner and _is_encoded_text(value):
            field = "under data, but is encoded twice" if value.encoded else "under stringData, but is base64"
            yield found(
                INFO,
                value.secret.path,
                value.line,
                f"{value.shown} is {field}",
                value.shown,
                confidence=Confidence.MEDIUM,
                words={"KEY": value.argument},
            )


def _is_encoded_text(value: SecretValue) -> bool:
    data = value.data
    if value.encoded and data == value.text.encode("utf-8", "replace"):
        return False  # not base64 at all
    if not _BASE64.fullmatch(data) or len(set(data.strip())) < 6:
        return False
    try:
        inner = b64decode(data.strip(), validate=True)
        text = inner.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return len(inner) >= _SHORTEST and all(sign.isprintable() or sign in "\r\n\t" for sign in text)


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
