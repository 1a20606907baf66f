"""Configurations that extend others, as in gitleaks: a file comes before what it extends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from fluxsecrets.errors import ConfigError

from .leakreader import Configuration, read_configuration
from .leakrules import LeakRule, LeakRules, Unsupported
from .tree import normalise

_DEEPEST = 3  # gitleaks follows two extensions


def read_chain(path: str, read: Callable[[str], bytes | None]) -> Iterator[tuple[str, bytes]]:
    """Yield a configuration and those that it extends, as path and content.

    Args:
        path: relative to the repository's root, with `/`.
        read: returns the content of a file, or None if it does not exist.

    Raises:
        ConfigError: a file is missing or invalid, or the files extend each other.
    """
    seen: list[str] = []
    wanted: str | None = path
    while wanted is not None:
        if wanted in seen or len(seen) == _DEEPEST:
            raise ConfigError(
                f"extends {wanted[:80]!a}, which is one too many" if wanted not in seen else "extends itself",
                hint="gitleaks follows two extensions: put the rules into one file",
                path=seen[-1],
            )
        data = read(wanted)
        if data is None:
            by = seen[-1] if seen else ".fluxsecrets.yaml"
            raise ConfigError(
                f"names the configuration {wanted[:80]!a}, which does not exist",
                hint="paths are relative to the top of the repository",
                path=by,
            )
        yield wanted, data
        seen.append(wanted)
        extends = read_configuration(data, wanted).extends
        wanted = None if extends is None else _inside(extends, seen[-1])


def _inside(text: str, by: str) -> str:
    found = normalise(text)
    if found is None:
        raise ConfigError(
            f"extends {text[:80]!a}, which is not a path in the repository",
            hint="write it relative to the top of the repository",
            path=by,
        )
    return found


def joined(configurations: Sequence[Configuration]) -> LeakRules:
    """Return what a chain of configurations says together, the one that extends the others first."""
    found = LeakRules()
    for configuration in reversed(configurations):
        found = _extended(configuration.rules, found)
    complete = tuple(rule for rule in found.rules if rule.regex or rule.path)
    partial = (rule for rule in found.rules if not (rule.regex or rule.path))
    notes = tuple(
        Unsupported(
            rule.origin, rule.line, f"the rule {rule.id} has no regex here: only its allowlists count"
        )
        for rule in partial
        if rule != _bare(rule)
    )
    return replace(found, rules=complete, unsupported=(*found.unsupported, *notes))


def _bare(rule: LeakRule) -> LeakRule:
    """The rule without anything that could change another one."""
    return LeakRule(rule.id, rule.name, rule.origin, rule.line)


def _extended(top: LeakRules, base: LeakRules) -> LeakRules:
    disabled = {each.rule for each in top.disabled}
    under = {rule.id: rule for rule in base.rules if rule.id not in disabled}
    rules = [_merged(rule, under.pop(rule.id)) if rule.id in under else rule for rule in top.rules]
    gone = {rule.id for rule in base.rules} & disabled
    switched = tuple(each for each in top.disabled if each.rule not in gone)
    return LeakRules(
        (*rules, *under.values()),
        (*top.allowlists, *base.allowlists),
        (*switched, *base.disabled),
        (*top.unsupported, *base.unsupported),
    )


def _merged(rule: LeakRule, base: LeakRule) -> LeakRule:
    """A rule that refines another one: what it says itself counts, and lists are joined."""
    return replace(
        rule,
        description=rule.description or base.description,
        regex=rule.regex or base.regex,
        group=rule.group or base.group,
        entropy=base.entropy if rule.entropy is None else rule.entropy,
        keywords=(*base.keywords, *rule.keywords),
        path=rule.path or base.path,
        tags=(*base.tags, *rule.tags),
        required=rule.required or base.required,
        silent=rule.silent or base.silent,
    )
