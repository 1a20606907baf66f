"""Files that the audit cannot judge."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.errors import IntegrityError
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.repo.tree import UNREADABLE

INFO = describe(
    "file-unreadable",
    Severity.HIGH,
    "a file cannot be read",
    why="The audit can't tell whether it contains a secret, or whether that is protected. Flux stops at "
    "the Kustomization that applies it.",
    fix="fix the file, or remove it from the repository",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each secret file, and each file that Flux would apply, that does not parse."""
    seen = set()
    for secret in facts.secrets:
        error = secret.error
        if error is not None and not isinstance(error, IntegrityError) and not secret.file.in_list:
            seen.add(secret.path)
            yield found(INFO, secret.path, error.line, error.message, hint=error.hint)
    for environment in facts.environments:
        for note in environment.notes:
            if note.message.startswith(UNREADABLE) and note.path not in seen:
                seen.add(note.path)
                message = note.message.removeprefix(UNREADABLE)
                yield found(INFO, note.path, note.line, message)


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
