"""Whether git runs the hooks."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis
from fluxsecrets.ops.hooks.state import hook_states

from .states import of_states

INFO = CheckInfo("hooks", "hooks")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether git runs each hook, and whether the check of a commit comes last."""
    if facts.repository is not None and not facts.is_bare:
        yield from of_states(hook_states(facts.session.cwd))


CHECK = Check(INFO, check)
