"""Key files that are encrypted with a passphrase, as age does it (age: scrypt.go)."""

from __future__ import annotations

import os
import re

from fluxsecrets.errors import IdentityError, IntegrityError, LockedError

from .agefile import (
    FILE_KEY_SIZE,
    AgeFile,
    Stanza,
    armour,
    dearmour,
    decode_argument,
    encode_base64,
    parse_age_file,
    seal,
    unseal,
)

WORK_FACTOR = 18
"""What age writes: about a second, and 256 MiB of memory."""

MAX_WORK_FACTOR = 22
"""Logarithm of scrypt's cost; age takes no more by default, and writes 18. 22 needs 4 GiB of memory."""

_LABEL = b"age-encryption.org/v1/scrypt"
_ARMOUR = b"-----BEGIN AGE"
_SALT_SIZE = 16
_WORK_FACTOR = re.compile(r"[1-9][0-9]?")


def lock_file(data: bytes, passphrase: str, *, work_factor: int = WORK_FACTOR) -> bytes:
    """Encrypt a key file with a passphrase, as armoured text; `age --decrypt` opens it.

    Args:
        data: the key file.
        passphrase: not empty.
        work_factor: the logarithm of scrypt's cost.

    Raises:
        IdentityError: there is not enough memory for it.
    """

    def wrap(file_key: bytes) -> tuple[Stanza, ...]:
        from fluxsecrets.sops.primitives import ChaCha20Poly1305

        salt = os.urandom(_SALT_SIZE)
        body = ChaCha20Poly1305(_derive(passphrase, salt, work_factor)).encrypt(bytes(12), file_key, None)
        return (Stanza("scrypt", (encode_base64(salt), str(work_factor)), body),)

    try:
        return armour(seal(data, wrap)).encode("ascii")
    except MemoryError:
        raise IdentityError(
            "there is not enough memory to protect an identity with a passphrase",
            hint="it takes 256 MiB: run it on another machine",
        ) from None


def unlock_file(data: bytes, passphrase: str, *, path: str) -> bytes:
    """Decrypt a key file.

    Raises:
        LockedError: a wrong passphrase.
        IdentityError: damaged, or not protected by a passphrase.
    """
    file, stanza, factor = _take_apart(data, path)
    from fluxsecrets.sops.primitives import ChaCha20Poly1305, invalid_tag

    try:
        key = _derive(passphrase, decode_argument(stanza, 0, _SALT_SIZE), factor)
    except MemoryError:
        raise IdentityError(
            "there is not enough memory to open this key file", hint=_AGAIN, path=path
        ) from None
    try:
        return unseal(file, ChaCha20Poly1305(key).decrypt(bytes(12), stanza.body, None))
    except invalid_tag():
        raise LockedError(
            "wrong passphrase for this key file", hint="run the command again, with the right one", path=path
        ) from None
    except IntegrityError:
        raise _damaged(path) from None


def check_locked(data: bytes, *, path: str) -> None:
    """Refuse a file that no passphrase would open, before anybody is asked for one.

    Raises:
        IdentityError: damaged, not protected by a passphrase, or too costly to open.
    """
    _take_apart(data, path)


def _derive(passphrase: str, salt: bytes, factor: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    kdf = Scrypt(salt=_LABEL + salt, length=32, n=1 << factor, r=8, p=1)
    return kdf.derive(passphrase.encode("utf-8", "surrogateescape"))


def _take_apart(data: bytes, path: str) -> tuple[AgeFile, Stanza, int]:
    try:
        if data.startswith(_ARMOUR):
            data = dearmour(data.decode("utf-8", "replace"), limit=2 * len(data) + 1)
        file = parse_age_file(data)
        scrypt = [stanza for stanza in file.stanzas if stanza.type == "scrypt"]
        if len(file.stanzas) != 1 or not scrypt:
            raise IdentityError(
                "this key file is encrypted for a recipient, not with a passphrase",
                hint="decrypt it with age, and protect it with a passphrase: age --encrypt --passphrase",
                path=path,
            )
        stanza = scrypt[0]
        decode_argument(stanza, 0, _SALT_SIZE)
        usable = len(stanza.args) == 2 and _WORK_FACTOR.fullmatch(stanza.args[1])
        if not usable or len(stanza.body) != FILE_KEY_SIZE + 16:
            raise _damaged(path)
    except IntegrityError:
        raise _damaged(path) from None
    factor = int(stanza.args[1])
    if factor > MAX_WORK_FACTOR:
        raise IdentityError(
            f"opening this key file would cost too much: its work factor is {factor}",
            hint=f"{_AGAIN}; the work factor may be up to {MAX_WORK_FACTOR}",
            path=path,
        )
    return file, stanza, factor


def _damaged(path: str) -> IdentityError:
    return IdentityError(
        "this passphrase-protected key file is damaged", hint="restore it from a copy", path=path
    )


_AGAIN = "protect the identity again: age --encrypt --passphrase"
