"""What this clone and this machine lack, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fluxsecrets.ops.doctor.model import Diagnosis, Examination, Examined, Health, ok

from .base import here
from .json import page
from .page import Block, Heading, Note, Page, Sentence
from .text import Cell, counted, printable

if TYPE_CHECKING:
    from .wire import records as wire

_STYLES = {Health.OK: "green", Health.PROBLEM: "red", Health.UNKNOWN: "yellow"}
_INDENT = "      "
_MANY = 12
"""Lines of a check about what is as it should be; JSON has all."""


def _text_page(found: Examination) -> Page:
    states = max(len(health) for health in Health)
    titles = max((len(one.info.title) for one in found.checks), default=0)
    causes = Counter(each for one in found.checks for each in one.diagnoses if each.health is Health.UNKNOWN)
    shared = {each: count for each, count in causes.items() if count > 1}
    for one in (_shortened(_without(each, shared)) for each in found.checks):
        commands = [each.command for each in one.diagnoses]
        for number, each in enumerate(one.diagnoses, start=1):
            state = Cell(each.health.ljust(states), _STYLES[each.health])
            yield Heading([state, Cell(one.info.title.ljust(titles)), Cell(printable(each.message))])
            # A command that fixes several problems comes once, below the last of them.
            yield from _what_to_do(each, said_below=each.command in commands[number:])
    for each, count in shared.items():
        state = Cell(each.health.ljust(states), _STYLES[each.health])
        yield Heading([state, Cell(counted(count, "check").ljust(titles)), Cell(printable(each.message))])
        yield from _what_to_do(each, said_below=False)
    yield Note(_summary(found))


def _without(one: Examined, shared: Collection[Diagnosis]) -> Examined:
    """A check without what other checks cannot tell for the same reason: that is said once, at the end."""
    return replace(one, diagnoses=tuple(each for each in one.diagnoses if each not in shared))


def _shortened(one: Examined) -> Examined:
    """A check without most of what is as it should be, if that is a lot: it must not bury a problem."""
    fine = [each for each in one.diagnoses if each.health is Health.OK]
    if len(fine) <= _MANY:
        return one
    left = fine[_MANY - 1 :]
    kept = tuple(each for each in one.diagnoses if each not in left)
    return replace(one, diagnoses=(*kept, ok(f"and {len(left)} more that are as they should be")))


def _what_to_do(diagnosis: Diagnosis, *, said_below: bool) -> Iterator[Block]:
    if diagnosis.command and not said_below:
        yield Sentence(printable(diagnosis.command), "bold", indent=_INDENT)
    if diagnosis.hint:
        yield Sentence(printable(f"hint: {diagnosis.hint}"), indent=_INDENT)


def _summary(found: Examination) -> str:
    problems, untold = found.count(Health.PROBLEM), found.count(Health.UNKNOWN)
    parts = [counted(problems, "problem")] if problems or not untold else []
    return ", ".join([*parts, *([f"{untold} cannot be told"] if untold else [])])


def _json_page(found: Examination) -> Page:
    checks: list[wire.DoctorCheck] = [
        {
            "check": one.info.id,
            "state": each.health.value,
            "message": each.message,
            "command": each.command or None,
            "hint": each.hint or None,
        }
        for one in found.checks
        for each in one.diagnoses
    ]
    summary = {str(health): found.count(health) for health in Health}
    data: wire.Doctor = {"checks": checks, "summary": summary}
    return page("doctor", data, here())


FORMATS: Mapping[str, Callable[[Examination], Page]] = {"text": _text_page, "json": _json_page}
