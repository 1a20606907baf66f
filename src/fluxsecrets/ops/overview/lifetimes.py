"""How old data keys and identities are, and when certificates end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from fluxsecrets.audit.certificates import certificates
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.values import secret_values
from fluxsecrets.repo.keyhistory import first_listed
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, age, read_recipient, recipient_key

from .model import Joined, Left, Lifetime, Lifetimes, Policy, State

_LAST = date.max
_NOTICE = 30
"""Days before the end of a policy's term from which on something is due soon."""


def lifetimes(facts: Facts) -> Lifetimes:
    """Return the lifetimes of a repository's keys and certificates.

    Raises:
        GitError: the history can't be read, or is cut off.
    """
    settings = facts.settings.audit
    return Lifetimes(
        Policy(settings.data_key_days, settings.identity_days, settings.certificate_days),
        tuple(sorted(_data_keys(facts), key=lambda each: (each.start or _LAST, each.path))),
        tuple(sorted(_joined(facts), key=lambda each: (each.joined or _LAST, each.name))),
        tuple(sorted(_left(facts), key=lambda each: (each.day or _LAST, each.name), reverse=True)),
        tuple(sorted(_sealing(facts), key=_by_end)),
        tuple(sorted(_certificates(facts), key=_by_end)),
    )


def _by_end(each: Lifetime) -> tuple[date, str, str]:
    return (each.end or _LAST, each.path, each.name)


def _data_keys(facts: Facts) -> Iterator[Lifetime]:
    limit = facts.settings.audit.data_key_days
    for secret, metadata in facts.encrypted():
        start = facts.data_keys[secret.path]
        end = _later(start, limit)
        state = _by_history(facts, end)
        yield Lifetime(secret.path, secret.path, secret.environments, start, end, state, metadata.changed)


def _joined(facts: Facts) -> Iterator[Joined]:
    paths = [*(item.path for item in facts.configs), *(key.path for key in facts.public_keys)]
    first = first_listed(facts.branch, paths) if facts.branch is not None else {}
    files = {
        recipient_key(_recipient(text)): key.path for key in facts.public_keys for text in key.recipients
    }
    ruled = [
        recipient
        for item in facts.configs
        for rule in (item.config.rules if item.config is not None else ())
        for recipient in rule.recipients
    ]
    everybody = {recipient_key(each): each for each in map(_recipient, facts.names)}
    everybody |= {recipient_key(each): each for each in ruled}
    left = {recipient_key(each.recipient) for each in facts.leavers}
    for key, recipient in everybody.items():
        if key not in left:
            own = _public_key(facts, name_of(recipient, facts.names), files[key]) if key in files else None
            yield Joined(name_of(recipient, facts.names), key[0], first.get(key[1]), own)


def _public_key(facts: Facts, name: str, path: str) -> Lifetime:
    start = facts.changed.get(path)
    end = _later(start, facts.settings.audit.identity_days) if start is not None else None
    return Lifetime(name, path, (), start, end, _by_history(facts, end))


def _left(facts: Facts) -> Iterator[Left]:
    recorded = {each.recipient.id for each in facts.leavers}
    for leaver in facts.leavers:
        yield Left(name_of(leaver.recipient, facts.names), _recorded(leaver.since), "", leaver.path)
    for removed in facts.removed:
        if removed.recipient not in recorded:
            name = removed.name or name_of(_recipient(removed.recipient), facts.names)
            yield Left(name, removed.day, removed.commit, removed.path)


def _sealing(facts: Facts) -> Iterator[Lifetime]:
    notice = facts.settings.audit.certificate_days
    for each in facts.sealing:
        found = each.certificate
        start = found.start.date() if found is not None else None
        end = found.end.date() if found is not None else None
        yield Lifetime(each.path, each.path, (each.environment,), start, end, _state(facts, end, notice))


def _certificates(facts: Facts) -> Iterator[Lifetime]:
    notice = facts.settings.audit.certificate_days
    for value in secret_values(facts):
        for each in certificates(value.data):
            state = _state(facts, each.end, notice)
            name = f"{value.shown}: {each.name}" if each.name else value.shown
            secret = value.secret
            yield Lifetime(name, secret.path, secret.environments, each.start, each.end, state)


def _by_history(facts: Facts, end: date | None) -> State:
    """The state of what the history dates. If that is cut off, a key is at least as old, and may be older."""
    state = _state(facts, end, _NOTICE)
    repository = facts.tree.repository
    cut_off = repository is not None and bool(repository.cut_off_at())
    return State.UNKNOWN if cut_off and state is not State.OVER else state


def _state(facts: Facts, end: date | None, notice: int) -> State:
    if end is None:
        return State.UNKNOWN
    left = (end - facts.today).days
    return State.OVER if left < 0 else State.SOON if left < notice else State.FINE


def _later(day: date, days: int) -> date:
    """A day some days later; a file may name any day up to the last one that there is."""
    return day + min(timedelta(days=days), _LAST - day)


def _recorded(text: str) -> date | None:
    """The day in a record, which people may have edited."""
    try:
        return date.fromisoformat(text)
    except (ValueError, TypeError):
        return None


def _recipient(text: str) -> Recipient:
    return read_recipient(text) or age(text)
