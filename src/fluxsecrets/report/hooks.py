"""Hooks, drivers and attributes of git: what became of them, and whether they are at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fluxsecrets.ops.hooks.model import HookResult, HookState

from .base import here
from .json import page
from .page import Note, Page, Table
from .text import Cell, printable

if TYPE_CHECKING:
    from .wire import records as wire


def _results_page(_command: str, results: Sequence[HookResult], shown: Callable[[Path], str]) -> Page:
    yield Table(
        [(Cell(each.hook), Cell(str(each.outcome)), Cell(printable(shown(each.path)))) for each in results]
    )
    for each in results:
        if each.note:
            yield Note(f"note: {each.hook}: {each.note}")


def _results_json(command: str, results: Sequence[HookResult], _shown: Callable[[Path], str]) -> Page:
    base = here()
    data: wire.HooksChanged = {
        "hooks": [
            {
                "hook": each.hook,
                "outcome": each.outcome.value,
                "path": base.path(str(each.path)),
                "note": each.note or None,
            }
            for each in results
        ]
    }
    return page(command, data, base)


RESULT_FORMATS: Mapping[str, Callable[[str, Sequence[HookResult], Callable[[Path], str]], Page]] = {
    "text": _results_page,
    "json": _results_json,
}
"""Renderers of what became of hooks; they also take the command, and what shows a path."""


def _states_page(states: Sequence[HookState], shown: Callable[[Path], str]) -> Page:
    yield Table(
        [
            (Cell(each.hook), Cell(_state(each), _STYLES[_state(each)]), Cell(printable(shown(each.path))))
            for each in states
        ]
    )
    for each in states:
        if each.problem:
            yield Note(f"{each.hook}: {each.problem}")
            yield Note(f"  hint: {each.hint}")


def _states_json(states: Sequence[HookState], _shown: Callable[[Path], str]) -> Page:
    base = here()
    data: wire.HookStates = {
        "hooks": [
            {
                "hook": each.hook,
                "state": _state(each),
                "path": base.path(str(each.path)),
                "problem": each.problem or None,
                "hint": each.hint or None,
            }
            for each in states
        ]
    }
    return page("hook status", data, base)


_STYLES = {"at work": "", "not last": "yellow", "not at work": "red"}


def _state(state: HookState) -> Literal["at work", "not last", "not at work"]:
    if not state.problem:
        return "at work"
    return "not last" if state.late else "not at work"


STATE_FORMATS: Mapping[str, Callable[[Sequence[HookState], Callable[[Path], str]], Page]] = {
    "text": _states_page,
    "json": _states_json,
}
"""Renderers of whether hooks are at work; they also take what shows a path."""
