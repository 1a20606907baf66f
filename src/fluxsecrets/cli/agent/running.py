"""Runs the agent, from the socket to the end."""

from __future__ import annotations

import gc
from collections.abc import Callable

from fluxsecrets.files.reading import translated

from .lasting import Limits
from .loaded import loaded
from .sample import load_all, sample_in
from .server import Agent
from .socketfile import agent_folder, listening


def run(limits: Limits, *, stores: bool, ready: Callable[[], None]) -> None:
    """Answer clients until the agent is stopped, or its time is over.

    Args:
        limits: how long it keeps keys, and lives.
        stores: whether it keeps what a client unlocked.
        ready: is called when clients are answered.

    Raises:
        FluxsecretsError: the socket can't be made, or an agent runs.
    """
    folder = agent_folder()
    with listening(folder) as place, translated(folder, "written"), sample_in(folder) as sample:
        load_all(sample)
        gc.collect()
        gc.freeze()  # the processes that are forked share what is not written to
        agent = Agent(place, loaded(), sample, limits, stores=stores)
        ready()
        agent.serve()
