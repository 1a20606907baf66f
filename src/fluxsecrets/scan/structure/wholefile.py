"""Rules about a file as a whole.

- plain-secret-file: a file that is a secret by its name, its use or its past, and is not encrypted.
- unreadable-manifest: a file that may hold a Secret, and that nobody can judge.
- unreadable-archive: an archive, and nobody can tell what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import ArchiveError, FluxsecretsError
from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.fingerprint import fingerprint
from fluxsecrets.marks import LEFTOVER
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank

from .page import ENCRYPT_HINT

DELETE_HINT = "delete it: `rm -f FILE`; if it is staged, `git rm --cached FILE`"

PLAIN_FILE = RuleInfo(
    id="plain-secret-file",
    title="secret file in plain text",
    severity=Severity.HIGH,
    explanation=(
        "The file is a secret as a whole: its name says so (`*.sops.*`, `*.enc.*`), a secretGenerator reads "
        "it, `.fluxsecrets.yaml` lists it, a narrow creation rule names it, or it was encrypted before. It "
        "is in plain text now. A temporary file that a killed run left (`.NAME.fluxsecrets-….tmp`) counts "
        "too, whatever file it was to replace."
    ),
    fix="Encrypt it with `fluxsecrets encrypt`. Delete what a killed run left.",
    docs="scan.md#plain-secret-file",
)
UNREADABLE = RuleInfo(
    id="unreadable-manifest",
    title="manifest that cannot be read",
    severity=Severity.MEDIUM,
    explanation=(
        "The file may hold a Secret, and is not valid YAML or JSON, or too large. The scan fails, since "
        "nobody can tell what is in it."
    ),
    fix="Fix the file, or check it yourself and allow this rule for it in .fluxsecrets.yaml.",
    docs="scan.md#unreadable-manifest",
)

UNREADABLE_ARCHIVE = RuleInfo(
    id="unreadable-archive",
    title="archive that cannot be looked into",
    severity=Severity.MEDIUM,
    explanation=(
        "The archive is damaged, encrypted, of a kind that is not opened, or beyond the limits. The scan "
        "fails, since nobody can tell what is in it."
    ),
    fix="Take it out of the repository, or check it yourself and allow this rule for it in "
    ".fluxsecrets.yaml.",
    docs="scan.md#unreadable-archive",
)


def whole(blob: Blob, reason: str) -> Iterator[Match]:
    """The match for a file as a whole."""
    text = blob.text
    if text.strip():
        start = len(text) - len(text.lstrip())
        yield Match(PLAIN_FILE, Rank.PLACE, start, start + 1, message(reason), hint_for(reason), value="")


def plain_file(
    path: str, reason: str, commit: str | None = None, related: tuple[Location, ...] = ()
) -> Finding:
    """The finding for a plain file that is known to be a secret as a whole."""
    return Finding(
        rule=PLAIN_FILE.id,
        severity=PLAIN_FILE.severity,
        confidence=Confidence.HIGH,
        location=Location(path, 1, 1, commit),
        message=message(reason),
        hint=hint_for(reason),
        fingerprint=fingerprint(PLAIN_FILE.id, path),
        related=related,
    )


def message(reason: str) -> str:
    """What is said of such a file."""
    if reason == LEFTOVER:
        return f"this file may hold plain text: {reason}"
    return f"this file is in plain text, and should be encrypted: {reason}"


def hint_for(reason: str) -> str:
    """What to do about such a file."""
    return DELETE_HINT if reason == LEFTOVER else ENCRYPT_HINT


def unreadable(problem: FluxsecretsError, path: str) -> Finding:
    """The finding that an allowance covers.

    Without an allowance the error itself is shown: no scan passes over the file.
    """
    rule = UNREADABLE_ARCHIVE if isinstance(problem, ArchiveError) else UNREADABLE
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        confidence=Confidence.HIGH,
        location=Location(path, problem.line, problem.column),
        message=problem.message,
        hint=problem.hint or rule.fix,
        fingerprint=fingerprint(rule.id, path),
    )
