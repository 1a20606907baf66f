"""The state of the agent, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .base import here
from .json import page
from .page import Lines, Page

if TYPE_CHECKING:
    from .wire import records as wire


class AgentState(NamedTuple):
    """The state of a running agent.

    Attributes:
        uptime: seconds.
        identities: how many private keys it keeps.
        opened: how many keys of files it keeps.
        stores: whether it keeps any.
        locks_in: seconds until it forgets them; None if it keeps none.
        ends_in: seconds.
        current: whether the code on disk is still what it runs.
        answered: how many requests.
        declined: how many requests, by reason.
    """

    pid: int
    uptime: int
    program: str
    identities: int
    opened: int
    stores: bool
    locks_in: int | None
    ends_in: int
    current: bool
    answered: int
    declined: Mapping[str, int]


_REASONS = {
    "needs_person": "a person had to be asked",
    "failed": "the command failed, and says why itself",
    "other_code": "the command runs other code, such as another version or Python",
    "changed_code": "the code on disk has changed",
    "forgotten": "the agent was locked meanwhile",
    "confined": "the command runs with other rights, such as in a sandbox or a container",
    "gone": "the command ended before its answer",
    "malformed": "the request was not one that the agent answers",
    "died": "the agent's process for it ended early",
}


def _text_page(state: AgentState | None) -> Page:
    if state is None:
        yield Lines(["no agent runs"])
        return
    yield Lines(
        [
            f"running for {_span(state.uptime)} as process {state.pid}, fluxsecrets {state.program}",
            f"keeps {_kept(state)}",
            *_locks(state),
            f"ends in {_span(state.ends_in)}",
            *([] if state.current else ["the code on disk has changed: stop it, and start it again"]),
            f"answered {_count(state.answered, 'request')}, declined {sum(state.declined.values())}",
            *(f"  {count} × {_REASONS.get(why, why)}" for why, count in sorted(state.declined.items())),
        ]
    )


def _kept(state: AgentState) -> str:
    if not state.stores:
        return "nothing, as it was started with --no-store"
    if state.locks_in is None:
        return "no unlocked keys"
    identities = _count(state.identities, "unlocked key")
    opened = _count(state.opened, "answer of a plugin or gpg", "answers of plugins and gpg")
    return f"{identities}" + (f", {opened}" if state.opened else "")


def _locks(state: AgentState) -> list[str]:
    if state.locks_in is None:
        return []
    return [f"locks in {_span(state.locks_in)} without a request"]


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _span(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def _json_page(state: AgentState | None) -> Page:
    data: wire.Agent = {
        "running": state is not None,
        "pid": state and state.pid,
        "uptime": state and state.uptime,
        "program": state and state.program,
        "identities": state and state.identities,
        "opened": state and state.opened,
        "stores": state and state.stores,
        "locks_in": state and state.locks_in,
        "ends_in": state and state.ends_in,
        "current": state and state.current,
        "answered": state and state.answered,
        "declined": None if state is None else dict(state.declined),
    }
    return page("agent status", data, here())


FORMATS: Mapping[str, Callable[[AgentState | None], Page]] = {"text": _text_page, "json": _json_page}
