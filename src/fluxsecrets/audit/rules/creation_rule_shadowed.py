"""Creation rules that never apply, because an earlier rule matches all their files."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import ConfigFile
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.sops.config import CreationRule, SopsConfig, rule_for

INFO = describe(
    "creation-rule-shadowed",
    Severity.MEDIUM,
    "a creation rule never applies",
    why="Only the first rule whose path_regex matches applies. An earlier rule matches every file of this "
    "one, so its readers believe in recipients that no file has.",
    fix="move the rule above the more general one, or remove it",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each rule whose files are all matched by an earlier rule."""
    for item in facts.configs:
        if item.config is not None:
            yield from _in_config(facts, item, item.config)


def _in_config(facts: Facts, item: ConfigFile, config: SopsConfig) -> Iterator[Finding]:
    below = [item.relative(path) for path in facts.tree.below(item.folder)]
    # Nearly all rules apply to something. Only the others are compared with all files.
    applying = {first.index for path in below if (first := rule_for(config, path)) is not None}
    for rule in config.rules:
        earlier = _catch_all(config, rule)
        if earlier is None and rule.index in applying:
            continue
        if earlier is None:
            matched = [path for path in below if rule.matches(path)]
            takers = [_taker(config, rule, path) for path in matched]
            if not matched or None in takers:
                continue
            earlier = next(taker for taker in takers if taker is not None)
        yield found(
            INFO,
            item.path,
            rule.line,
            f"rule {rule.index + 1} never applies: rule {earlier.index + 1} in line {earlier.line} matches "
            "all of its files first",
            rule.path_regex or "",
            related=[Location(item.path, earlier.line)],
        )


def _catch_all(config: SopsConfig, rule: CreationRule) -> CreationRule | None:
    """Return an earlier rule that matches every path."""
    return next((other for other in config.rules[: rule.index] if other.path_regex is None), None)


def _taker(config: SopsConfig, rule: CreationRule, path: str) -> CreationRule | None:
    return next((other for other in config.rules[: rule.index] if other.matches(path)), None)


RULE = AuditRule(INFO, Group.PROTECTION, check)
