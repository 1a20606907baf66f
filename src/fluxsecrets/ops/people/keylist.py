"""Which identities this user has, where, and what they open; and whether `keys/` is as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files import read_file
from fluxsecrets.ops.files.keyusage import ELSEWHERE, KeyUsage, read_usage
from fluxsecrets.ops.run.names import KEYS_FOLDER, read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import find_repository
from fluxsecrets.sops.metadata import Recipient

from .keys import age_provider, would_be_committed

_PRIVATE = re.compile(rb"AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9+._-]+-1|PRIVATE KEY(?: BLOCK)?-----")
_MAX_KEY = 2**20

_LINE = re.compile(r", line \d+$")


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One identity, however often it is there.

    Attributes:
        recipient: the public key; empty for a plugin's identity that does not tell.
        name: from `keys/NAME.pub`, or what it was called when it was put into the keyring; or None.
        kind: such as `x25519`.
        places: where it is.
        locked: a passphrase has to be asked for it.
        files: how many encrypted files it opens, by environment; `""` stands for those in none.
    """

    recipient: str
    name: str | None
    kind: str
    places: tuple[str, ...]
    locked: bool = False
    files: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyList:
    """All identities.

    Attributes:
        keys: in the order of the places.
        places: what was looked in, one line each.
        warnings: what is wrong with key files and with `keys/`, one sentence each.
        errors: encrypted files that could not be looked at.
    """

    keys: tuple[OwnKey, ...]
    places: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    errors: tuple[FluxsecretsError, ...] = ()


def list_keys(session: Session) -> KeyList:
    """What identities there are; no passphrase is asked for, no command run, and no keyring opened.

    Raises:
        ConfigError: the repository's settings are invalid.
        GitError: git failed.
    """
    provider = age_provider(session)
    found = provider.lookup()
    usage = read_usage(session)
    names = read_public_keys(usage.root)
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
        usage.errors,
    )


def _pgp_keys(session: Session, usage: KeyUsage, names: Mapping[str, str]) -> Iterator[OwnKey]:
    """The PGP keys that files of the repository are for, and that gpg has; asked for these only."""
    wanted = {
        each.id: each for file in usage.files for group in file.groups for each in group if each.kind == "pgp"
    }
    if not wanted:
        return
    own = session.providers["pgp"].own_recipients()
    for fingerprint, recipient in wanted.items():
        if fingerprint in own:
            yield OwnKey(
                fingerprint,
                names.get(fingerprint),
                "pgp",
                ("GnuPG's keyring",),
                files=usage.files_for(recipient),
            )


def check_folder(session: Session) -> tuple[str, ...]:
    """What is wrong with `keys/`: public keys that git ignores, and private keys that stand there."""
    repository = find_repository(session.cwd)
    if repository is None or not (repository.root / KEYS_FOLDER).is_dir():
        return ()
    folder = repository.root / KEYS_FOLDER
    problems: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            data = read_file(path, limit=_MAX_KEY).data
        except FluxsecretsError:
            continue
        shown = session.shown(path)
        if _PRIVATE.search(data):
            committed = (
                "; it is not ignored by git" if would_be_committed(path) else ", though git ignores it"
            )
            problems.append(
                f"{shown} holds a private key{committed}: move it elsewhere, "
                "and if it was ever committed, replace it"
            )
        elif path.suffix == ".pub" and not would_be_committed(path):
            problems.append(
                f"{shown} is ignored by git, so that others do not see the name: "
                "commit it with `git add --force`"
            )
    return tuple(problems)


def find_recipient(session: Session, text: str) -> str:
    """The public key that the user means: itself, or the name of one.

    Args:
        session: the run.
        text: a recipient, the NAME of `keys/NAME.pub`, or the name of an identity in the keyring.

    Raises:
        UsageError: there is none of that name, or there are several.
    """
    if text.startswith(("age1", "ssh-")):
        return text.strip()
    repository = find_repository(session.cwd)
    root = repository.root if repository is not None else session.cwd
    stored = age_provider(session).lookup().stored
    named = [*read_public_keys(root).items(), *((one.recipient, one.name) for one in stored if one.name)]
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


def usage_sentence(files: Mapping[str, int]) -> str:
    """Such as `production 4 files, staging 3 files`."""
    parts = [
        f"{name if name != ELSEWHERE else 'elsewhere'} {count} {'file' if count == 1 else 'files'}"
        for name, count in files.items()
    ]
    return ", ".join(parts)
