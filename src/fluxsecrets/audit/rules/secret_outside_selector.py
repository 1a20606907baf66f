"""Values next to the encrypted ones that look like secrets."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import DATA_FIELDS, own_selector
from fluxsecrets.findings import Confidence, Finding, Severity
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import is_literal, looks_random
from fluxsecrets.sops.document import Leaf, show_path

INFO = describe(
    "secret-outside-selector",
    Severity.HIGH,
    "a value that the selector leaves plain looks like a secret",
    why="The file looks encrypted, but its selector does not cover this value. Everyone who can read the "
    "repository can read it.",
    fix="move the value to where the selector encrypts, or widen the selector; the value is in the "
    "history, so change it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each plain value of an encrypted file whose name suggests a secret."""
    for secret, _ in facts.encrypted():
        selector = own_selector(secret)
        if selector is None or selector.uses_comments or secret.document is None:
            continue
        for leaf in secret.document.leaves:
            if leaf.path[0] not in DATA_FIELDS and not selector.encrypts(leaf.path) and _is_secret(leaf):
                message = f"{show_path(leaf.path)} is plain, but its name suggests a secret"
                sure = telling(str(leaf.path[-1])) is Telling.SURELY
                yield found(
                    INFO,
                    secret.path,
                    leaf.line,
                    message,
                    show_path(leaf.path),
                    confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
                )


def _is_secret(leaf: Leaf) -> bool:
    value = leaf.value
    if not isinstance(value, str) or len(value) < _SHORT or not is_literal(value):
        return False
    name = telling(str(leaf.path[-1]))
    return name is Telling.SURELY or (name is Telling.MAYBE and looks_random(value))


_SHORT = 6

RULE = AuditRule(INFO, Group.PROTECTION, check)
