"""Seal and open one value: RSA-OAEP for a session key, AES-GCM for the value.

    2 bytes, big-endian: length of the RSA part | RSA-OAEP-SHA256(session key, label) | AES-256-GCM(value)

The nonce is all zeros, which is safe because each session key seals only one value (`HybridEncrypt` in
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

_TAKE_FROM_GIT = "restore the file from git, or seal the value again"


@dataclass(frozen=True, slots=True)
class OpenedValue:
    """An opened value.

    Attributes:
        data: the value; not in the repr.
        key: the position of the key that opened it, among the tried keys.
        label: the label with which it was sealed, among the tried labels.
    """

    data: bytes = field(repr=False)
    key: int
    label: bytes


def seal_value(key: RSAPublicKey, value: bytes, label: bytes) -> str:
    """Seal a value.

    Returns:
        The text for `encryptedData`, in base64.
    """
    session_key = os.urandom(_SESSION_KEY)
    wrapped = key.encrypt(session_key, _oaep(label))
    sealed = AESGCM(session_key).encrypt(_NONCE, value, None)
    return b64encode(len(wrapped).to_bytes(_PREFIX, "big") + wrapped + sealed).decode("ascii")


def open_value(keys: Sequence[RSAPrivateKey], sealed: str, labels: Sequence[bytes]) -> OpenedValue | None:
    """Open a sealed value.

    All keys are tried in order, each with all labels in order. Line breaks in the value are ignored, as
    in Go.

    Returns:
        None if no key opens it with any label. OAEP does not tell which of the two is wrong.

    Raises:
        IntegrityError: the text is not a sealed value, is cut off, or was changed. It contains no value.
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
    """Check the structure of a sealed value, without a key.

    Returns:
        The size in bits of the key for which it was sealed.

    Raises:
        IntegrityError: see `open_value`.
    """
    wrapped, _ = _taken_apart(sealed)
    return len(wrapped) * 8


def _taken_apart(sealed: str) -> tuple[bytes, bytes]:
    try:
        data = b64decode(sealed.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise IntegrityError("is not base64, so not a sealed value", hint=_TAKE_FROM_GIT) from None
    length = int.from_bytes(data[:_PREFIX], "big")
    end = _PREFIX + length
    if len(data) < end + _TAG or length < 64:
        raise IntegrityError("is cut off, or not a sealed value", hint=_TAKE_FROM_GIT)
    return data[_PREFIX:end], data[end:]


def _opened(session_key: bytes, rest: bytes) -> bytes:
    if len(session_key) != _SESSION_KEY:
        raise IntegrityError("has a session key of the wrong length", hint=_TAKE_FROM_GIT)
    try:
        return AESGCM(session_key).decrypt(_NONCE, rest, None)
    except InvalidTag:
        raise IntegrityError("was changed after it was sealed, or is cut off", hint=_TAKE_FROM_GIT) from None


def _oaep(label: bytes) -> OAEP:
    return OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=label)
