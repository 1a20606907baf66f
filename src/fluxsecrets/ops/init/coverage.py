"""Which secrets have a creation rule already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fluxsecrets.marks import RULES_NAME

from .survey import Survey
from .territory import Owners


@dataclass(frozen=True, slots=True)
class Coverage:
    """What has no rule.

    Attributes:
        missing: secrets without one, by whose they are.
        nested: secrets that a `.sops.yaml` further down has no rule for: path -> that file, as shown.
        unnameable: secrets whose name is not UTF-8, so no rule can name them.
        empty: environments without secrets, whose folder has no rule.
    """

    missing: Mapping[Owners, tuple[str, ...]]
    nested: Mapping[str, str]
    unnameable: tuple[str, ...]
    empty: tuple[str, ...]

    @property
    def owners(self) -> tuple[Owners, ...]:
        """Return the owners that need rules: single environments, several that share files, and none."""
        wanted = {*self.missing, *(frozenset({name}) for name in self.empty)}
        return tuple(sorted(wanted, key=lambda each: (not each, len(each), sorted(each))))

    @property
    def environments(self) -> frozenset[str]:
        """Return the environments that get rules."""
        return frozenset().union(*self.owners)


def cover(survey: Survey) -> Coverage:
    """Find out which secrets have no rule.

    Raises:
        ConfigError: a `.sops.yaml` is invalid.
    """
    missing: dict[Owners, list[str]] = {}
    nested: dict[str, str] = {}
    unnameable: list[str] = []
    top = survey.session.shown(survey.tree.root / RULES_NAME)
    for each in survey.secrets:
        applied = survey.session.rules_for(survey.tree.root / each.path)
        if applied is not None and applied.rule is not None:
            continue
        if applied is not None and applied.config.path != top:
            nested[each.path] = applied.config.path
        elif not is_nameable(each.path):
            unnameable.append(each.path)
        else:
            missing.setdefault(survey.owners(each.path), []).append(each.path)
    return Coverage(
        {owners: tuple(paths) for owners, paths in missing.items()},
        nested,
        tuple(unnameable),
        tuple(_empty(survey, missing)),
    )


def is_nameable(path: str) -> bool:
    """Whether a path is text, which `.sops.yaml` can hold."""
    return not any("\ud800" <= char <= "\udfff" for char in path)


def _empty(survey: Survey, missing: Mapping[Owners, list[str]]) -> Iterator[str]:
    held = {name for each in survey.secrets for name in survey.owners(each.path)}
    for environment in survey.environments:
        own = frozenset({environment.name})
        probe = survey.tree.root / environment.root_path / "secret.yaml"
        if own in missing or environment.name in held:
            continue
        if survey.session.rule_for(probe) is None:
            yield environment.name
