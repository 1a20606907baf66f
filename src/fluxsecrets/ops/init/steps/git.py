"""Hooks, drivers and attributes: what git does in this clone."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.hooks.attributefile import ATTRIBUTES, planned_attributes
from fluxsecrets.ops.hooks.ciphertexts import repository_files, with_plain_secrets
from fluxsecrets.ops.hooks.coverage import coverage
from fluxsecrets.ops.hooks.launcher import own_launcher
from fluxsecrets.ops.hooks.model import DRIVERS, HOOKS
from fluxsecrets.ops.hooks.place import find_place
from fluxsecrets.ops.hooks.setup import EVERYTHING, set_up_git, set_up_states
from fluxsecrets.ops.init.model import Action, Item, StepPlan

from .step import Situation, Step

_ID = "hook"


def _plan(situation: Situation) -> StepPlan:
    survey = situation.survey
    refused = _refused(situation)
    names = (DRIVERS,) if refused is not None else EVERYTHING
    items = (*_states(situation, names), *([refused] if refused is not None else []))
    if not any(each.action in (Action.CREATE, Action.CHANGE) for each in items):
        return StepPlan(items)

    def finish() -> tuple[str, ...]:
        results = set_up_git(survey.tree.root, own_launcher(), names)
        return tuple(f"{each.hook}: {each.note}" for each in results if each.note and each.hook != ATTRIBUTES)

    return StepPlan(items, finish)


def _refused(situation: Situation) -> Item | None:
    """Why hooks can't be installed, such as a folder that other repositories use."""
    try:
        find_place(situation.survey.repository)
    except FluxsecretsError as error:
        return Item(_ID, Action.YOURS, "hooks", error.message, error.hint or "")
    return None


def _states(situation: Situation, names: tuple[str, ...]) -> Iterator[Item]:
    survey = situation.survey
    for state in set_up_states(survey.tree.root, names):
        if state.hook == ATTRIBUTES:
            continue
        shown = survey.session.shown(state.path)
        if not state.problem:
            yield Item(_ID, Action.KEEP, shown, f"{state.hook} is at work", path=shown)
        else:
            action = Action.CHANGE if state.installed else Action.CREATE
            what = "looks for plain text" if state.hook in HOOKS else "for encrypted files"
            yield Item(_ID, action, shown, f"{state.hook}: {what}", path=shown)
    files = repository_files(survey.repository)
    path, before, after = planned_attributes(survey.repository, with_plain_secrets(survey.repository, files))
    if after or before:
        action = Action.KEEP if before == after else Action.CHANGE if before else Action.CREATE
        yield Item(_ID, action, survey.session.shown(path), "files that the drivers are for")
    for override in coverage(survey.repository, files.ciphertexts).overrides:
        yield Item(
            _ID,
            Action.YOURS,
            override.place or survey.session.shown(path),
            f"{override.attribute} is {override.value} for encrypted files, and wins over the driver's lines",
            "remove the attribute there, or keep it and ignore this",
        )


STEP = Step(_ID, _plan)
