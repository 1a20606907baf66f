"""Values in base64 where Kubernetes expects none."""

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
    why="`stringData` takes text as it is, and `data` is decoded once. The application gets base64 "
    "where it expects the value, and says only that the password is wrong.",
    fix="put the value in as it is, under stringData: `fluxsecrets set FILE KEY --stdin`; where the "
    "application wants base64, allow it with the reason",
)
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*")
_SHORTEST = 8
"""Bytes from which on it is no chance that they come out as text."""


def check(facts: Facts) -> Iterator[Finding]:
    """Each value of a Secret that is base64 of text when an application reads it."""
    for value in secret_values(facts):
        if value.owner and _is_encoded_text(value):
            field = "under data, and is encoded twice" if value.encoded else "under stringData, and is base64"
            yield found(
                INFO,
                value.secret.path,
                value.line,
                f"{value.shown} stands {field}",
                value.shown,
                confidence=Confidence.MEDIUM,
            )


def _is_encoded_text(value: SecretValue) -> bool:
    data = value.data
    if value.encoded and data == value.text.encode("utf-8", "replace"):
        return False  # it is no base64 at all
    if not _BASE64.fullmatch(data) or len(set(data.strip())) < 6:
        return False
    try:
        inner = b64decode(data.strip(), validate=True)
        text = inner.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return len(inner) >= _SHORTEST and all(sign.isprintable() or sign in "\r\n\t" for sign in text)


RULE = AuditRule(INFO, Group.VALUES, check, needs_keys=True)
