"""Diagnoses of the states of hooks and drivers; not a check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fluxsecrets.ops.doctor.model import Diagnosis, ok, problem
from fluxsecrets.ops.hooks.model import HookState

_COMMAND = re.compile(r"`([^`]*)`")


def of_states(states: Iterable[HookState]) -> Iterator[Diagnosis]:
    """Yield one diagnosis for all that is at work, and one for each that is not."""
    working = []
    for state in states:
        if not state.problem:
            working.append(state.hook)
            continue
        command = _COMMAND.match(state.hint)
        # The hint often continues the command, so both are shown.
        hint = state.hint if command is None or command.end() != len(state.hint) else ""
        yield problem(f"{state.hook}: {state.problem}", command=command[1] if command else "", hint=hint)
    if working:
        yield ok(f"{', '.join(working)}: at work")
