"""The plan of `init`, and what became of it: as text, as a diff, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.init.model import Action, HandEdit, InitPlan

from .base import here
from .json import page
from .page import Block, Heading, Lines, Note, Page, Sentence, Warn
from .plandiff import planned_diff
from .text import Cell, counted, printable

if TYPE_CHECKING:
    from .wire import init as wire

_STYLES = {
    Action.CREATE: "green",
    Action.CHANGE: "green",
    Action.KEEP: "",
    Action.SKIP: "",
    Action.YOURS: "yellow",
}
_INDENT = "        "
_WIDEST = 32
"""Columns; what comes after longer subjects is not aligned."""

_MANY = 8
"""Lines of one kind in a plan that is to be read; the dry run has all."""

_FEW = 5
"""Commands that come next; more of them differ in the environment only."""


def _plan_page(plan: InitPlan, *, most: int | None = _MANY) -> Page:
    yield from (Warn(f"warning: {warning}") for warning in plan.warnings)
    yield Sentence(_title(plan), "bold", indent="")
    yield from _items(plan, most)
    if plan.candidates:
        names = ", ".join(plan.candidates)
        yield Sentence(f"no access to what has a new rule: {names}; give it with --reader NAME", indent="")


def _title(plan: InitPlan) -> str:
    plain = f"{counted(len(plan.plain), 'file')} with secrets in plain text" if plan.plain else ""
    if not plan.environments:
        start = f"{plain}; no" if plain else "no"
        return f"{start} environment was found; `fluxsecrets env suggest` shows why"
    names = ", ".join(_first(plan.environments, _MANY))
    environments = f"{counted(len(plan.environments), 'environment')}: {names}"
    return printable(f"{environments}; {plain}" if plain else environments)


def _first(lines: Sequence[str], most: int | None) -> Sequence[str]:
    """The lines, or the first of them and how many more there are."""
    if most is None or len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"and {len(lines) - most + 1} more"]


def _items(plan: InitPlan, most: int | None) -> Iterator[Block]:
    width = max((len(each.action) for each in plan.items), default=0)
    column = max((len(each.subject) for each in plan.items if len(each.subject) <= _WIDEST), default=0)
    kinds = Counter((each.step, each.action) for each in plan.items)
    shown: Counter[tuple[str, str]] = Counter()
    for each in plan.items:
        kind = (each.step, each.action)
        shown[kind] += 1
        if most is not None and kinds[kind] > most and shown[kind] >= most:
            if shown[kind] == most:
                left = f"and {kinds[kind] - most + 1} more, see --dry-run"
                yield Heading([Cell(each.action.ljust(width), _STYLES[each.action]), Cell(left)], _INDENT)
            continue
        action = Cell(each.action.ljust(width), _STYLES[each.action])
        subject = Cell(printable(each.subject).ljust(column))
        yield Heading([action, subject, Cell(printable(each.what))], _INDENT)
        yield from (Sentence(printable(line), indent=_INDENT) for line in _first(each.details, most))
        if each.hint:
            yield Sentence(printable(f"hint: {each.hint}"), indent=_INDENT)


def _dry_run_page(plan: InitPlan) -> Page:
    yield from _plan_page(plan, most=None)
    fresh = {
        each.recipient.id: f"(the new key of {each.name})" for each in plan.holders if each.made is not None
    }
    for path, new in plan.draft.new.items():
        lines = planned_diff(plan.draft.shown(path), plan.draft.old[path], new, fresh)
        yield Lines(printable(line) for line in lines)


def _none_page(plan: InitPlan) -> Page:
    yield from _plan_page(plan)
    left = any(each.action is Action.YOURS for each in plan.items)
    yield Note("nothing to write; `yours` is left for you to do" if left else "nothing to do")
    if plan.plain:
        yield Note("next: fluxsecrets encrypt")


def _done_page(plan: InitPlan, notes: tuple[str, ...]) -> Page:
    yield from (Note(printable(f"note: {note}")) for note in notes)
    made = [each for each in plan.holders if each.made is not None]
    if made:
        keys = counted(len(made), "private key")
        them = "it" if len(made) == 1 else "them"
        yield Note(printable(f"{keys} added to {made[0].place}: make a copy, nobody else has {them}"))
    yield from _to_do(plan)
    if plan.committed:
        files = counted(len(plan.committed), "file")
        yield Note(
            f"git has the secrets of {files} in plain text, and keeps them in its history: change these "
            "values where they come from, see `fluxsecrets scan --history`"
        )


def _to_do(plan: InitPlan) -> Iterator[Block]:
    """What is left to the user: edits first, since commands need them."""
    by_text: dict[tuple[str, ...], list[HandEdit]] = {}
    for each in plan.edits:
        by_text.setdefault(each.lines, []).append(each)
    for lines, edits in by_text.items():
        yield Note("add this to the `spec` of these Kustomizations, so that Flux decrypts:")
        for each in edits:
            place = each.path if each.line is None else f"{each.path}:{each.line}"
            yield Note(printable(f"    {place}   {each.name}"))
        yield from (Note(printable(f"      {line}")) for line in lines)
    shown = plan.next if len(plan.next) <= _FEW else plan.next[: _FEW - 2]
    for number, command in enumerate(shown, 1):
        yield Note(printable(f"{'next:' if number == 1 else '     '} {number}. {command.line}"))
    if len(plan.next) > len(shown):
        yield Note(f"         and the same for {len(plan.next) - len(shown)} more environments")


def _json(plan: InitPlan, *, written: bool, notes: tuple[str, ...] = ()) -> Page:
    base = here()
    data: wire.Init = {
        "written": written,
        "environments": list(plan.environments),
        "plain": base.paths(plan.plain),
        "committed": base.paths(plan.committed),
        "items": [
            {
                "step": each.step,
                "action": each.action.value,
                "path": base.path(each.path) if each.path else None,
                "subject": each.subject,
                "what": each.what,
                "hint": each.hint,
                "details": list(each.details),
            }
            for each in plan.items
        ],
        "keys": [
            {
                "name": each.name,
                "recipient": each.recipient.id if written or each.made is None else None,
                "environment": each.environment,
                "place": each.place or None,
                "made": each.made is not None,
            }
            for each in plan.holders
        ],
        "without_access": list(plan.candidates),
        "edits": [
            {"path": base.path(each.path), "line": each.line, "name": each.name, "lines": list(each.lines)}
            for each in plan.edits
        ],
        "next": [each.line for each in plan.next],
        "warnings": list(plan.warnings),
        "notes": list(notes),
    }
    return page("init", data, base)


def _nothing(_plan: InitPlan) -> Page:
    """With JSON, the result alone is printed."""
    return ()


PLAN_FORMATS: Mapping[str, Callable[[InitPlan], Page]] = {"text": _plan_page, "json": _nothing}
"""The plan, before it is carried out."""

LEFT_FORMATS: Mapping[str, Callable[[InitPlan], Page]] = {
    "text": _plan_page,
    "json": lambda plan: _json(plan, written=False),
}
"""The plan, if it is not carried out."""

DRY_RUN_FORMATS: Mapping[str, Callable[[InitPlan], Page]] = {
    "text": _dry_run_page,
    "json": lambda plan: _json(plan, written=False),
}
NONE_FORMATS: Mapping[str, Callable[[InitPlan], Page]] = {
    "text": _none_page,
    "json": lambda plan: _json(plan, written=False),
}
"""A plan in which there is nothing to do."""

DONE_FORMATS: Mapping[str, Callable[[InitPlan, tuple[str, ...]], Page]] = {
    "text": _done_page,
    "json": lambda plan, notes: _json(plan, written=True, notes=notes),
}
