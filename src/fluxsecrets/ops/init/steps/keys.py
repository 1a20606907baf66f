"""Identities, and their public keys in `keys/NAME.pub`."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.ops.init.model import Action, Holder, Item, StepPlan
from fluxsecrets.sops.config import named_recipients
from fluxsecrets.sops.naming import short_recipient

from .access import access_items
from .step import Situation, Step

_ID = "keys"


def _plan(situation: Situation) -> StepPlan:
    return StepPlan((*_holders(situation), *access_items(situation), *_strangers(situation)))


def _holders(situation: Situation) -> Iterator[Item]:
    survey, holders = situation.survey, situation.holders
    for each in holders.all:
        if each in holders.readers:
            continue
        action = Action.KEEP if each.made is None else Action.CREATE
        yield Item(_ID, action, each.name, f"{_whose(each)}; {_where(each)}")
        path = f"{KEYS_FOLDER}/{each.name}{PUBLIC_KEY_SUFFIX}"
        if each.recipient.kind == "age" and each.recipient.id not in survey.public:
            yield situation.write(_ID, path, f"{each.recipient.id}\n".encode(), f"public key of {each.name}")
    for environment in survey.environments:
        if environment.name not in holders.clusters:
            yield Item(
                _ID,
                Action.YOURS,
                environment.name,
                "its files have rules, and nothing says which key is its cluster's",
                f"write the public key to {KEYS_FOLDER}/cluster-{environment.name}{PUBLIC_KEY_SUFFIX}",
            )


def _whose(holder: Holder) -> str:
    new = "new identity" if holder.made is not None else "the identity"
    if holder.environment is not None:
        return f"{new} of {holder.environment}'s cluster"
    return "your new identity" if holder.made is not None else "your identity"


def _where(holder: Holder) -> str:
    if holder.claimed:
        return "only this repository says so: compare it with the cluster's"
    if not holder.place:
        return "the private key is not here"
    return f"private key in {holder.place}"


def _strangers(situation: Situation) -> Iterator[Item]:
    """Recipients of rules that nothing names: they are reported, and get into no new rule."""
    survey = situation.survey
    own = {key.recipient for key in survey.keys.keys}
    known = set(survey.public) | own | {each.recipient.id for each in situation.holders.all}
    for config in survey.people.configs:
        named = named_recipients(config.data, path=config.config.path)
        seen: set[str] = set()
        for rule in config.config.rules:
            for each in rule.recipients:
                if each.id in known or each.id in named or each.id in rule.names or each.id in seen:
                    continue
                seen.add(each.id)
                yield Item(
                    _ID,
                    Action.YOURS,
                    f"{config.config.path}:{rule.line}",
                    f"nothing says whose key {short_recipient(each)} is; no new rule has it",
                    f"write it to {KEYS_FOLDER}/NAME{PUBLIC_KEY_SUFFIX}, or remove it with "
                    f"`fluxsecrets recipients remove {each.id}`",
                )


STEP = Step(_ID, _plan, skippable=False)
