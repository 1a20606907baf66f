"""Whether the agent that runs is of this version."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem

INFO = CheckInfo("agent", "agent")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Compare the version of a running agent, which answers commands of its own version only."""
    if facts.agent is None:
        return
    if facts.agent == facts.version:
        yield ok(f"running, fluxsecrets {facts.agent}")
    else:
        other = f"fluxsecrets {facts.agent}" if facts.agent else "of another version"
        yield problem(
            f"the agent that runs is {other}, and answers no command of this one",
            command="fluxsecrets agent stop",
            hint="start it again with `fluxsecrets agent`",
        )


CHECK = Check(INFO, check)
