"""The rules of `scan` and `audit`, by name."""

from __future__ import annotations

import difflib

from fluxsecrets.errors import UsageError
from fluxsecrets.findings import RuleInfo


def known_rules() -> tuple[RuleInfo, ...]:
    """Return every rule of the program."""
    from fluxsecrets.audit.rules import RULES  # help and completion do without
    from fluxsecrets.scan.registry import all_rules

    return tuple(dict.fromkeys((*all_rules(), *(rule.info for rule in RULES))))


def find_rule(name: str) -> RuleInfo:
    """Return the rule of a name.

    Raises:
        UsageError: there is no such rule.
    """
    rules = {each.id: each for each in known_rules()}
    if name in rules:
        return rules[name]
    near = difflib.get_close_matches(name, rules, n=1)
    raise UsageError(
        f"there is no rule {name!a}",
        hint=f"did you mean {near[0]}?" if near else "see `fluxsecrets rules list`",
    )
