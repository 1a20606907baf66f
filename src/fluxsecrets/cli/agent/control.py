"""What clients say to the agent itself, and its answers: JSON with numbers, never what is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.keys.handover import MAX_FRAME, take
from fluxsecrets.keys.unlocked import Unlocked
from fluxsecrets.report.agent import AgentState

from . import wire
from .answering import FORGET, Outcome


class Said(NamedTuple):
    """A frame of a client.

    Attributes:
        kind: one of `wire.CONTROL`; empty where it is malformed.
        content: of the frame; the only copy.
    """

    kind: bytes
    content: bytearray

    @classmethod
    def parse(cls, got: bytearray) -> Said | None:
        """Take the frame out of what was received; None while some of it is missing."""
        kind = bytes(got[:1])
        most = MAX_FRAME if kind == wire.KEEP else 0
        if len(got) < wire.HEAD:
            return None
        length = wire.length_in(got[: wire.HEAD])
        if kind not in wire.CONTROL or length > most or len(got) > wire.HEAD + length:
            return cls(b"", got)
        if len(got) < wire.HEAD + length:
            return None
        del got[: wire.HEAD]
        return cls(kind, got)


def keep(said: Said, unlocked: Unlocked) -> None:
    """Keep what a client unlocked; nothing of it where it is malformed."""
    with suppress(FluxsecretsError):
        take(unlocked, said.content)


class Counts:
    """How many requests were answered, and why others were declined."""

    def __init__(self) -> None:
        """Start with none."""
        self._outcomes: Counter[int] = Counter()

    def note(self, outcomes: Iterable[int]) -> None:
        """Note exit codes of processes that answered."""
        self._outcomes.update(outcomes)

    def shown(self) -> tuple[int, Mapping[str, int]]:
        """Return how many were answered, and how many declined by the names of outcomes."""
        names = {each.value: each.name.lower() for each in Outcome}
        names[-FORGET] = Outcome.FORGOTTEN.name.lower()  # it was told before it knew what that means
        declined: Counter[str] = Counter()
        for code, count in self._outcomes.items():
            declined[names.get(code, "died")] += count
        answered = declined.pop(Outcome.ANSWERED.name.lower(), 0)
        return answered, dict(declined)


def reply(state: AgentState) -> bytes:
    """Return the answer to a frame."""
    return wire.frame(wire.STATUS, json.dumps(state._asdict()).encode())
