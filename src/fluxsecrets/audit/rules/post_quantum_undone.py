"""Post-quantum keys next to keys that a quantum computer can break."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.sops.recipients import undoing_post_quantum

INFO = describe(
    "post-quantum-undone",
    Severity.LOW,
    "classical keys undo a post-quantum one",
    why="sops wraps the data key for each recipient separately, and any of them can open the file. An "
    "attacker who keeps a copy until quantum computers break X25519 or RSA can read it then, whatever "
    "other keys it was encrypted for.",
    fix="give all recipients of the file post-quantum keys (`fluxsecrets keys generate --post-quantum`), "
    "or allow it with the reason",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find the classical recipients next to post-quantum ones, once each, with the files."""
    undone: dict[str, list[str]] = {}
    for secret, metadata in facts.encrypted():
        classical = undoing_post_quantum(metadata.recipients, metadata.shamir_threshold)
        if classical:
            undone.setdefault(listed(classical, facts.names), []).append(secret.path)
    for names, paths in undone.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        message = f"the post-quantum keys of this file{more} protect nothing next to those of {names}"
        yield found(INFO, paths[0], None, message, names, related=[Location(path) for path in paths[1:6]])


RULE = AuditRule(INFO, Group.RECIPIENTS, check)
