"""SSH keys as files hold them: public lines, and private keys with or without a passphrase.

The public half of an OpenSSH key stands outside of what its passphrase protects, so that whose key it
is can be told without asking, and without loading any cryptography.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fluxsecrets.errors import IdentityError, LockedError

if TYPE_CHECKING:  # cryptography is loaded with the first key that is decrypted
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"

_OPENSSH_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_END = "-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_PEM_BEGIN = re.compile(r"-----BEGIN (?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY-----")

_MIN_RSA_BYTES = 256
_MAX_RSA_BYTES = 2048


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An SSH public key that age can encrypt for.

    Attributes:
        type: `ssh-ed25519` or `ssh-rsa`.
        blob: its bytes as SSH writes them.
        numbers: the 32 bytes of an Ed25519 point as one, or the exponent and the modulus.
    """

    type: str
    blob: bytes
    numbers: tuple[int, ...]

    def __str__(self) -> str:
        """The line in a `.pub` file, without a comment."""
        return f"{self.type} {base64.b64encode(self.blob).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class PrivateKeyFile:
    """A private key as it stands in a file.

    Attributes:
        text: the file; never shown.
        locked: whether a passphrase protects it.
    """

    text: str = field(repr=False)
    public: PublicKey
    locked: bool


def parse_public(line: str) -> PublicKey:
    """Read `ssh-ed25519 AAAA… comment` or `ssh-rsa AAAA… comment`.

    Raises:
        ValueError: malformed, of another type, or too small; the message holds nothing of the line.
    """
    words = line.split(None, 2)
    if len(words) < 2:
        raise ValueError("the key is missing after its type")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not valid base64: it was cut off or mistyped") from None
    public = parse_blob(blob)
    if public.type != words[0]:
        raise ValueError("its type differs from that of the key in it")
    return public


def parse_blob(blob: bytes) -> PublicKey:
    """Read the bytes of a public key.

    Raises:
        ValueError: malformed, of another type, or too small.
    """
    name, rest = _string(blob)
    kind = name.decode("ascii", "replace")
    if kind == ED25519:
        point, rest = _string(rest)
        numbers: tuple[int, ...] = (int.from_bytes(point, "little"),)
        if len(point) != 32 or rest:
            raise ValueError("it was cut off or mistyped")
        return PublicKey(kind, blob, numbers)
    if kind == RSA:
        exponent, rest = _string(rest)
        modulus, rest = _string(rest)
        numbers = (int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big"))
        size = (numbers[1].bit_length() + 7) // 8
        if rest or not 3 <= numbers[0] < 1 << 24 or not numbers[0] & 1 or not numbers[1] & 1:
            raise ValueError("it was cut off or mistyped")
        if not _MIN_RSA_BYTES <= size <= _MAX_RSA_BYTES:
            raise ValueError(f"it has {size * 8} bits, and age needs RSA keys of at least 2048 bits")
        canonical = b"".join(_length_and(part) for part in (name, _mpint(numbers[0]), _mpint(numbers[1])))
        return PublicKey(kind, canonical, numbers)
    raise ValueError("age can use ssh-ed25519 and ssh-rsa keys only")


def parse_private(data: bytes, *, public_line: str | None, path: str) -> PrivateKeyFile:
    """Read a private key file far enough to know whose it is; nothing is decrypted.

    Args:
        data: the file.
        public_line: the content of the `.pub` file beside it, for old kinds of file that do not tell.
        path: how to name the file in errors.

    Raises:
        IdentityError: not a private key, malformed, or one that age cannot use.
    """
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip()
    if text.startswith(_OPENSSH_BEGIN):
        try:
            blob, locked = _open_container(text)
            return PrivateKeyFile(text + "\n", parse_blob(blob), locked)
        except ValueError as error:
            reason = str(error)
        raise IdentityError(f"cannot use this SSH key: {reason}", hint=_KEYS_HINT, path=path)
    if not _PEM_BEGIN.match(text):
        raise IdentityError("this is not an SSH private key", hint=_KEYS_HINT, path=path)
    locked = "ENCRYPTED" in text[:200]
    if public_line is not None:
        try:
            return PrivateKeyFile(text + "\n", parse_public(public_line.strip()), locked)
        except ValueError:
            pass  # as if it were not there
    if locked:
        raise IdentityError(
            "the public key is unknown: the key has a passphrase, and no .pub file beside it",
            hint=f"write one with ssh-keygen -y -f {path} > {path}.pub",
            path=path,
        )
    unlocked, public = unlock_private(text, None, path=path)
    return PrivateKeyFile(unlocked, public, locked=False)


def unlock_private(text: str, passphrase: str | None, *, path: str) -> tuple[str, PublicKey]:
    """Decrypt a private key with its passphrase, None where it has none.

    Returns:
        The key without a passphrase, in OpenSSH's form, and its public half.

    Raises:
        LockedError: a wrong passphrase.
        IdentityError: malformed, or a key that age cannot use.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, public = load_private(text, passphrase, path=path)
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return plain.decode("ascii"), public


def load_private(
    text: str, passphrase: str | None, *, path: str
) -> tuple[Ed25519PrivateKey | RSAPrivateKey, PublicKey]:
    """Load a private key, and tell its public half.

    Raises:
        LockedError: a wrong passphrase.
        IdentityError: malformed, or a key that age cannot use.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _load(text, passphrase, path)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    try:
        return key, parse_public(line.decode("ascii"))
    except ValueError as error:
        raise IdentityError(f"cannot use this SSH key: {error}", hint=_KEYS_HINT, path=path) from None


def _load(text: str, passphrase: str | None, path: str) -> Ed25519PrivateKey | RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if text.startswith(_OPENSSH_BEGIN) else load_pem_private_key
    secret = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
    try:
        key = load(text.encode("utf-8", "replace"), secret)
    except UnsupportedAlgorithm:
        message, hint = "this SSH key is of a kind that cannot be read", "install the Python package bcrypt"
    except (ValueError, TypeError):
        # The texts of these may show parts of the key; and a wrong passphrase looks like damage.
        if passphrase is not None:
            raise LockedError(
                "wrong passphrase for this SSH key",
                hint="run the command again, with the right one",
                path=path,
            ) from None
        message, hint = "this SSH key is malformed", _KEYS_HINT
    else:
        if isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
            return key
        message, hint = "cannot use this SSH key", _KEYS_HINT
    raise IdentityError(message, hint=hint, path=path)


def _open_container(text: str) -> tuple[bytes, bool]:
    """The public key in an OpenSSH private key, and whether a passphrase protects the private one."""
    body = text.removeprefix(_OPENSSH_BEGIN)
    if not body.endswith(_OPENSSH_END):
        raise ValueError("it was cut off")
    try:
        data = base64.b64decode("".join(body.removesuffix(_OPENSSH_END).split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("it is not valid base64") from None
    if not data.startswith(_MAGIC):
        raise ValueError("it is of an unknown version")
    cipher, rest = _string(data[len(_MAGIC) :])
    _, rest = _string(rest)
    _, rest = _string(rest)
    if rest[:4] != b"\0\0\0\1":
        raise ValueError("it holds several keys")
    blob, _ = _string(rest[4:])
    return blob, cipher != b"none"


def _string(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("it was cut off or mistyped")
    return data[4 : 4 + size], data[4 + size :]


def _length_and(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


_KEYS_HINT = "age can use ssh-ed25519 keys, and RSA keys of 2048 bits and more"
