"""plain-secret-file: a file that is a secret by its name, its use or its past, and is not encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank

from .page import ENCRYPT_HINT

RULE = RuleInfo(
    id="plain-secret-file",
    title="secret file in plain text",
    severity=Severity.HIGH,
    explanation=(
        "The file is a secret as a whole: its name says so (`*.sops.*`, `*.enc.*`), a secretGenerator reads "
        "it, `.fluxsecrets.yaml` lists it, a narrow creation rule names it, or it is encrypted at HEAD. It "
        "is in plain text now."
    ),
    fix="Encrypt it with `fluxsecrets encrypt`.",
    docs="scan.md#plain-secret-file",
)


def whole(blob: Blob, reason: str) -> Iterator[Match]:
    """The match for a file as a whole."""
    text = blob.text
    if text.strip():
        start = len(text) - len(text.lstrip())
        yield Match(RULE, Rank.PLACE, start, start + 1, message(reason), ENCRYPT_HINT)


def finding(path: str, reason: str, commit: str | None = None, related: tuple[Location, ...] = ()) -> Finding:
    """The finding for a plain file that is known to be a secret as a whole."""
    return Finding(
        rule=RULE.id,
        severity=RULE.severity,
        confidence=Confidence.HIGH,
        location=Location(path, 1, 1, commit),
        message=message(reason),
        hint=ENCRYPT_HINT,
        fingerprint=fingerprint(RULE.id, path),
        related=related,
    )


def message(reason: str) -> str:
    """What is said of such a file."""
    return f"this file is in plain text, and should be encrypted: {reason}"
