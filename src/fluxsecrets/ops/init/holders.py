"""The holders of keys: the person who runs `init`, and each cluster. Keys that exist are adopted."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.ops.people.keystore import (
    KEYRING_SHOWN,
    Store,
    default_key_file,
    refuse_key_file_in,
)
from fluxsecrets.ops.people.ownkeys import OwnKey
from fluxsecrets.ops.run.people import ConfigFile, find_person
from fluxsecrets.repo.clusterkeys import cluster_keys, key_name, names_cluster
from fluxsecrets.repo.git.config import read_setting
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import Recipient, RecipientKey, read_recipient, recipient_key

from .model import Holder
from .survey import Survey

_ADOPTED = ("x25519", "post-quantum", "plugin", "pgp")
"""Kinds of identities that are adopted even if nothing in the repository names them."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Those who hold a key.

    Attributes:
        person: who runs it.
        clusters: by environment; one whose key is unknown is missing.
        readers: others who were named, without clusters.
    """

    person: Holder
    clusters: Mapping[str, Holder]
    readers: tuple[Holder, ...]

    @property
    def all(self) -> tuple[Holder, ...]:
        """Everyone, the person first."""
        return (self.person, *self.readers, *self.clusters.values())


def find_holders(survey: Survey, needing: frozenset[str]) -> Holders:
    """Find out who holds which key; keys are made in memory only.

    Args:
        survey: the repository.
        needing: the environments that get rules, whose clusters must have a key.

    Raises:
        UsageError: a name is malformed or taken, nobody has the name that was given, the person has several
            identities, or new ones would be kept in the repository.
    """
    person = _person(survey)
    readers, clusters = tuple(_readers(survey)), dict[str, Holder]()
    accepted = {recipient_key(each.recipient) for each in readers} | _named_by_rules(survey)
    for environment in survey.environments:
        taken = {person.name, *(each.name for each in clusters.values())}
        found = _cluster(survey, environment.name, taken, make=environment.name in needing)
        if found is not None:
            clusters[environment.name] = replace(found, claimed=_is_claimed(found, needing, accepted))
    if any(each.made is not None for each in (person, *clusters.values())):
        refuse_key_file_in(survey.repository, survey.session, survey.request.keeping)
    known = {recipient_key(each.recipient) for each in clusters.values()}
    people = tuple(each for each in readers if recipient_key(each.recipient) not in known)
    return Holders(person, clusters, people)


def _is_claimed(cluster: Holder, needing: frozenset[str], accepted: set[RecipientKey]) -> bool:
    """Whether a cluster gets access to something new, with a key that anyone may have put there."""
    is_new = cluster.environment in needing and recipient_key(cluster.recipient) not in accepted
    return is_new and not cluster.place


def _named_by_rules(survey: Survey) -> set[RecipientKey]:
    return {
        recipient_key(recipient)
        for config in survey.people.configs
        for rule in config.config.rules
        for recipient in rule.recipients
    }


def own_candidates(survey: Survey) -> tuple[OwnKey, ...]:
    """Return the identities at hand that may be the person's; those that the repository names come alone.

    Of several, one that more rules name than any other comes alone, too: people also hold keys of clusters,
    and a PGP key beside their age key.
    """
    clusters = _known_clusters(survey)
    named = {key[1] for key in survey.people.recipients} | set(survey.public)
    found = [
        key
        for key in survey.keys.keys
        if key.recipient
        and key.recipient not in clusters
        and not _names_a_cluster(survey, survey.public.get(key.recipient, key.name or ""))
    ]
    known = [key for key in found if key.recipient in named]
    uses = [each.id for config in survey.people.configs for each in _recipients_of(config)]
    most = max((uses.count(key.recipient) for key in known), default=0)
    first = [key for key in known if most and uses.count(key.recipient) == most]
    if len(first) == 1:
        return tuple(first)
    return tuple(known or (key for key in found if key.kind in _ADOPTED))


def _recipients_of(config: ConfigFile) -> Iterator[Recipient]:
    for rule in config.config.rules:
        yield from rule.recipients


def candidates(survey: Survey) -> tuple[str, ...]:
    """Return the names of others whose public keys the repository has: neither own keys nor clusters'."""
    own = {key.recipient for key in survey.keys.keys}
    clusters = _known_clusters(survey)
    return tuple(
        sorted(
            name
            for recipient, name in survey.public.items()
            if recipient not in own and recipient not in clusters and not _names_a_cluster(survey, name)
        )
    )


def _names_a_cluster(survey: Survey, name: str) -> bool:
    return any(names_cluster(name, each.name) for each in survey.environments)


def _known_clusters(survey: Survey) -> set[str]:
    return {text for each in survey.settings.environments for text in each.cluster_recipients}


# The person.


def _person(survey: Survey) -> Holder:
    request = survey.request
    if request.identity is not None:
        recipient = find_person(survey.people, request.identity)
        key = next((key for key in survey.keys.keys if key.recipient == recipient.id), None)
        if key is None:
            raise UsageError(
                f"{request.identity!a} is not among your identities",
                hint="`fluxsecrets keys list` shows them; `fluxsecrets keys import FILE` adds one",
            )
        return _adopted(survey, key)
    found = own_candidates(survey)
    if len(found) > 1:
        raise UsageError(
            f"you have {len(found)} identities, and one of them must be yours here",
            details=[
                f"{key.recipient}   {key.name or key.kind}, in {', '.join(key.places)}" for key in found
            ],
            hint="name it with --identity KEY, and never that of another repository's cluster: there, "
            "`fluxsecrets keys list` says whose each is; `fluxsecrets keys generate` makes a new one",
        )
    return _adopted(survey, found[0]) if found else _made(survey, person_name(survey))


def _adopted(survey: Survey, key: OwnKey) -> Holder:
    recipient = next(
        (each for each in survey.people.recipients.values() if each.id == key.recipient),
        Recipient("pgp" if key.kind == "pgp" else "age", key.recipient),
    )
    name = survey.public.get(key.recipient)
    return Holder(name or person_name(survey), recipient, None, ", ".join(key.places))


def person_name(survey: Survey) -> str:
    """Return what to call the person: what was asked for, or as git or the system calls them.

    Raises:
        UsageError: it is malformed, or another key has that name.
    """
    given = survey.request.name
    name = given if given is not None else _usual_name(survey)
    if given is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", given):
        raise UsageError(
            f"{given!a} can't be the name of a file", hint="use letters, digits and hyphens, such as alice"
        )
    if _is_taken(survey, name):
        raise UsageError(
            f"{KEYS_FOLDER}/{name}{PUBLIC_KEY_SUFFIX} is there already, and none of your identities is it",
            hint=f"add yours with `fluxsecrets keys import FILE`, or name a new one, such as --name {name}-2",
        )
    return name


def _usual_name(survey: Survey) -> str:
    mail = (read_setting(survey.repository, "user.email") or "").partition("@")[0]
    words = read_setting(survey.repository, "user.name") or mail or survey.session.environ.get("USER", "")
    name = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lower()[:40]
    return name if name and not _names_a_cluster(survey, name) else "me"


def _is_taken(survey: Survey, name: str) -> bool:
    there = os.path.lexists(survey.tree.root / KEYS_FOLDER / f"{name}{PUBLIC_KEY_SUFFIX}")
    return there or name in survey.public.values()


def _made(survey: Survey, name: str, environment: str | None = None) -> Holder:
    from fluxsecrets.keys.generate import generate_identity

    identity = generate_identity(datetime.now(UTC))
    return Holder(name, Recipient("age", identity.recipient), environment, _place(survey), identity)


def _place(survey: Survey) -> str:
    request, session = survey.request, survey.session
    if request.store == Store.KEYRING:
        return KEYRING_SHOWN
    from fluxsecrets.keys.identities import home_folder, with_tilde

    path = session.cwd / (request.output or default_key_file(session))
    return with_tilde(path, home_folder(session.environ, sys.platform))


# Clusters, and other readers.


def has_key(survey: Survey, environment: str) -> bool:
    """Whether a key is known to be an environment's cluster's."""
    return bool(_keys_of(survey, environment))


def _keys_of(survey: Survey, environment: str) -> tuple[Recipient, ...]:
    readers = {recipient_key(each): each for each in survey.people.recipients.values()}
    for text in survey.public:
        each = read_recipient(text)
        if each is not None:
            readers.setdefault(recipient_key(each), each)
    return cluster_keys(environment, survey.settings, readers.values(), survey.public)


def _cluster(survey: Survey, environment: str, taken: Collection[str], *, make: bool) -> Holder | None:
    found = _keys_of(survey, environment)
    if len(found) == 1:
        own = next((key for key in survey.keys.keys if key.recipient == found[0].id), None)
        name = survey.public.get(found[0].id) or _cluster_name(survey, environment, taken)
        return Holder(name, found[0], environment, ", ".join(own.places) if own is not None else "")
    if found and make:
        raise UsageError(
            f"{len(found)} keys may be the key of {environment}'s cluster",
            details=[f"{survey.public.get(each.id, '')}   {short_recipient(each)}" for each in found],
            hint="name the right one under cluster_recipients in .fluxsecrets.yaml",
        )
    return _made(survey, _cluster_name(survey, environment, taken), environment) if make else None


def _cluster_name(survey: Survey, environment: str, taken: Collection[str]) -> str:
    """A name that no other key has, nor will have: those of `a b` and `a-b` would be alike."""
    name = key_name(environment)
    found, number = name, 1
    while _is_taken(survey, found) or found in taken:
        number += 1
        found = f"{name}-{number}"
    return found


def _readers(survey: Survey) -> Iterator[Holder]:
    for text in dict.fromkeys(survey.request.readers):
        recipient = find_person(survey.people, text)
        yield Holder(survey.public.get(recipient.id) or short_recipient(recipient), recipient)
