"""Who is missing in rules that exist: `init` changes none of them, and says which command does."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.init.model import Action, Item
from fluxsecrets.shell import file_word
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.recipients import KINDS, Recipient, recipient_key

from .step import Situation

_ID = "keys"


def access_items(situation: Situation) -> Iterator[Item]:
    """Yield what to do for a person whom no rule names, and for clusters that rules for their files lack."""
    yield from _person(situation)
    yield from _clusters(situation)


def _person(situation: Situation) -> Iterator[Item]:
    survey, person = situation.survey, situation.holders.person
    rules = [rule for config in survey.people.configs for rule in config.config.rules]
    if situation.fresh or not rules or any(_names(rule, person.recipient) for rule in rules):
        return
    names = [each.name for each in survey.environments]
    where = f"--env {file_word(names[0])}" if names else "--all"
    others = f", or with another of {len(names)} environments" if len(names) > 1 else ""
    yield Item(
        _ID,
        Action.YOURS,
        person.name,
        "no rule names you, so that you can read nothing",
        f"commit your public key; somebody who can read then runs "
        f"`fluxsecrets recipients add {file_word(person.name)} {where}`{others}",
    )


def _clusters(situation: Situation) -> Iterator[Item]:
    survey = situation.survey
    missing: dict[str, set[str]] = {}
    outside = {each.name: each.outside for each in survey.environments}  # Flux applies none of these
    for secret in survey.secrets:
        applied = survey.session.rules_for(survey.tree.root / secret.path)
        if applied is None or applied.rule is None:
            continue
        rule = applied.rule
        for name in survey.owners(secret.path):
            holder = situation.holders.clusters.get(name)
            if secret.path not in outside[name] and holder is not None and not _reads(rule, holder.recipient):
                missing.setdefault(name, set()).add(f"{applied.config.path}:{rule.line}")
    for name, places in sorted(missing.items()):
        key = situation.holders.clusters[name].name
        yield Item(
            _ID,
            Action.YOURS,
            ", ".join(sorted(places)),
            f"is for files of {name}, and its cluster can't read them",
            f"`fluxsecrets recipients add {file_word(key)} --env {file_word(name)}`",
        )


def _reads(rule: CreationRule, cluster: Recipient) -> bool:
    """Whether a cluster may read it: by its key, or by one that a service holds."""
    return _names(rule, cluster) or any(not KINDS[each.kind].local for each in rule.recipients)


def _names(rule: CreationRule, recipient: Recipient) -> bool:
    return recipient_key(recipient) in map(recipient_key, rule.recipients)
