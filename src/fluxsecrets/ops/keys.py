"""Make an age identity, and give its public half a name in the repository."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files import write_new
from fluxsecrets.ops.names import KEYS_FOLDER
from fluxsecrets.ops.session import Session
from fluxsecrets.repo.git import find_repository

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new identity; its private half is in the key file only.

    Attributes:
        recipient: the public key.
        key_file: where the private key was added, as shown to the user.
        public_file: where the public key was written, if it got a name.
        warnings: what the user should know, one sentence each.
    """

    recipient: str
    key_file: str
    public_file: str | None
    warnings: tuple[str, ...] = ()


def new_key(session: Session, name: str | None, output: Path | None) -> NewKey:
    """Make an identity and add it to a key file.

    Args:
        session: the run.
        name: writes the public key to `keys/NAME.pub` of the repository as well.
        output: the key file; None means SOPS_AGE_KEY_FILE, or else sops's own key file.

    Raises:
        UsageError: the name can't be a file's, or there is no repository for it.
        FileAccessError: a file could not be written, or the name is taken.
        IdentityError: the key file is not one.
    """
    public_path = _public_path(session, name)
    from fluxsecrets.keys.generate import append_identity, default_key_file, generate_identity
    from fluxsecrets.keys.identities import home_folder

    given = output or (
        Path(session.environ["SOPS_AGE_KEY_FILE"]) if session.environ.get("SOPS_AGE_KEY_FILE") else None
    )
    path = given or default_key_file(
        session.environ, sys.platform, home_folder(session.environ, sys.platform)
    )
    identity = generate_identity(datetime.now(UTC))
    append_identity(session.cwd / path, identity)
    if public_path is not None:
        public_path.parent.mkdir(exist_ok=True)
        write_new(public_path, f"{identity.recipient}\n".encode(), 0o644)
    return NewKey(
        identity.recipient,
        _shown(session, session.cwd / path),
        _shown(session, public_path) if public_path is not None else None,
        tuple(_git_warnings(session, session.cwd / path, public_path)),
    )


def _shown(session: Session, path: Path) -> str:
    return session.shown(path) if path.is_relative_to(session.cwd) else str(path)


def _git_warnings(session: Session, private: Path, public: Path | None) -> Iterator[str]:
    if _would_be_committed(private):
        yield (
            f"{_shown(session, private)} is in the repository and not ignored by git: "
            "move it elsewhere before you commit"
        )
    if public is not None and not _would_be_committed(public):
        yield f"{_shown(session, public)} is ignored by git: commit it with `git add --force`"


def _would_be_committed(path: Path) -> bool:
    """Whether git tracks a file, or would."""
    real = path.resolve()
    repository = find_repository(real)
    if repository is None:
        return False
    name = real.relative_to(repository.root.resolve()).as_posix()
    return name in repository.files((name,))


def _public_path(session: Session, name: str | None) -> Path | None:
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!a} cannot name a key",
            hint="use letters, digits, dots, dashes and underscores, such as alice",
        )
    repository = find_repository(session.cwd)
    if repository is None:
        raise UsageError(
            "names of keys are kept in a repository, and this is not one",
            hint="leave out the name, or run it inside the repository",
        )
    path = repository.root / KEYS_FOLDER / f"{name}.pub"
    if path.exists():
        raise FileAccessError("this name is taken", path=session.shown(path), hint="choose another name")
    return path
