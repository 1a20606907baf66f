"""Take identities out of their places: as text that can be kept elsewhere, or for good."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.errors import IdentityError, UsageError
from fluxsecrets.ops.files.keyusage import KeyUsage, read_usage
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.metadata import Recipient

from .keylist import find_recipient
from .keys import KEYRING_SHOWN, age_provider, asker, default_key_file, keyring_list, shown

SHORT_PASSPHRASE = 12
"""Characters below which a passphrase is warned of: a lost file can be tried forever."""


@dataclass(frozen=True, slots=True)
class ExportedKey:
    """An identity as text.

    Attributes:
        recipient: the public key.
        data: a key file, encrypted with a passphrase unless it was asked for in plain text.
        warnings: what the user should know, one sentence each.
    """

    recipient: str
    data: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def export_key(session: Session, text: str, *, plain: bool, work_factor: int | None = None) -> ExportedKey:
    """An identity as a key file that age reads.

    Args:
        session: the run.
        text: whose, see `find_recipient`.
        plain: without a passphrase.
        work_factor: see `lockedfile.lock_file`; None means age's own.

    Raises:
        UsageError: there is no key of that name.
        IdentityError: the identity is not there, an SSH key, or there is nobody to ask for a passphrase.
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
        f"the passphrase has less than {SHORT_PASSPHRASE} characters: whoever has the file can guess it",
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
class Removal:
    """What removing an identity would do; nothing has been done.

    Attributes:
        recipient: the public key.
        name: of the key, or None.
        key_files: where it would be taken out of, as absolute paths.
        keyring: it would be taken out of the OS keyring.
        stays: where it is and cannot be removed by us, one sentence each.
        lost: files of this repository that nobody could open any more.
        unreadable: files that you yourself open with it, and others too.
    """

    recipient: str
    name: str | None
    key_files: tuple[Path, ...] = ()
    keyring: bool = False
    stays: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unreadable: int = 0

    def places(self, session: Session) -> tuple[str, ...]:
        """Where it would be taken out of, for people."""
        files = tuple(shown(session, path) for path in self.key_files)
        return (*files, *((KEYRING_SHOWN,) if self.keyring else ()))


def plan_removal(session: Session, text: str) -> Removal:
    """What removing an identity would do.

    Raises:
        UsageError: there is no key of that name, or it is in no place that it could be removed from.
        IdentityError: a key file is damaged.
    """
    recipient = find_recipient(session, text)
    provider = age_provider(session)
    found = provider.lookup()
    usage = read_usage(session)
    name = read_public_keys(usage.root).get(recipient)
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
            hint="take it out there yourself" if others else "`fluxsecrets keys list` shows what you have",
        )
    whom = Recipient("age", recipient)
    lost = usage.only_for(whom)
    return Removal(
        recipient,
        name,
        key_files,
        keyring,
        tuple(f"it stays in {place}: take it out there yourself" for place in others),
        lost,
        _yours_alone(usage, whom, provider.own_recipients()) - len(lost),
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


def _yours_alone(usage: KeyUsage, recipient: Recipient, own: frozenset[str]) -> int:
    """How many files you could no longer open, others or not."""
    count = 0
    for file in usage.files:
        left = [
            group
            for group in file.groups
            if any(each.id in own and each.id.strip() != recipient.id for each in group)
        ]
        count += file.is_for(recipient) and len(left) < file.needed
    return count


def remove_key(session: Session, removal: Removal) -> None:
    """Take an identity out of the places of a plan.

    Raises:
        FileAccessError, IdentityError: a place could not be changed; what stands before it in the plan was.
    """
    from fluxsecrets.keys.generate import remove_identity

    note_key(Recipient("age", removal.recipient))
    for path in removal.key_files:
        remove_identity(path, removal.recipient)
    if removal.keyring:
        from fluxsecrets.keys.oskeyring import remove

        listed = keyring_list(session)
        if listed is not None:
            remove(listed, removal.recipient, notify=session.notify)
