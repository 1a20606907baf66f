"""Which values of a repository those still know whose keys were taken out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from fluxsecrets.audit.model import KnownValues, Secret
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.ops.files.content import open_parsed, parse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.keyhistory import FormerReader, RemovedKey
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.values import looks_random
from fluxsecrets.sops.document import Document, Leaf, Mapping, Path, leaves_of, show_path
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.values import Value

from .leavers import read_leaving

_MOST = 20
"""Removed keys that are looked at, the last ones."""


def known_values(
    session: Session,
    repository: Repository,
    removed: Sequence[RemovedKey],
    secrets: Iterable[Secret],
    former: Iterable[FormerReader] = (),
) -> Iterator[KnownValues]:
    """The values that are as they were when somebody could read them last.

    That is before their key was taken out, or later, as long as the file kept a data key that they know.

    Without an identity that opens a file as it was then, a value counts whose ciphertext is still the same.

    Raises:
        GitError: the history cannot be read.
    """
    encrypted = {secret.path: secret for secret in secrets if secret.metadata is not None}
    until = {(each.path, each.recipient.id): f"{each.until.id}:{each.under}" for each in former}
    names: dict[str, list[tuple[RemovedKey, Secret]]] = {}
    for key in removed[:_MOST]:
        for path, secret in encrypted.items():
            version = until.get((path, key.recipient)) or f"{key.commit}^:{path}"
            if "\n" not in version:
                names.setdefault(version, []).append((key, secret))
    looked_at = (
        (key, secret, data) for name, _, data in repository.read_objects(names) for key, secret in names[name]
    )
    for key, secret, data in looked_at:
        known = (secret.path, key.recipient) in until
        if data is None or not (known or key.recipient.encode() in data):
            continue
        with suppress(FluxsecretsError):
            format_ = make_format(secret.file.format)
            then = parse(format_, data, session.limits)
            decided = _decided(repository, key)
            places = tuple(
                (path, line)
                for path, line in _unchanged(secret, then, _opened(session, secret, then))
                if not {secret.path, f"{secret.path}#{show_path(path)}"} & decided
            )
            if places:
                yield KnownValues(secret.path, key, places)


def _decided(repository: Repository, key: RemovedKey) -> frozenset[str]:
    """The values of which `recipients report` was told that they are done, or may stay."""
    try:
        leaving = read_leaving(repository.root, key.name) if key.name else None
    except FluxsecretsError:
        return frozenset()
    return frozenset(leaving.decided) if leaving is not None else frozenset()


def _opened(session: Session, secret: Secret, then: Document) -> tuple[Mapping, ...] | None:
    if secret.opened is None:
        return None
    try:
        return open_parsed(make_format(secret.file.format), then, session.providers).parts
    except FluxsecretsError:
        return None


def _unchanged(
    secret: Secret, then: Document, opened: tuple[Mapping, ...] | None
) -> Iterator[tuple[Path, int]]:
    now = secret.document
    before = {leaf.path: leaf.value for leaf in then.leaves}
    plain_before = _values(opened or ())
    plain_now = _values(secret.opened or ()) if opened is not None else {}
    for leaf in now.leaves if now is not None else ():
        if not is_ciphertext(leaf.value):
            continue
        value = plain_now.get(leaf.path)
        same = before.get(leaf.path) == leaf.value or (
            value is not None and plain_before.get(leaf.path) == value
        )
        if same and _matters(leaf, value, whole=make_format(secret.file.format).single_value):
            yield leaf.path, leaf.line


def _values(parts: Iterable[Mapping]) -> dict[Path, Value]:
    return {leaf.path: leaf.value for part in parts for leaf in leaves_of(part)}


def _matters(leaf: Leaf, value: Value, *, whole: bool) -> bool:
    """Whether it is a secret that has to be changed, and not a user's name or a host."""
    key = next((step for step in reversed(leaf.path) if isinstance(step, str)), "")
    return whole or telling(key) is not Telling.NOTHING or (isinstance(value, str) and looks_random(value))
