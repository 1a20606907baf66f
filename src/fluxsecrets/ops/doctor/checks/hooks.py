"""Whether git runs the hooks."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis
from fluxsecrets.ops.hooks.state import states_in

from .states import of_states

INFO = CheckInfo("hooks", "hooks")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether git runs each hook, and whether the check of a commit comes last."""
    if facts.repository is not None and facts.hooks_folder is not None:
        yield from of_states(states_in(facts.repository, facts.hooks_folder))


CHECK = Check(INFO, check)
