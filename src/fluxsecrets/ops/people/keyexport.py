"""An identity as a key file."""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.errors import IdentityError
from fluxsecrets.ops.run.record import note_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.recipients import Recipient

from .keystore import age_provider, asker
from .namedkeys import find_recipient

SHORT_PASSPHRASE = 12
"""Characters below which a passphrase is warned of: a lost file can be tried forever."""


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
