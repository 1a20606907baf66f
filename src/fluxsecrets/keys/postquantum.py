"""Post-quantum age recipients: ML-KEM-768 and X25519 together, through HPKE (age: pq.go).

Imported by those who have such keys only: ML-KEM and HPKE cost time to load.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from fluxsecrets.errors import IdentityError, RecipientError
from fluxsecrets.sops import bech32

from .agefile import (
    FILE_KEY_SIZE,
    Stanza,
    Unwrap,
    Wrap,
    decode_argument,
    encode_base64,
    is_weak_point,
    malformed,
)

STANZA = "mlkem768x25519"

_RECIPIENT_PREFIX = "age1pq"
_IDENTITY_PREFIX = "age-secret-key-pq-"
_INFO = b"age-encryption.org/mlkem768x25519"
_MLKEM_SIZE = 1184
_POINT_SIZE = 32
_PUBLIC_SIZE = _MLKEM_SIZE + _POINT_SIZE
_ENCAPSULATED_SIZE = 1088 + _POINT_SIZE
_SEED_SIZE = 32


def parse_recipient(text: str) -> Wrap:
    """Read an `age1pq1…` recipient.

    Raises:
        ValueError: malformed; the message says how, without the text.
        RecipientError: this installation of cryptography has no ML-KEM.
    """
    prefix, data = bech32.decode(text)
    if text != text.lower() or prefix != _RECIPIENT_PREFIX or len(data) != _PUBLIC_SIZE:
        raise ValueError("its length or its beginning is wrong")
    try:
        public = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(data[:_MLKEM_SIZE]),
            X25519PublicKey.from_public_bytes(data[_MLKEM_SIZE:]),
        )
    except ValueError:
        raise ValueError("it is not a valid key") from None
    except UnsupportedAlgorithm:
        raise RecipientError(_NO_MLKEM, hint=_NO_MLKEM_HINT) from None
    return lambda file_key: _wrap(public, file_key)


def recipient_of(secret: str) -> str | None:
    """Return the recipient of an `AGE-SECRET-KEY-PQ-1…` identity, or None where it is malformed.

    Raises:
        IdentityError: this installation of cryptography has no ML-KEM.
    """
    seed = _seed(secret)
    return None if seed is None else _recipient(seed)


def parse_identity(secret: str) -> Unwrap:
    """Read a well-formed identity.

    Raises:
        IdentityError: malformed, or this installation of cryptography has no ML-KEM.
    """
    seed = _seed(secret)
    if seed is None:
        raise IdentityError("malformed post-quantum identity")
    mlkem, curve = _key_pair(seed)
    private = MLKEM768X25519PrivateKey(mlkem, curve)
    return lambda stanzas: _unwrap(private, stanzas)


def generate() -> tuple[str, str]:
    """Make a new identity; return it and its recipient.

    Raises:
        IdentityError: this installation of cryptography has no ML-KEM.
    """
    seed = os.urandom(_SEED_SIZE)
    return bech32.encode(_IDENTITY_PREFIX, seed).upper(), _recipient(seed)


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def _wrap(public: MLKEM768X25519PublicKey, file_key: bytes) -> tuple[Stanza, ...]:
    try:
        sealed = _suite().encrypt(file_key, public, _INFO)
    except ValueError:
        sealed = b""
    if not sealed:
        raise RecipientError(
            "this post-quantum recipient is a weak key", hint="ask its holder for a new recipient"
        )
    encapsulated, body = sealed[:_ENCAPSULATED_SIZE], sealed[_ENCAPSULATED_SIZE:]
    return (Stanza(STANZA, (encode_base64(encapsulated),), body),)


def _unwrap(private: MLKEM768X25519PrivateKey, stanzas: Sequence[Stanza]) -> bytes | None:
    for stanza in stanzas:
        if stanza.type != STANZA:
            continue
        # The size is checked before decryption: one text must not open with several keys.
        if len(stanza.args) != 1 or len(stanza.body) != FILE_KEY_SIZE + 16:
            raise malformed(stanza)
        encapsulated = decode_argument(stanza, 0, _ENCAPSULATED_SIZE)
        if is_weak_point(int.from_bytes(encapsulated[-_POINT_SIZE:], "little")):
            raise malformed(stanza)
        try:
            return _suite().decrypt(encapsulated + stanza.body, private, _INFO)
        except InvalidTag:
            continue
    return None


def _seed(secret: str) -> bytes | None:
    return bech32.decode_identity(secret, _IDENTITY_PREFIX, _SEED_SIZE)


def _key_pair(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = hashlib.shake_256(seed).digest(64 + 32)
    try:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    except UnsupportedAlgorithm:
        raise IdentityError(_NO_MLKEM, hint=_NO_MLKEM_HINT) from None
    return mlkem, X25519PrivateKey.from_private_bytes(expanded[64:])


def _recipient(seed: bytes) -> str:
    mlkem, curve = _key_pair(seed)
    public = mlkem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return bech32.encode(_RECIPIENT_PREFIX, public)


_NO_MLKEM = "this installation of the Python package cryptography cannot use post-quantum keys"
_NO_MLKEM_HINT = "install cryptography from its wheel, or with OpenSSL 3.5 or newer"
