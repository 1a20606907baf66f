"""Save what was read of a cluster, without values, for somebody who has no access to it.

The values are keyed hashes. The key is encrypted with SOPS for those who can decrypt every encrypted file of
the environment. Holders of the key can try out passwords on the hashes, and these readers know the passwords
anyway. If nobody can decrypt all files, the hashes are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fluxsecrets.audit.people import by_key
from fluxsecrets.cluster.hasher import Hasher
from fluxsecrets.cluster.model import Name
from fluxsecrets.cluster.saved import FILE, KEY_FILE, KnownHashes, to_dump
from fluxsecrets.errors import ClusterError, DataKeyError, FileAccessError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.recipients import Recipient, RecipientKey

from .messages import shown
from .situation import Situation

_FIELD: Final = "hash_key"
_PRIVATE: Final = 0o600


def refuse_dump(folder: Path) -> None:
    """Refuse a folder for a dump before the cluster is read.

    Raises:
        UsageError: it exists and has something in it, or its parent does not exist.
    """
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink() or not folder.absolute().parent.is_dir():
        raise UsageError(
            f"--save-dump {str(folder)!a} is not a new or empty folder", hint="name one in an existing folder"
        )


def save_dump(session: Session, situation: Situation, folder: Path) -> bool:
    """Write what was read of a cluster.

    Returns:
        Whether the values can be compared: there are recipients that the key is encrypted for.

    Raises:
        FileAccessError: a file can't be written.
        RecipientError: the key can't be encrypted for somebody.
    """
    readers = _readers(situation)
    compared = _compared(situation) if readers else {}
    files = {FILE: to_dump(situation.cluster, lambda message: shown(situation, message), compared)}
    if readers:
        files[KEY_FILE] = _encrypted_key(session, situation.cluster.hasher, readers)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        raise FileAccessError("the folder can't be made", path=session.shown(folder)) from None
    for name, data in files.items():
        write_new(folder / name, data, _PRIVATE)
    return bool(readers)


def dump_hasher(session: Session, folder: Path) -> Hasher | None:
    """Return what makes the hashes of a saved dump; None if its key is not at hand.

    Raises:
        FluxsecretsError: the file with the key is damaged.
    """
    path = folder / KEY_FILE
    if not path.exists():
        return None
    data = read_file(path, limit=session.limits.size).data
    try:
        opened = open_file(make_format("json"), data, session.providers, session.limits)
    except DataKeyError:
        return None
    try:
        return Hasher(bytes.fromhex(json.loads(opened.text())[_FIELD]))
    except (ValueError, KeyError, TypeError):
        raise ClusterError("there is no key of hashes in it", path=session.shown(path)) from None


def _readers(situation: Situation) -> tuple[Recipient, ...]:
    """The recipients that every encrypted file of the environment has; none if files have key groups."""
    found: dict[RecipientKey, Recipient] | None = None
    for _, metadata in situation.facts.encrypted():
        if len(metadata.recipients) != 1:
            return ()
        own = by_key(metadata.recipients[0])
        found = own if found is None else {key: one for key, one in found.items() if key in own}
    return tuple((found or {}).values())


def _compared(situation: Situation) -> Mapping[Name, KnownHashes]:
    """The Secrets that Flux applies. Of those that controllers make, no value is compared."""
    found: dict[Name, dict[str, set[str | None]]] = {}
    for each in situation.expected.secrets:
        if not each.is_prefix:
            known = found.setdefault(each.key, {})
            for key, digest in each.values.items():
                known.setdefault(key, set()).add(digest)
    return found


def _encrypted_key(session: Session, hasher: Hasher, readers: tuple[Recipient, ...]) -> bytes:
    made = encrypt_content(
        make_format("json"),
        json.dumps({_FIELD: hasher.key.hex()}).encode(),
        Policy(groups=(readers,)),
        session.providers,
        now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        limits=session.limits,
        kubernetes=False,
    )
    return made.data
