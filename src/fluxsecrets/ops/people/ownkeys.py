"""The identities of this user, and what is wrong with key files and `keys/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.run.people import names_at
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository
from fluxsecrets.sops.recipients import Recipient

from .keystore import age_provider, those_committed

if TYPE_CHECKING:
    from fluxsecrets.keys.identities import ExposedFile, Lookup

_PRIVATE = re.compile(rb"AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9+._-]+-1|PRIVATE KEY(?: BLOCK)?-----")
_MAX_KEY = 2**20
_LINE = re.compile(r", line \d+$")


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One identity, however often it is there.

    Attributes:
        recipient: the public key; empty if a plugin's identity does not reveal it.
        name: from `keys/NAME.pub`, or from the keyring; or None.
        kind: such as `x25519`.
        places: where it is.
        locked: it needs a passphrase.
        files: how many encrypted files it opens, by environment; `""` stands for those in none.
    """

    recipient: str
    name: str | None
    kind: str
    places: tuple[str, ...]
    locked: bool = False
    files: Mapping[str, int] = field(default_factory=dict)

    @property
    def public(self) -> Recipient | None:
        """The public key, if it is known."""
        if not self.recipient:
            return None
        return Recipient("pgp" if self.kind == "pgp" else "age", self.recipient)


@dataclass(frozen=True, slots=True)
class KeyList:
    """All identities.

    Attributes:
        keys: in the order of the places.
        places: where identities were looked for, one line each.
        warnings: what is wrong with key files and with `keys/`, one sentence each.
        exposed: key files that others can read; they are among the warnings, too.
        errors: encrypted files that could not be read.
        untold: what may have identities that are not among the keys, one sentence each.
    """

    keys: tuple[OwnKey, ...]
    places: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    exposed: tuple[ExposedFile, ...] = ()
    errors: tuple[FluxsecretsError, ...] = ()
    untold: tuple[str, ...] = ()


def list_keys(session: Session, usage: KeyUsage | None = None) -> KeyList:
    """The identities of this user. Asks for no passphrase, runs no command, and opens no keyring.

    Args:
        session: the run.
        usage: the repository's encrypted files, if they are known already.

    Raises:
        ConfigError: the repository's settings are invalid.
        GitError: git failed.
    """
    provider = age_provider(session)
    found = provider.lookup()
    usage = read_usage(session) if usage is None else usage
    names = names_at(session, usage.root)
    merged: dict[str, OwnKey] = {}

    def add(recipient: str, kind: str, place: str, *, name: str | None = None, locked: bool = False) -> None:
        known = merged.get(recipient)
        if known is None or not recipient:
            files = usage.files_for(Recipient("age", recipient)) if recipient else {}
            key = OwnKey(recipient, names.get(recipient) or name, kind, (place,), locked, files)
            merged[recipient or f"{place} {len(merged)}"] = key
        elif place not in known.places:
            both = (*known.places, place)
            merged[recipient] = OwnKey(
                known.recipient, known.name or name, known.kind, both, known.locked and locked, known.files
            )

    for identity in found.identities:
        add(identity.recipient, identity.kind, _LINE.sub("", identity.origin))
    for locked in found.locked:
        if locked.public is not None:
            add(str(locked.public), "ssh", locked.name, locked=True)
    for stored in found.stored:
        add(stored.recipient, stored.kind, "OS keyring", name=stored.name)
    return KeyList(
        (*merged.values(), *_pgp_keys(session, usage, names)),
        tuple(str(place) for place in found.places if place.note != "missing" or not place.ssh_default),
        (*found.warnings, *(str(problem) for problem in found.problems), *check_folder(session)),
        found.exposed,
        usage.errors,
        tuple(_untold(found)),
    )


def _untold(found: Lookup) -> Iterator[str]:
    for locked in found.locked:
        if locked.public is None:
            yield f"{locked.name} is protected by a passphrase"
    for command in found.commands:
        yield f"{command.name} is a command that runs when a file needs it"


def _pgp_keys(session: Session, usage: KeyUsage, names: Mapping[str, str]) -> Iterator[OwnKey]:
    """The recipients of the repository's files that gpg has a private key for."""
    wanted = {
        each.id: each for file in usage.files for group in file.groups for each in group if each.kind == "pgp"
    }
    if not wanted:
        return
    provider = session.own_providers["pgp"]
    for fingerprint, recipient in wanted.items():
        if provider.owns(recipient):
            yield OwnKey(
                fingerprint,
                names.get(fingerprint),
                "pgp",
                ("GnuPG's keyring",),
                files=usage.files_for(recipient),
            )


def check_folder(session: Session) -> tuple[str, ...]:
    """What is wrong with `keys/`: public keys that git ignores, and private keys."""
    repository = find_repository(session.cwd)
    if repository is None or not (repository.root / KEYS_FOLDER).is_dir():
        return ()
    folder = repository.root / KEYS_FOLDER
    problems: list[str] = []
    private: dict[Path, bool] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = read_file(path, limit=_MAX_KEY).data
        except FluxsecretsError:
            continue
        is_private = _PRIVATE.search(data) is not None
        if is_private or path.suffix == PUBLIC_KEY_SUFFIX:
            private[path] = is_private
    shared = those_committed(private)
    for path, is_private in private.items():
        shown = session.shown(path)
        if is_private:
            committed = "; it is not ignored by git" if path in shared else ", though git ignores it"
            problems.append(
                f"{shown} holds a private key{committed}: move it elsewhere, "
                "and if it was ever committed, replace it"
            )
        elif path not in shared:
            problems.append(
                f"{shown} is ignored by git, so others do not see the name: commit it with `git add --force`"
            )
    return tuple(problems)
