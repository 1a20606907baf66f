"""The identities of this user: make, import, list, export and remove them, and name their public halves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import FileAccessError, FluxsecretsError, IdentityError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import KEYS_FOLDER, PUBLIC_KEY_SUFFIX
from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.run.names import read_public_file
from fluxsecrets.ops.run.people import names_at
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from .keystore import (
    KEYRING_SHOWN,
    Keeping,
    NewKey,
    Store,
    age_provider,
    asker,
    default_key_file,
    drop_identity,
    keep_identity,
    shown,
    those_committed,
)

if TYPE_CHECKING:
    from fluxsecrets.keys.identities import ExposedFile, Lookup
    from fluxsecrets.keys.keyfile import AgeIdentity

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PRIVATE = re.compile(rb"AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9+._-]+-1|PRIVATE KEY(?: BLOCK)?-----")
_MAX_KEY = 2**20

_LINE = re.compile(r", line \d+$")

SHORT_PASSPHRASE = 12
"""Characters below which a passphrase is warned of: a lost file can be tried forever."""


# Make and import.


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


# List.


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


def find_recipient(session: Session, text: str) -> str:
    """The public key that the user means: itself, or the name of one.

    `text` is a recipient, the NAME of `keys/NAME.pub` or of an anchor in the top `.sops.yaml`, or the name of
    an identity in the keyring.

    Raises:
        UsageError: no key, or several keys, have that name.
    """
    if text.startswith(("age1", "ssh-")):
        return text.strip()
    repository = find_repository(session.cwd)
    root = repository.root if repository is not None else session.cwd
    stored = age_provider(session).lookup().stored
    named = [*names_at(session, root).items(), *((one.recipient, one.name) for one in stored if one.name)]
    found = list(dict.fromkeys(recipient for recipient, name in named if name == text))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{text!a} names {len(found)} public keys", hint="give the public key itself: age1…")
    near = get_close_matches(text, [name for _, name in named], n=1)
    raise UsageError(
        f"there is no key {text!a}",
        hint=f"did you mean {near[0]}?"
        if near
        else "give a public key, or the NAME of a keys/NAME.pub; `fluxsecrets keys list` shows yours",
    )


# Export and remove.


@dataclass(frozen=True, slots=True)
class ExportedKey:
    """An identity as a key file, encrypted with a passphrase unless plain text was requested."""

    recipient: str
    data: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def export_key(session: Session, text: str, *, plain: bool, work_factor: int | None = None) -> ExportedKey:
    """An identity as a key file that age reads.

    `plain` leaves out the passphrase. A work factor of None means age's own.

    Raises:
        UsageError: there is no key of that name.
        IdentityError: the identity is missing, is an SSH key, or nobody can be asked for a passphrase.
    """
    recipient = find_recipient(session, text)
    note_key(Recipient("age", recipient))
    identity = age_provider(session).identity_of(recipient)
    if identity.kind == "ssh":
        raise IdentityError("an SSH key is a file already", hint=f"copy it: {identity.origin}")
    from fluxsecrets.keys.generate import identity_text

    data = identity_text(identity).encode("ascii")
    if plain:
        return ExportedKey(recipient, data)
    from fluxsecrets.keys.lockedfile import WORK_FACTOR, lock_file

    passphrase = _new_passphrase(session)
    short = len(passphrase) < SHORT_PASSPHRASE
    warnings = (
        f"the passphrase has fewer than {SHORT_PASSPHRASE} characters: anyone who has the file can guess it",
    )
    return ExportedKey(
        recipient,
        lock_file(data, passphrase, work_factor=work_factor or WORK_FACTOR),
        warnings if short else (),
    )


def _new_passphrase(session: Session) -> str:
    ask = asker(session)
    try:
        passphrase = ask("new passphrase for the exported identity")
    except IdentityError as error:
        error.hint = "run it at a terminal, or add --plain and protect the copy in another way"
        raise
    if not passphrase:
        raise IdentityError(
            "no passphrase was given", hint="give one, or export it in plain text with --plain"
        )
    if ask("the same passphrase again") != passphrase:
        raise IdentityError("the two passphrases differ", hint="run the command again")
    return passphrase


@dataclass(frozen=True, slots=True)
class KeyRemoval:
    """What removing an identity would do; nothing has been done.

    Attributes:
        name: of the key, or None.
        key_files: the key files to remove it from, as absolute paths.
        places: the same and the keyring, as shown to the user.
        keyring: it would be removed from the OS keyring.
        stays: places that it cannot be removed from, one sentence each.
        lost: files of this repository that nobody could open then.
        unreadable: how many files you could no longer open, but others could.
    """

    recipient: str
    name: str | None
    key_files: tuple[Path, ...]
    places: tuple[str, ...]
    keyring: bool
    stays: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unreadable: int = 0


def plan_key_removal(session: Session, text: str) -> KeyRemoval:
    """What removing an identity would do.

    Raises:
        UsageError: there is no key of that name, or it is in no place that it could be removed from.
        IdentityError: a key file is damaged.
    """
    recipient = find_recipient(session, text)
    provider = age_provider(session)
    found = provider.lookup()
    usage = read_usage(session)
    name = names_at(session, usage.root).get(recipient)
    key_files = tuple(path for path in _key_files(session) if _holds(path, recipient))
    keyring = any(stored.recipient == recipient for stored in found.stored)
    names = {shown(session, path) for path in key_files} | {str(path) for path in key_files}
    others = [
        identity.origin
        for identity in found.identities
        if identity.recipient == recipient and not any(place in identity.origin for place in names)
    ]
    others = [place for place in others if not _is_default(session, place, key_files)]
    if not key_files and not keyring:
        where = f"it is in {', '.join(others)}" if others else "you do not have this identity"
        raise UsageError(
            f"there is nothing to remove: {where}",
            hint="remove it there yourself" if others else "`fluxsecrets keys list` shows what you have",
        )
    whom = Recipient("age", recipient)
    lost = usage.only_for(whom)
    return KeyRemoval(
        recipient,
        name,
        key_files,
        (*(shown(session, path) for path in key_files), *([KEYRING_SHOWN] if keyring else [])),
        keyring,
        tuple(f"it stays in {place}: remove it there yourself" for place in others),
        lost,
        _yours_alone(usage, whom, provider) - len(lost),
    )


def _key_files(session: Session) -> tuple[Path, ...]:
    """The key files that identities are added to: the named one, and sops's own."""
    paths = [default_key_file(session)]
    if session.environ.get("SOPS_AGE_KEY_FILE"):
        unnamed = {key: value for key, value in session.environ.items() if key != "SOPS_AGE_KEY_FILE"}
        paths.append(default_key_file(Session(unnamed, session.cwd)))
    return tuple(dict.fromkeys(paths))


def _holds(path: Path, recipient: str) -> bool:
    from fluxsecrets.keys.identities import read_key_file
    from fluxsecrets.keys.keyfile import parse_keys

    try:
        data = read_key_file(path).data
    except (OSError, ValueError):
        return False
    found = parse_keys(data, origin=str(path), path=str(path))
    return any(identity.recipient == recipient for identity in found.identities)


def _is_default(session: Session, origin: str, key_files: tuple[Path, ...]) -> bool:
    """Whether an origin, which may begin with `~`, is one of the key files."""
    place = origin.partition(", line")[0]
    home = session.environ.get("HOME") or session.environ.get("USERPROFILE") or ""
    return place.startswith("~/") and Path(home, place[2:]) in key_files


def _yours_alone(usage: KeyUsage, recipient: Recipient, provider: KeyProvider) -> int:
    """How many files you could no longer open, others or not."""
    count = 0
    for file in usage.files:
        left = [
            group
            for group in file.groups
            if any(
                each.kind == recipient.kind and each.id.strip() != recipient.id and provider.owns(each)
                for each in group
            )
        ]
        count += file.is_for(recipient) and len(left) < file.needed
    return count


def remove_key(session: Session, removal: KeyRemoval) -> None:
    """Remove an identity from the places of a plan.

    Raises:
        FileAccessError, IdentityError: a place could not be changed; those before it in the plan were.
    """
    from fluxsecrets.keys.generate import remove_identity

    note_key(Recipient("age", removal.recipient))
    for path in removal.key_files:
        remove_identity(path, removal.recipient)
    if removal.keyring:
        drop_identity(session, removal.recipient, Keeping(store=Store.KEYRING))
