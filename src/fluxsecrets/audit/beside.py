"""What other tools than Flux read, put together from the facts."""

from __future__ import annotations

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.othertools import OtherUse, decrypted_by, find_uses

from .facts import Facts


def other_uses(facts: Facts) -> tuple[OtherUse, ...]:
    """All uses in the repository, found once."""
    return facts.once("other tools", lambda: find_uses(facts.tree))


def uses_in(facts: Facts, environment: Environment) -> tuple[OtherUse, ...]:
    """The uses in files of an environment."""
    return tuple(use for use in other_uses(facts) if use.path in environment.files)


def appliers(facts: Facts) -> tuple[str, ...]:
    """The names of the tools that apply objects of the repository to a cluster."""
    return tuple(dict.fromkeys(use.tool.name for use in other_uses(facts) if use.tool.applies))


def is_for_others(facts: Facts, path: str) -> bool:
    """Whether only tools other than Flux decrypt a file: what Flux could not read is right there."""
    readers = facts.once("files of other tools", lambda: decrypted_by(other_uses(facts)))
    return path in readers and not any(path in each.graph.files for each in facts.environments)
