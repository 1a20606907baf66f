"""References to keys that a Secret does not have."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.cluster import Provided, all_provided, all_used, meant, shown
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Confidence, Finding, Location, Severity

INFO = describe(
    "reference-key-missing",
    Severity.MEDIUM,
    "a reference names a key that the Secret does not have",
    why="A Pod does not start without a key that it needs, and a HelmRelease is not applied. A renamed "
    "key goes unnoticed until the next Pod starts.",
    fix="fix the key in the reference, or add it to the Secret",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each reference to a key that is not among the known keys of its Secret."""
    seen = set()
    for environment in facts.environments:
        provided = all_provided(facts, environment)
        for used in all_used(facts, environment):
            use = used.use
            if use.kind != "Secret" or use.key is None or use.optional or use.likely or "$" in use.key:
                continue
            sources = meant(use, provided)
            place = (used.item.file, use.line, use.name, use.key)
            if not sources or place in seen or any(_has(each, use.key) for each in sources):
                continue
            seen.add(place)
            message = (
                f"{used.item.kind} {used.item.name} needs the key {use.key} of Secret "
                f"{shown(use.namespace, use.name)}, which does not have it"
            )
            yield found(
                INFO,
                used.item.file,
                use.line,
                message,
                used.item.kind,
                used.item.name,
                use.name,
                use.key,
                confidence=Confidence.MEDIUM,
                related=[Location(sources[0].item.file, sources[0].provision.line)],
            )


def _has(each: Provided, key: str) -> bool:
    return each.provision.keys is None or key in each.provision.keys


RULE = AuditRule(INFO, Group.FLUX, check)
