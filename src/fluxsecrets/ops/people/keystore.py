"""Where private keys are kept: in key files and in the OS keyring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import IdentityError, KeptError, UsageError
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.results import FileResult, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import Operation, end_interrupted, interrupted, write_files
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.sops.recipients import Recipient

if TYPE_CHECKING:
    from fluxsecrets.keys.age import AgeProvider
    from fluxsecrets.keys.keyfile import AgeIdentity
    from fluxsecrets.ops.run.journal import Ended, PendingOperation, Way

_FEW = 200
"""Files that git is asked for by name: it compares each with all that it lists."""

KEYRING_SHOWN = "the OS keyring"


class Store(StrEnum):
    """Where an identity is kept."""

    FILE = "file"
    KEYRING = "keyring"


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where to keep an identity, and what to call it.

    Attributes:
        name: writes the public key to `keys/NAME.pub` of the repository as well.
        output: the key file; None means SOPS_AGE_KEY_FILE, or else sops's own key file.
    """

    name: str | None = None
    store: Store = Store.FILE
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An identity that was put where it belongs; its private half is there only.

    Attributes:
        place: where the private key was added, as shown to the user.
        public_file: where the public key was written, if it got a name.
        added: whether it is new there.
        name: the name that it got, or None.
    """

    recipient: str
    place: str
    public_file: str | None
    warnings: tuple[str, ...] = ()
    added: bool = True
    name: str | None = None


def asker(session: Session) -> Callable[[str], str]:
    """What asks the user for a passphrase; it raises where there is nobody to ask."""
    if session.ask is not None:
        return session.ask

    def nobody(question: str) -> str:
        raise IdentityError(f"cannot ask for the {question}", hint="run the command at a terminal")

    return nobody


def age_provider(session: Session) -> AgeProvider:
    """The age identities of this user, without those of key services."""
    from fluxsecrets.keys.age import AgeProvider

    provider = session.own_providers["age"]
    assert isinstance(provider, AgeProvider)  # noqa: S101 - the table of providers says so
    return provider


def default_key_file(session: Session) -> Path:
    """The key file of this user: what SOPS_AGE_KEY_FILE names, or else sops's own.

    Raises:
        IdentityError: the environment does not tell where that is.
    """
    from fluxsecrets.keys.generate import default_key_file as of_sops
    from fluxsecrets.keys.identities import home_folder

    named = session.environ.get("SOPS_AGE_KEY_FILE")
    if named:
        return session.cwd / named
    return of_sops(session.environ, sys.platform, home_folder(session.environ, sys.platform))


def keyring_list(session: Session) -> Path | None:
    """The list of what is in the OS keyring; None where the environment names no place for it."""
    from fluxsecrets.keys.identities import KEYRING_LIST, config_folder, home_folder

    home = home_folder(session.environ, sys.platform)
    config = config_folder(session.environ, sys.platform, home)
    return None if config is None else config / KEYRING_LIST


def keep_identity(
    session: Session, identity: AgeIdentity, keeping: Keeping, public_path: Path | None = None
) -> NewKey:
    """Put an identity that was made already where it belongs; see `new_key`.

    Its name is written where `public_path` says so.
    """
    note_key(Recipient("age", identity.recipient))
    private: Path | None = None
    if keeping.store is Store.KEYRING:
        place, added = KEYRING_SHOWN, _into_keyring(session, identity, keeping)
    else:
        from fluxsecrets.keys.generate import append_identity

        private = session.cwd / (keeping.output or default_key_file(session))
        place, added = shown(session, private), append_identity(private, identity)
    if public_path is not None and not public_path.exists():
        public_path.parent.mkdir(exist_ok=True)
        write_new(public_path, f"{identity.recipient}\n".encode(), 0o644)
    return NewKey(
        identity.recipient,
        place,
        shown(session, public_path) if public_path is not None else None,
        tuple(_git_warnings(session, private, public_path)),
        added,
        keeping.name,
    )


def _into_keyring(session: Session, identity: AgeIdentity, keeping: Keeping) -> bool:
    from fluxsecrets.keys.oskeyring import store

    if keeping.output is not None:
        raise UsageError(
            "an identity is stored in the keyring or in a file, not in both", hint="leave out one of them"
        )
    path = keyring_list(session)
    if path is None:
        raise IdentityError(
            "the place of the list of identities in the keyring is unknown",
            hint="set APPDATA" if sys.platform == "win32" else "set HOME",
        )
    repository = find_repository(session.cwd)
    known = read_public_keys(repository.root) if repository is not None else {}
    return store(path, identity, keeping.name or known.get(identity.recipient), notify=session.notify)


def shown(session: Session, path: Path) -> str:
    """A path as the user would name it: relative below the working directory, absolute elsewhere."""
    return session.shown(path) if path.is_relative_to(session.cwd) else str(path)


def _git_warnings(session: Session, private: Path | None, public: Path | None) -> Iterator[str]:
    if private is not None and would_be_committed(private):
        yield (
            f"{shown(session, private)} is in the repository and not ignored by git: "
            "move it elsewhere before you commit"
        )
    if public is not None and not would_be_committed(public):
        yield f"{shown(session, public)} is ignored by git: commit it with `git add --force`"


def would_be_committed(path: Path) -> bool:
    """Whether git tracks a file, or would."""
    return path in those_committed([path])


def those_committed(paths: Iterable[Path]) -> frozenset[Path]:
    """Those of some files that git tracks, or would; it is asked once for each of their repositories."""
    repositories: dict[Path, Repository | None] = {}
    names: dict[Repository, dict[Path, str]] = {}
    for path in paths:
        real = path.resolve()
        if real.parent not in repositories:
            repositories[real.parent] = find_repository(real)
        repository = repositories[real.parent]
        if repository is not None:
            name = real.relative_to(repository.root.resolve()).as_posix()
            names.setdefault(repository, {})[path] = name
    found: set[Path] = set()
    for repository, named in names.items():
        wanted = sorted(set(named.values()))
        listed = frozenset(repository.files(wanted if len(wanted) <= _FEW else ()))
        found.update(path for path, name in named.items() if name in listed)
    return frozenset(found)


def refuse_key_file_in(repository: Repository, session: Session, keeping: Keeping) -> None:
    """Refuse to keep identities in a repository's own folders, whether git ignores the file or not.

    Raises:
        UsageError: the key file would be in its work tree or in git's folder.
        IdentityError: see `default_key_file`.
    """
    if keeping.store is Store.KEYRING:
        return
    path = session.cwd / (keeping.output or default_key_file(session))
    real = path.resolve()
    folders = (repository.root, repository.git_dir, repository.common_dir)
    if any(real.is_relative_to(folder.resolve()) for folder in folders):
        raise UsageError(
            f"{shown(session, path)} is in this repository, where private keys must not be",
            hint="name a key file elsewhere with --output, such as `--output ~/.config/sops/age/keys.txt`",
        )


def write_with_identity(
    session: Session,
    prepared: Sequence[Prepared],
    operation: Operation,
    identity: AgeIdentity,
    keeping: Keeping,
) -> tuple[tuple[FileResult, ...], NewKey]:
    """Make changes that need a new identity; see `write_with_identities`."""
    results, kept = write_with_identities(session, prepared, operation, (identity,), keeping)
    return results, kept[0]


def write_with_identities(
    session: Session,
    prepared: Sequence[Prepared],
    operation: Operation,
    identities: Sequence[AgeIdentity],
    keeping: Keeping,
) -> tuple[tuple[FileResult, ...], tuple[NewKey, ...]]:
    """Make changes that need new identities, and keep these, or do neither.

    The journal names the identities before they are kept: whatever interrupts that, `end_with_identity` takes
    back both, and no identity is left that nothing names.

    Raises:
        IdentityError: one cannot be kept there; nothing was written.
        FluxsecretsError: see `write_files`; the identities are gone again, too.
    """
    kept: list[NewKey] = []
    details = {
        "identity": " ".join(each.recipient for each in identities),
        "store": str(keeping.store),
        "output": str(session.cwd / keeping.output) if keeping.output is not None else "",
    }

    def keep_all() -> None:
        # One by one: those that were kept before an error are dropped below.
        kept.extend(keep_identity(session, each, keeping) for each in identities)

    try:
        results = write_files(
            session,
            prepared,
            replace(operation, details={**operation.details, **details}, first=keep_all),
        )
    except KeptError:  # a file that somebody changed may be encrypted for it alone
        raise
    except BaseException:
        if kept and interrupted(session) is None:
            _drop_all(session, [each.recipient for each in kept if each.added], keeping)
        raise
    return tuple(results), tuple(kept)


def end_with_identity(session: Session, way: Way, name: str | None = None) -> Ended:
    """End what was interrupted: complete it, or take it back together with the identity that it made.

    The identity stays where a file could be encrypted for it alone.

    Args:
        session: the run.
        way: the way to end it.
        name: the command that it has to be; None for any.

    Raises:
        UsageError: nothing was interrupted, it was another command, its identity was not kept yet, or another
            process works on it.
        FileAccessError: a file cannot be written, or the journal cannot be followed.
    """
    found = interrupted(session)
    ours = found is not None and name in (None, found.name)
    if way == "resume" and found is not None and ours and identity_is_missing(session, found):
        raise UsageError(
            "it was interrupted before the new identity was kept: the files would be encrypted for nobody",
            hint=f"take it back with `fluxsecrets {found.name} --abort`, and begin again",
        )
    done = end_interrupted(session, way, name)
    recipients, keeping = _made_by(done.operation)
    if not recipients or way != "abort":
        return done
    if done.kept:
        notes = (
            f"the new identity {recipient} stays, because the files that somebody changed may need it; "
            f"`fluxsecrets keys remove {recipient}` deletes it"
            for recipient in recipients
        )
        return replace(done, notes=(*done.notes, *notes))
    _drop_all(session, recipients, keeping)
    return done


def _drop_all(session: Session, recipients: Sequence[str], keeping: Keeping) -> None:
    for recipient in recipients:
        drop_identity(session, recipient, keeping)


def identity_is_missing(session: Session, operation: PendingOperation) -> bool:
    """Whether an operation was interrupted before all identities that it made were kept.

    Raises:
        FileAccessError, IdentityError: the place cannot be read.
    """
    recipients, keeping = _made_by(operation)
    return not all(holds_identity(session, recipient, keeping) for recipient in recipients)


def _made_by(operation: PendingOperation) -> tuple[tuple[str, ...], Keeping]:
    """The recipients of the identities that an operation made, and where they are kept."""
    details = {name: str(value) for name, value in operation.details.items()}
    output = details.get("output", "")
    keeping = Keeping(None, Store(details.get("store", Store.FILE)), Path(output) if output else None)
    return tuple(details.get("identity", "").split()), keeping


def drop_identity(session: Session, recipient: str, keeping: Keeping) -> None:
    """Remove an identity from where `keep_identity` put it.

    Raises:
        FileAccessError, IdentityError: it could not be removed.
    """
    if keeping.store is Store.KEYRING:
        from fluxsecrets.keys.oskeyring import remove

        listed = keyring_list(session)
        if listed is not None:
            remove(listed, recipient, notify=session.notify)
        return
    from fluxsecrets.keys.generate import remove_identity

    remove_identity(session.cwd / (keeping.output or default_key_file(session)), recipient)


def holds_identity(session: Session, recipient: str, keeping: Keeping) -> bool:
    """Whether an identity is where `keep_identity` puts it.

    Raises:
        FileAccessError, IdentityError: the place cannot be read.
    """
    if keeping.store is Store.KEYRING:
        from fluxsecrets.keys.oskeyring import read_list

        listed = keyring_list(session)
        return listed is not None and any(one.recipient == recipient for one in read_list(listed))
    from fluxsecrets.keys.generate import has_identity

    return has_identity(session.cwd / (keeping.output or default_key_file(session)), recipient)
