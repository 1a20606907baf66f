"""The findings of an audit by environment: `--all-envs` answers for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fluxsecrets.audit.facts import Facts
from fluxsecrets.findings import Finding
from fluxsecrets.repo.environments import Environment


@dataclass(frozen=True, slots=True)
class OfEnvironment:
    """What an audit found in one environment.

    Attributes:
        environment: its name; None for what is outside of every environment.
        findings: those that are new; one that concerns several environments is in each of them.
    """

    environment: str | None
    findings: tuple[Finding, ...]


def files_that_count(facts: Facts, environment: Environment) -> frozenset[str]:
    """Return the files of an environment, and the `.sops.yaml` files whose rules its secrets have."""
    files = frozenset(environment.files)
    return files | {item.config.path for item in facts.secrets if item.config and item.path in files}


def concerns(files: frozenset[str], finding: Finding) -> bool:
    """Return whether a finding is about one of these files."""
    return any(place.path in files for place in (finding.location, *finding.related))


def by_environment(facts: Facts, findings: Sequence[Finding]) -> tuple[OfEnvironment, ...]:
    """Part findings by environment, in the order of their names; the last part is outside of all."""
    files = {each.name: files_that_count(facts, each) for each in facts.environments}
    parts = [
        OfEnvironment(name, tuple(_concerning(files[name], findings))) for name in sorted(files)
    ]  # fmt: skip
    rest = tuple(item for item in findings if not any(concerns(each, item) for each in files.values()))
    return (*parts, OfEnvironment(None, rest))


def _concerning(files: frozenset[str], findings: Iterable[Finding]) -> Iterable[Finding]:
    return (item for item in findings if concerns(files, item))
