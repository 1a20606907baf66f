"""Identities that this user gets: made here, or imported from a key file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import FileAccessError, IdentityError, UsageError
from fluxsecrets.marks import KEYS_FOLDER
from fluxsecrets.ops.run.names import read_public_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository

from .keystore import Keeping, NewKey, asker, keep_identity

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file to import; its path is absolute, or None for standard input."""

    shown: str
    data: bytes = field(repr=False)
    path: Path | None = None


def new_key(session: Session, keeping: Keeping, *, post_quantum: bool = False) -> NewKey:
    """Make an identity and keep it.

    Raises:
        UsageError: the name can't be a file's, or there is no repository for it.
        FileAccessError: a file could not be written, or the name is taken.
        IdentityError: the key file is not one, or the keyring cannot be used.
    """
    public_path = _public_path(session, keeping.name)
    if public_path is not None and public_path.exists():
        raise _taken(session, public_path)
    from fluxsecrets.keys.generate import generate_identity

    identity = generate_identity(datetime.now(UTC), post_quantum=post_quantum)
    return keep_identity(session, identity, keeping, public_path)


def import_keys(session: Session, file: KeyFile, keeping: Keeping) -> tuple[NewKey, ...]:
    """Keep the identities of a key file, which may be protected with a passphrase.

    Raises:
        IdentityError: it is not an age key file, a line is malformed, the passphrase is wrong, or the
            keyring cannot be used. Nothing is kept unless all of the file is valid.
        UsageError: a name for several identities, or one that can't be a file's.
        FileAccessError: a file could not be written, or the name is taken.
    """
    identities = _read_identities(session, file)
    if keeping.name is not None and len(identities) > 1:
        raise UsageError(
            f"{file.shown} holds {len(identities)} identities, but one name was given",
            hint="leave out --name, or import them one by one",
        )
    public_path = _public_path(session, keeping.name)
    taken = public_path is not None and public_path.exists()
    if public_path is not None and taken and identities[0].recipient not in read_public_file(public_path):
        raise _taken(session, public_path)
    return tuple(keep_identity(session, identity, keeping, public_path) for identity in identities)


def _read_identities(session: Session, file: KeyFile) -> tuple[AgeIdentity, ...]:
    from fluxsecrets.keys.agekeys import unlock_keys
    from fluxsecrets.keys.identities import age_keys

    _refuse_other_kinds(file)
    found = age_keys(file.data, name=file.shown, origin=file.shown, path=file.shown)
    if found.locked is not None:
        found = unlock_keys(found.locked, asker(session))
    if found.problems:
        raise found.problems[0]
    if not found.identities:
        raise IdentityError(
            "the file contains no identity",
            hint="age identities start with AGE-SECRET-KEY-1",
            path=file.shown,
        )
    unique = {identity.secret: identity for identity in found.identities}
    return tuple(unique.values())


def _refuse_other_kinds(file: KeyFile) -> None:
    start = file.data.lstrip()[:64]
    if start.startswith(b"-----BEGIN PGP"):
        raise IdentityError(
            "PGP keys belong in GnuPG's keyring", hint="run `gpg --import` with it", path=file.shown
        )
    if b"PRIVATE KEY-----" in start:
        raise IdentityError(
            "SSH keys stay where ssh keeps them",
            hint="~/.ssh/id_ed25519 and ~/.ssh/id_rsa are looked in; "
            "SOPS_AGE_SSH_PRIVATE_KEY_FILE names another",
            path=file.shown,
        )


def _public_path(session: Session, name: str | None) -> Path | None:
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!a} is not a valid name for a key",
            hint="use letters, digits, dots, dashes and underscores, such as alice",
        )
    repository = find_repository(session.cwd)
    if repository is None:
        raise UsageError(
            "names of keys are kept in a repository, and this is not one",
            hint="leave out the name, or run it inside the repository",
        )
    return repository.root / KEYS_FOLDER / f"{name}.pub"


def _taken(session: Session, path: Path) -> FileAccessError:
    return FileAccessError("this name is taken", path=session.shown(path), hint="choose another name")
