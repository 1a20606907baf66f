"""`.sops.yaml`: written, or extended at its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fluxsecrets.marks import RULES_NAME
from fluxsecrets.ops.init.model import Action, Item, StepPlan
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.sops.config_append import FreshRule, append_rules, new_config

from .step import Situation, Step

_ID = "rules"


def _plan(situation: Situation) -> StepPlan:
    return StepPlan((*_written(situation), *_nested(situation)))


def _written(situation: Situation) -> Iterator[Item]:
    survey, fresh = situation.survey, situation.fresh
    path = survey.shown(RULES_NAME)
    data = survey.content(RULES_NAME)
    names = {**survey.public, **{each.recipient.id: each.name for each in situation.holders.all}}
    if not fresh:
        if data is None and not survey.secrets and not survey.environments:
            hint = "run `fluxsecrets init` again when there is one"
            yield Item(_ID, Action.SKIP, path, "there is no environment yet, and no secret", hint)
        elif data is not None:
            yield Item(_ID, Action.KEEP, path, "every secret has a rule", path=path)
        return
    what = "a rule" if len(fresh) == 1 else f"{len(fresh)} rules"
    new = new_config(fresh, names) if data is None else append_rules(data, fresh, names, path=path)
    item = situation.write(_ID, RULES_NAME, new, what if data is None else f"{what} at the end")
    yield replace(item, details=tuple(_shown(rule, names) for rule in fresh))


def _shown(rule: FreshRule, names: Mapping[str, str]) -> str:
    return f"{rule.path_regex}: {', '.join(names_of((rule.recipients,), names))}"


def _nested(situation: Situation) -> Iterator[Item]:
    """Secrets whose nearest `.sops.yaml` has no rule for them: those above it don't count."""
    for path, config in situation.coverage.nested.items():
        yield Item(
            _ID,
            Action.YOURS,
            situation.survey.shown(path),
            f"{config} decides here, and has no rule for it",
            f"add one to {config}, or remove that file",
        )
    for path in situation.coverage.unnameable:
        yield Item(
            _ID,
            Action.YOURS,
            situation.survey.shown(path),
            "its name is not UTF-8, so no rule can name it",
            "rename it",
        )


STEP = Step(_ID, _plan, skippable=False)
