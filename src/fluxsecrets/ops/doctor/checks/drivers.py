"""Whether git can start the merge driver and the textconv."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis
from fluxsecrets.ops.hooks.drivers import driver_states

from .states import of_states

INFO = CheckInfo("drivers", "drivers")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether both drivers are configured in this clone, and start."""
    if facts.repository is not None:
        yield from of_states(driver_states(facts.repository))


CHECK = Check(INFO, check)
