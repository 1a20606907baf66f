"""The public key that a user means."""

from __future__ import annotations

from difflib import get_close_matches

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.people import names_at
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository

from .keystore import age_provider


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
