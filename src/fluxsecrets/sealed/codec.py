"""How one value is sealed: RSA-OAEP for a session key, AES-GCM for the value.

    2 bytes, big-endian: length of the RSA part | RSA-OAEP-SHA256(session key, label) | AES-256-GCM(value)

The nonce is all zeros, which is safe because each session key seals one value (`HybridEncrypt` in
pkg/crypto/crypto.go of sealed-secrets). The label binds a value to its place: see `scopes`.
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from fluxsecrets.errors import IntegrityError

_SESSION_KEY = 32
_NONCE = bytes(12)
_TAG = 16
_PREFIX = 2

_TAKE_FROM_GIT = "take the file from git again, or seal the value anew"


@dataclass(frozen=True, slots=True)
class OpenedValue:
    """A value that was opened.

    Attributes:
        data: the value; not in the repr.
        key: position of the key that opened it among those that were tried.
        label: the label that it was sealed with, of those that were tried.
    """

    data: bytes = field(repr=False)
    key: int
    label: bytes


def seal_value(key: RSAPublicKey, value: bytes, label: bytes) -> str:
    """Seal a value.

    Args:
        key: of the sealing certificate.
        value: any bytes, none at all included.
        label: what it is bound to, from `scopes.label_of`.

    Returns:
        What stands in `encryptedData`, in base64.
    """
    session_key = os.urandom(_SESSION_KEY)
    wrapped = key.encrypt(session_key, _oaep(label))
    sealed = AESGCM(session_key).encrypt(_NONCE, value, None)
    return b64encode(len(wrapped).to_bytes(_PREFIX, "big") + wrapped + sealed).decode("ascii")


def open_value(keys: Sequence[RSAPrivateKey], sealed: str, labels: Sequence[bytes]) -> OpenedValue | None:
    """Open a sealed value.

    Args:
        keys: the controller's private keys, tried in order.
        sealed: from `encryptedData`; line breaks in it are passed over, as Go does it.
        labels: what it may be bound to, tried in order for each key.

    Returns:
        None where none of the keys opens it with any of the labels: OAEP does not tell which is wrong.

    Raises:
        IntegrityError: it is no sealed value, cut off, or was changed. No value is in the error.
    """
    wrapped, rest = _taken_apart(sealed)
    for number, key in enumerate(keys):
        if key.key_size != len(wrapped) * 8:
            continue
        for label in labels:
            try:
                session_key = key.decrypt(wrapped, _oaep(label))
            except ValueError:
                continue
            return OpenedValue(_opened(session_key, rest), number, label)
    return None


def check_sealed(sealed: str) -> int:
    """Check the structure of a sealed value; needs no key.

    Returns:
        The bits of the key that it was sealed for.

    Raises:
        IntegrityError: see `open_value`.
    """
    wrapped, _ = _taken_apart(sealed)
    return len(wrapped) * 8


def _taken_apart(sealed: str) -> tuple[bytes, bytes]:
    try:
        data = b64decode(sealed.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise IntegrityError("is not base64, so it is no sealed value", hint=_TAKE_FROM_GIT) from None
    length = int.from_bytes(data[:_PREFIX], "big")
    end = _PREFIX + length
    if len(data) < end + _TAG or length < 64:
        raise IntegrityError("is cut off, or is no sealed value", hint=_TAKE_FROM_GIT)
    return data[_PREFIX:end], data[end:]


def _opened(session_key: bytes, rest: bytes) -> bytes:
    if len(session_key) != _SESSION_KEY:
        raise IntegrityError("holds a session key of a wrong length", hint=_TAKE_FROM_GIT)
    try:
        return AESGCM(session_key).decrypt(_NONCE, rest, None)
    except InvalidTag:
        raise IntegrityError("was changed after it was sealed, or is cut off", hint=_TAKE_FROM_GIT) from None


def _oaep(label: bytes) -> OAEP:
    return OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)
