"""Creation rules that match no file."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Severity

INFO = describe(
    "creation-rule-unused",
    Severity.LOW,
    "a creation rule matches no file",
    why="It may be misspelled, so that another rule or no rule applies to its files. Or its files are "
    "gone, and it only lists people who seem to have access.",
    fix="compare its path_regex with the paths of the files, or remove the rule",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each rule whose path_regex matches no path."""
    for item in facts.configs:
        below = [item.relative(path) for path in facts.tree.below(item.folder)]
        for rule in item.config.rules if item.config is not None else ():
            if not any(rule.matches(path) for path in below):
                message = f"rule {rule.index + 1} matches no file: path_regex {rule.path_regex or '':.200}"
                yield found(INFO, item.path, rule.line, message, rule.path_regex or "")


RULE = AuditRule(INFO, Group.PROTECTION, check)
