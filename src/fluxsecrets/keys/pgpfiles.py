"""Look into exported PGP keys. gpg reads them from a pipe, and imports nothing."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.errors import IdentityError
from fluxsecrets.files.private import private_directory

from .gpg import find_gpg, parse_key_blocks, run_gpg

_TIMEOUT = 20.0
_LIMIT = 256 * 1024

# Nothing is imported, no agent is started, and the user's trust database is not touched.
_SHOW = (
    "--batch", "--no-tty", "--no-keyring", "--no-autostart", "--trust-model=always", "--with-colons",
    "--import-options", "show-only", "--import",
)  # fmt: skip


def secret_fingerprints(environ: Mapping[str, str], data: bytes) -> tuple[str, ...]:
    """Return the fingerprints of the private keys in an export, primary keys and subkeys.

    Raises:
        IdentityError: gpg is missing or failed, or there is no private key in it.
        FileAccessError: no private folder can be made for gpg.
    """
    gpg = find_gpg(environ)
    if gpg is None:
        raise IdentityError("gpg is not installed", hint="install GnuPG, or name it with SOPS_GPG_EXEC")
    with private_directory() as home:  # gpg would make a home folder for the user
        run = run_gpg(
            gpg,
            ("--homedir", str(home), *_SHOW),
            data,
            environ=environ,
            timeout=_TIMEOUT,
            limit=_LIMIT,
        )
    # Public keys would begin with `pub`.
    if not run.output.startswith(b"sec:"):
        raise IdentityError(
            "gpg finds no private key in it", hint="`gpg --export-secret-keys --armor` writes one"
        )
    return tuple(each for block in parse_key_blocks(run.output) for each in block.fingerprints)
