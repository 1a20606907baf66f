"""Creation rules before and after a change: which are the same, and which files follow another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fluxsecrets.audit.facts import Facts
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.envelope import groups_needed

from .change import Change

RulePair = tuple[CreationRule | None, CreationRule | None]


@dataclass(frozen=True, slots=True)
class Moved:
    """Encrypted files that follow another rule than before, or none any more.

    Attributes:
        config: the `.sops.yaml` of the rule after the change, else of the one before.
        old, new: the rules; `new` is None if none applies any more.
    """

    config: str
    old: CreationRule
    new: CreationRule | None
    paths: tuple[str, ...]


def needed(rule: CreationRule) -> int:
    """How many key groups are needed to decrypt a file of a rule."""
    return groups_needed(rule.key_groups, rule.shamir_threshold)


def same_rules(old: Sequence[CreationRule], new: Sequence[CreationRule]) -> Iterator[RulePair]:
    """Pair the rules of two versions of a file by their pattern, in order.

    Yields:
        The pairs that differ, the new ones in their order, then those that are gone.
    """
    waiting: defaultdict[str | None, list[CreationRule]] = defaultdict(list)
    for rule in reversed(old):
        waiting[rule.path_regex].append(rule)
    for rule in new:
        other = waiting[rule.path_regex].pop() if waiting[rule.path_regex] else None
        yield other, rule
    for left in waiting.values():
        yield from ((rule, None) for rule in reversed(left))


def environments_of(change: Change, config: str, rule: CreationRule, *, after: bool) -> tuple[str, ...]:
    """Return the environments with a file that a rule applies to, before or after the change."""
    side = change.after if after else change.before
    facts = side.facts
    by_rule = facts.once("environments by rule", lambda: _by_rule(change, facts))
    return tuple(sorted(by_rule.get((config, rule.index), ())))


def _by_rule(change: Change, facts: Facts) -> dict[tuple[str, int], set[str]]:
    found: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for path in facts.tree.paths:
        names = change.environments(path)
        rule, config = (facts.rule_for(path), facts.config_for(path)) if names else (None, None)
        if rule is not None and config is not None:
            found[config.path, rule.index].update(names)
    return found


def moved_files(change: Change) -> tuple[Moved, ...]:
    """Find the encrypted files that follow a rule with another pattern than before, or none."""
    if not _rules_differ(change):
        return ()
    before, after = change.before.facts, change.after.facts
    found: defaultdict[tuple[str, CreationRule, CreationRule | None], list[str]] = defaultdict(list)
    for path in after.tree.paths:
        old = before.rule_for(path)
        if old is None:
            continue
        new, config = after.rule_for(path), after.config_for(path) or before.config_for(path)
        was = before.config_for(path)
        same_file = config is not None and was is not None and config.path == was.path
        if new is not None and new.path_regex == old.path_regex and same_file:
            continue
        if path in before.tree.files and _is_encrypted(change, path):
            found[config.path if config is not None else "", old, new].append(path)
    return tuple(Moved(config, old, new, tuple(paths)) for (config, old, new), paths in found.items())


def _rules_differ(change: Change) -> bool:
    one = {each.path: each.config for each in change.before.facts.configs}
    other = {each.path: each.config for each in change.after.facts.configs}
    return one != other


def _is_encrypted(change: Change, path: str) -> bool:
    data = change.after.read(path)
    return data is not None and b"sops" in data and detect_encryption(data, path) is not None
