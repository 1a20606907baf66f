"""Who can read what: each recipient with the files of each environment that it opens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.people import keys_of_clusters
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import unknown_environment
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.naming import name_of
from fluxsecrets.sops.recipients import Recipient, RecipientKey, recipient_key

from .gather import gather

ELSEWHERE = "elsewhere"
"""The column of files that belong to no environment."""


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient, and what it opens.

    Attributes:
        files: by environment, the paths that it opens; with several key groups, together with others.
        by_data_key: those of them that are not for it any more, and whose data key it knows.
        doubtful: files that were for it once, where nothing tells whether it knows their data key.
        clusters: the environments whose cluster has this key; empty for people.
    """

    name: str
    kind: str
    recipient: str
    files: dict[str, tuple[str, ...]]
    by_data_key: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matrix:
    """Who can read what.

    Attributes:
        environments: the columns, by name; the last one is for files that belong to none, if there are any.
        plain: by environment, the files that are secrets and readable by everybody.
        people: the rows, those who open most first.
    """

    root: Path
    environments: tuple[str, ...]
    encrypted: dict[str, tuple[str, ...]]
    plain: dict[str, tuple[str, ...]]
    people: tuple[Person, ...]


def who_reads_what(session: Session, environment: str | None = None) -> Matrix:
    """Read the `sops` blocks of all encrypted files; no value is decrypted.

    Args:
        session: the run.
        environment: only its files; None means all.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, or there is no such environment.
        GitError: git failed.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    facts = gather(session, tree, with_keys=False, compare_keys=True)
    if environment is None:
        return matrix(facts)
    names = tuple(each.name for each in facts.environments)
    if environment not in names:
        raise unknown_environment(tree, environment, names)
    return _of_environment(matrix(facts), environment)


def _of_environment(found: Matrix, name: str) -> Matrix:
    """The column of an environment, and the rows of those who open a file in it."""
    own = {*found.encrypted[name]}
    people = (
        replace(
            each,
            files={name: each.files[name]},
            by_data_key=tuple(path for path in each.by_data_key if path in own),
            doubtful=tuple(path for path in each.doubtful if path in own),
        )
        for each in found.people
    )
    rows = sorted(
        (each for each in people if each.files[name] or each.doubtful),
        key=lambda each: (-len(each.files[name]), each.name),
    )
    return replace(
        found,
        environments=(name,),
        encrypted={name: found.encrypted[name]},
        plain={name: found.plain[name]},
        people=tuple(rows),
    )


def matrix(facts: Facts) -> Matrix:
    """The matrix of a repository's facts."""
    belongs = {item.path: item.environments for item in facts.secrets}
    for environment in facts.environments:
        for path in environment.outside | environment.placed:
            belongs[path] = tuple(sorted({*belongs.get(path, ()), environment.name}))
    people: dict[RecipientKey, Recipient] = {}
    opens: dict[RecipientKey, list[str]] = {}
    encrypted = [secret.path for secret, _ in facts.encrypted()]
    for secret, metadata in facts.encrypted():
        for recipient in (one for group in metadata.recipients for one in group):
            key = recipient_key(recipient)
            people.setdefault(key, recipient)
            opens.setdefault(key, []).append(secret.path)
    by_key: dict[RecipientKey, list[str]] = {}
    doubtful: dict[RecipientKey, list[str]] = {}
    for former in facts.former:
        key = recipient_key(former.recipient)
        if former.now is not False:
            people.setdefault(key, former.recipient)
            (by_key if former.now else doubtful).setdefault(key, []).append(former.path)
    plain = [secret.path for secret in facts.secrets if secret.metadata is None]
    names = [item.name for item in facts.environments]
    if any(not belongs.get(path) for path in (*encrypted, *plain)):
        names.append(ELSEWHERE)

    def by_environment(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        paths = tuple(dict.fromkeys(paths))
        return {
            name: tuple(path for path in paths if name in (belongs.get(path) or (ELSEWHERE,)))
            for name in names
        }

    clusters = keys_of_clusters(facts)
    rows = [
        Person(
            name_of(people[key], facts.names),
            key[0],
            people[key].id,
            by_environment((*opens.get(key, ()), *by_key.get(key, ()))),
            tuple(by_key.get(key, ())),
            tuple(doubtful.get(key, ())),
            tuple(name for name, keys in clusters.items() if key in keys),
        )
        for key in people
    ]
    rows.sort(key=lambda person: (-sum(map(len, person.files.values())), person.name))
    return Matrix(
        facts.tree.root, tuple(names), by_environment(encrypted), by_environment(plain), tuple(rows)
    )
