"""A PGP secret key as armoured text, for a cluster; gpg and its agent do the work."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.errors import IdentityError

from .gpg import GpgRun, find_gpg, run_gpg
from .pgp import DECRYPT_TIMEOUT

_LIMIT = 1024 * 1024
_BEGIN = b"-----BEGIN PGP PRIVATE KEY BLOCK-----"

# What `gpg --list-packets` says of a secret key packet that only a passphrase opens.
_PROTECTED = (b"protected]", b" protection,")


def export_secret_key(environ: Mapping[str, str], fingerprint: str) -> tuple[str, bool]:
    """Export a secret key; gpg-agent may ask for its passphrase.

    Args:
        environ: in which gpg is found and run.
        fingerprint: hexadecimal digits, checked.

    Returns:
        The key, and whether a passphrase still protects it.

    Raises:
        IdentityError: gpg is missing or failed, or the secret key is not in its keyring.
    """
    gpg = find_gpg(environ)
    if gpg is None:
        raise IdentityError("gpg is not there", hint="install GnuPG, or name it with SOPS_GPG_EXEC")
    run = run_gpg(
        gpg,
        ["--batch", "--no-tty", "--armor", "--export-secret-keys", fingerprint],
        environ=environ,
        timeout=DECRYPT_TIMEOUT,
        limit=_LIMIT,
    )
    if not run.output.startswith(_BEGIN):
        raise IdentityError(
            f"gpg did not export the secret key {fingerprint}",
            details=run.log,
            hint="`gpg --list-secret-keys` shows those that it has",
        )
    packets = run_gpg(
        gpg,
        ["--batch", "--no-tty", "--list-packets"],
        run.output,
        environ=environ,
        timeout=DECRYPT_TIMEOUT,
        limit=_LIMIT,
    )
    return run.output.decode("ascii", "replace"), _is_protected(packets)


def _is_protected(packets: GpgRun) -> bool:
    if b":secret key packet:" not in packets.output:
        return True  # what cannot be told counts as protected
    return any(mark in packets.output for mark in _PROTECTED)
