"""Talking to the agent itself: its state, and what a command unlocked with a person's help."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import wire
from .client import connect, present

if TYPE_CHECKING:
    from fluxsecrets.keys.unlocked import Unlocked

_MOST = 64 * 1024


def tell(
    kind: bytes, content: bytes | bytearray = b"", environ: dict[bytes, bytes] | None = None
) -> dict[str, Any] | None:
    """Send a frame to the agent, and return its state after that; None if no agent answers.

    After `wire.STOP` the agent has ended when this returns.
    """
    if sys.platform == "win32":
        return None
    path = present(dict(os.environb) if environ is None else environ)
    line = None if path is None else connect(path)
    if line is None:
        return None
    got = b""
    with suppress(OSError):
        line.settimeout(5.0)
        line.sendall(wire.frame_head(kind, content))
        if content:
            line.sendall(content)
        while len(got) < _MOST and (data := line.recv(_MOST)):
            got += data
    line.close()
    try:
        state = json.loads(got[wire.HEAD :])
    except ValueError:
        return None
    return state if isinstance(state, dict) else None


def version_running() -> str | None:
    """Return the version of the agent that runs; None without one, and empty if it does not tell."""
    answer = tell(wire.STATUS)
    if answer is None:
        return None
    return f"{answer.get('program', '')}{'' if answer.get('current', True) else ', changed on disk since'}"


def hand_over(unlocked: Unlocked) -> None:
    """Have the agent keep what this command unlocked. Nothing is said where that fails."""
    from fluxsecrets.keys.handover import pack

    packed = pack(unlocked)
    unlocked.forget()
    try:
        tell(wire.KEEP, packed)
    finally:
        packed[:] = bytes(len(packed))
