"""Look into exported PGP keys. gpg reads them from a pipe, and imports nothing."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.errors import IdentityError

from .gpg import find_gpg, parse_key_blocks, run_gpg

_TIMEOUT = 20.0
_LIMIT = 256 * 1024

# Nothing gets into a keyring, and no keyring or folder is made.
_SHOW = (
    "--batch", "--no-tty", "--no-keyring", "--no-autostart", "--with-colons",
    "--import-options", "show-only", "--import",
)  # fmt: skip


def secret_fingerprints(environ: Mapping[str, str], data: bytes) -> tuple[str, ...]:
    """Return the fingerprints of the private keys in an export, primary keys and subkeys.

    Raises:
        IdentityError: gpg is missing or failed, or there is no private key in it.
    """
    gpg = find_gpg(environ)
    if gpg is None:
        raise IdentityError("gpg is not installed", hint="install GnuPG, or name it with SOPS_GPG_EXEC")
    run = run_gpg(gpg, _SHOW, data, environ=environ, timeout=_TIMEOUT, limit=_LIMIT)
    found = tuple(
        fingerprint
        for block in parse_key_blocks(run.output)
        if block.secret
        for fingerprint in block.fingerprints
    )
    if not found:
        raise IdentityError(
            "gpg finds no private key in it", hint="`gpg --export-secret-keys --armor` writes one"
        )
    return found
