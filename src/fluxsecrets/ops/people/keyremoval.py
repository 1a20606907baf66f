"""Removing an identity from where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.rekey import KeyUsage, read_usage
from fluxsecrets.ops.run.people import names_at
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from .keystore import (
    KEYRING_SHOWN,
    Keeping,
    Store,
    age_provider,
    default_key_file,
    drop_identity,
    shown,
)
from .namedkeys import find_recipient


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
