"""The state of the agent, from its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsecrets.report.agent import AgentState


def state_of(answer: Mapping[str, Any] | None) -> AgentState | None:
    """Return the state in an answer; None if no agent answered, or one of another version."""
    if answer is None:
        return None
    try:
        return AgentState(**answer)
    except TypeError:
        return None
