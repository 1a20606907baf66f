"""Creation rules that would encrypt fields that Flux must read."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.beside import is_for_others
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.audit.selection import manifest_selector
from fluxsecrets.findings import Finding, Location, Severity

INFO = describe(
    "selector-hits-metadata",
    Severity.HIGH,
    "a selector would encrypt fields that Flux must read",
    why="Flux needs apiVersion, kind and metadata in plain text. An expression without anchors, such as "
    "data|stringData, also matches `metadata`: the cluster then rejects the manifest.",
    fix="use `encrypted_regex: ^(data|stringData)$` in the rule",
)
_READ_BY_FLUX = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


def check(facts: Facts) -> Iterator[Finding]:
    """Find each rule that would encrypt the kind or the name of a Secret."""
    seen = set()
    for secret in facts.secrets:
        selector, rule, config = manifest_selector(secret), secret.rule, secret.config
        if selector is None or rule is None or config is None or (config.path, rule.index) in seen:
            continue
        hit = next((path for path in _READ_BY_FLUX if selector.encrypts(path)), None)
        if hit is not None and not is_for_others(facts, secret.path):
            seen.add((config.path, rule.index))
            message = f"the selector of rule {rule.index + 1} would encrypt {'.'.join(hit)} of {secret.path}"
            yield found(
                INFO, config.path, rule.line, message, rule.path_regex or "", related=[Location(secret.path)]
            )


RULE = AuditRule(INFO, Group.PROTECTION, check, for_applied=True)
