"""Load the controller's private keys from named files, or from those in an environment variable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, IdentityError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import holds_private_key
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sealed.keys import SealingKey, parse_keys
from fluxsecrets.sops.formats import make_format

from .content import open_file

VARIABLE = "FLUXSECRETS_SEALING_KEYS"
"""Lists files with private keys, separated as in PATH."""

_MAX_BYTES = 4 * 2**20


def load_keys(session: Session, files: Sequence[Path], *, required: bool = True) -> tuple[SealingKey, ...]:
    """Load the private keys from files, or from those in the environment variable, in order, each once.

    A file may be encrypted with SOPS, as a backup in a repository should be. With `required`, no key is
    an error.

    Raises:
        IdentityError: a file contains no private key, or no key was found.
        FileAccessError: a file can't be read.
        DataKeyError, IntegrityError: an encrypted file can't be decrypted.
    """
    value = session.environ.get(VARIABLE, "")
    if not files and holds_private_key(value):
        raise IdentityError(
            f"{VARIABLE} contains a private key instead of paths",
            hint="write the key to a file that only you can read, and name that",
        )
    named = files or [Path(part) for part in value.split(os.pathsep) if part]
    keys: dict[int, SealingKey] = {}
    for path in named:
        for key in _read(session, path):
            keys.setdefault(key.key.public_key().public_numbers().n, key)
    if not keys and required:
        raise IdentityError(
            "no private key of a controller was found to open this",
            hint=f"name one with --private-key FILE, or files in {VARIABLE}; back them up with "
            "`kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml`",
        )
    return tuple(keys.values())


def _read(session: Session, path: Path) -> tuple[SealingKey, ...]:
    shown = session.shown(path)
    try:
        data = read_file(session.cwd / path, limit=_MAX_BYTES, follow_links=True).data
        format_name = detect_encryption(data, path.name)
        if format_name is not None:
            data = open_file(make_format(format_name), data, session.providers, session.limits).text()
        return parse_keys(data, shown, session.limits)
    except FluxsecretsError as error:
        error.path = shown
        raise
