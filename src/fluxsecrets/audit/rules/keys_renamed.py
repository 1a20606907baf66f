"""Changes to encrypted files that their MAC does not cover."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity
from fluxsecrets.sops.document import Document, Path, show_path

INFO = describe(
    "keys-renamed",
    Severity.HIGH,
    "an encrypted file was changed where its MAC does not apply",
    why="The MAC covers values. It does not cover the names of plain keys, added empty values, types of "
    "values, or the selector. Without a key, someone can rename such keys, and the file still "
    "verifies.",
    fix="look at `git diff FILE`; restore the file from git, and make the change with `fluxsecrets edit "
    "FILE`",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file that differs from the last commit, but has the same MAC and time."""
    for secret, metadata in facts.encrypted():
        before = facts.before.get(secret.path)
        if before is None or before.metadata is None or secret.document is None:
            continue
        old = before.metadata
        if (old.mac, old.lastmodified) != (metadata.mac, metadata.lastmodified):
            continue
        changed = _changed(before, secret.document)
        if old.selector != metadata.selector or old.mac_only_encrypted != metadata.mac_only_encrypted:
            message = "its selector was changed without encrypting the file again"
            yield found(INFO, secret.path, None, message, "selector")
        if changed is not None:
            path, line = changed
            message = f"{show_path(path)} was changed since the last commit without encrypting the file again"
            yield found(INFO, secret.path, line, message, show_path(path))


def _changed(before: Document, now: Document) -> tuple[Path, int] | None:
    """Return the first value that differs."""
    known = {(leaf.path, leaf.value): None for leaf in before.leaves}
    leaves = list(now.leaves)
    for leaf in leaves:
        if (leaf.path, leaf.value) not in known:
            return leaf.path, leaf.line
    here = {(leaf.path, leaf.value) for leaf in leaves}
    gone = next((leaf for leaf in before.leaves if (leaf.path, leaf.value) not in here), None)
    return (gone.path, 1) if gone is not None else None


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
