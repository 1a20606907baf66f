"""SealedSecrets that were sealed for an older certificate."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.shell import file_word

INFO = describe(
    "sealing-certificate-superseded",
    Severity.LOW,
    "a SealedSecret is older than the sealing certificate",
    why="It was sealed for a key that the controller keeps only for decryption. If that key leaks, the "
    "values are known; if it is deleted in a new cluster, they are lost.",
    fix="run `fluxsecrets reseal FILE --cert CERTIFICATE`; it needs the controller's private keys",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each file with a SealedSecret that was last changed before its environment's certificate began."""
    seen = set()
    for environment in facts.environments:
        own = [
            (each.certificate.start.date(), each.path)
            for each in facts.sealing
            if each.environment == environment.name and each.certificate is not None
        ]
        if not own:
            continue
        start, path = max(own)
        for _, item in environment.graph.objects:
            changed = facts.changed.get(item.file)
            if item.kind != "SealedSecret" or changed is None or item.file in seen or changed >= start:
                continue
            seen.add(item.file)
            message = f"it was last changed on {changed}, but the certificate is from {start}"
            yield found(
                INFO,
                item.file,
                item.line,
                message,
                item.name,
                confidence=Confidence.MEDIUM,
                related=[Location(path)],
                words={"CERTIFICATE": file_word(path)},
            )


RULE = AuditRule(INFO, Group.AGE, check)
