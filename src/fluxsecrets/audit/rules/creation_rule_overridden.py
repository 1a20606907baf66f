"""Nested `.sops.yaml` files with other recipients than the one above."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.model import ConfigFile
from fluxsecrets.audit.people import listed
from fluxsecrets.audit.rule import AuditRule, Group, describe, found
from fluxsecrets.findings import Finding, Location, Severity
from fluxsecrets.marks import folders_above
from fluxsecrets.sops import recipients
from fluxsecrets.sops.config import CreationRule, SopsConfig, lets_in, rule_for
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

INFO = describe(
    "creation-rule-overridden",
    Severity.HIGH,
    "a nested .sops.yaml has recipients that the one above does not have",
    why="Only the nearest .sops.yaml applies. Anyone who adds one to a folder decides who can read "
    "everything that is encrypted below it, and the file at the top does not show that.",
    fix="remove the nested file, or write the public keys to files in keys/ once you know whose they are",
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find each rule of a nested configuration with recipients that the one above does not have there.

    Recipients that the repository knows, from `keys/` or from any rule above, may well have their own folder:
    they make a low finding.
    """
    facts = facts.whole  # a rule is for files of other environments, too
    by_folder = {item.folder: item for item in facts.configs}
    known = _public(facts)
    for item in facts.configs:
        outer = _outer(by_folder, item.folder)
        if item.config is None or outer is None or outer.config is None:
            continue
        everybody = known | {recipient_key(one) for rule in outer.config.rules for one in rule.recipients}
        for rule in item.config.rules:
            people = lets_in(rule, outer.config, _replaced(facts, item, rule, outer, outer.config))
            unknown = [one for one in people if recipient_key(one) not in everybody]
            if people:
                yield found(
                    INFO,
                    item.path,
                    rule.line,
                    f"it overrides {outer.path}, and adds {listed(people, facts.names)}",
                    *sorted(one.id for one in people),
                    severity=INFO.severity if unknown else Severity.LOW,
                    related=[Location(outer.path, None)],
                )


def _outer(by_folder: dict[str, ConfigFile], folder: str) -> ConfigFile | None:
    return next((by_folder[above] for above in folders_above(folder) if above in by_folder), None)


def _replaced(
    facts: Facts, item: ConfigFile, rule: CreationRule, outer: ConfigFile, config: SopsConfig
) -> list[CreationRule]:
    """Return the rules above that would apply to the files of a nested rule."""
    paths = [secret.path for secret in facts.secrets if secret.config is item and secret.rule is rule]
    rules = (rule_for(config, outer.relative(path)) for path in paths)
    return [each for each in rules if each is not None]


def _public(facts: Facts) -> set[RecipientKey]:
    texts = [text for key in facts.public_keys for text in key.recipients]
    ages = [text for text in texts if not (text.startswith("age1") and " " in text)]
    return {recipient_key(recipients.age(text)) for text in ages} | {
        recipient_key(recipients.pgp(text)) for text in texts
    }


RULE = AuditRule(INFO, Group.PROTECTION, check)
