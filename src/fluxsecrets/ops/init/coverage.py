"""Which secrets have a creation rule already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.marks import RULES_NAME
from fluxsecrets.ops.run.session import AppliedConfig

from .survey import Survey
from .territory import Owners


@dataclass(frozen=True, slots=True)
class Coverage:
    """What has no rule.

    Attributes:
        missing: secrets without one, by whose they are.
        nested: secrets that a `.sops.yaml` further down has no rule for: path -> that file, as shown.
        unnameable: secrets whose name is not UTF-8, so that no rule can name them.
        empty: environments without secrets, whose folder has no rule.
    """

    missing: dict[Owners, tuple[str, ...]]
    nested: dict[str, str]
    unnameable: tuple[str, ...]
    empty: tuple[str, ...]

    @property
    def owners(self) -> tuple[Owners, ...]:
        """Return those who need rules: single environments, those that share files, what is in none."""
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
        if _matches(applied):
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


def _empty(survey: Survey, missing: dict[Owners, list[str]]) -> Iterator[str]:
    held = {name for each in survey.secrets for name in survey.owners(each.path)}
    for environment in survey.environments:
        own = frozenset({environment.name})
        probe = survey.tree.root / environment.root_path / "secret.yaml"
        if own in missing or environment.name in held:
            continue
        if not _matches(survey.session.rules_for(probe)):
            yield environment.name


def _matches(applied: AppliedConfig | None) -> bool:
    return applied is not None and bool(applied.matches) and applied.matches[-1].matched
