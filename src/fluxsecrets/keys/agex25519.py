"""X25519 keys as age recipients and identities, the kind that age-keygen makes (age: x25519.go)."""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.sops import bech32
from fluxsecrets.sops.primitives import (
    ChaCha20Poly1305,
    invalid_tag,
    x25519_generate,
    x25519_private,
    x25519_public,
)

from .agefile import (
    FILE_KEY_SIZE,
    Stanza,
    Unwrap,
    Wrap,
    decode_argument,
    encode_base64,
    hkdf,
    is_weak_point,
    malformed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

STANZA = "X25519"

_LABEL = b"age-encryption.org/v1/X25519"
_RECIPIENT_PREFIX = "age"
_IDENTITY_PREFIX = "age-secret-key-"
_SIZE = 32


class WeakRecipientError(ValueError):
    """A recipient of low order: anyone can compute the secret that is shared with it."""


def parse_recipient(text: str) -> Wrap:
    """Read an `age1…` recipient.

    Raises:
        WeakRecipientError: it is of low order.
        ValueError: malformed.
    """
    prefix, point = bech32.decode(text)
    if text != text.lower() or prefix != _RECIPIENT_PREFIX or len(point) != _SIZE:
        raise ValueError("its length or its beginning is wrong")
    if is_weak_point(int.from_bytes(point, "little")):
        raise WeakRecipientError("it is a weak key that protects nothing")
    public = x25519_public(point)
    return lambda file_key: (_wrap(public, point, file_key),)


def recipient_of(secret: str) -> str | None:
    """Return the recipient of an `AGE-SECRET-KEY-1…` identity, or None if the identity is malformed."""
    private = _private(secret)
    return None if private is None else _recipient(private)


def parse_identity(secret: str) -> Unwrap:
    """Read a well-formed identity.

    Raises:
        ValueError: malformed.
    """
    private = _private(secret)
    if private is None:
        raise ValueError("malformed age identity")
    point = private.public_key().public_bytes_raw()
    return lambda stanzas: _unwrap(private, point, stanzas)


def generate() -> tuple[str, str]:
    """Make a new identity; return it and its recipient."""
    private = x25519_generate()
    return bech32.encode(_IDENTITY_PREFIX, private.private_bytes_raw()).upper(), _recipient(private)


def _wrap(public: X25519PublicKey, point: bytes, file_key: bytes) -> Stanza:
    ephemeral = x25519_generate()
    share = ephemeral.public_key().public_bytes_raw()
    key = hkdf(ephemeral.exchange(public), share + point, _LABEL)
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return Stanza(STANZA, (encode_base64(share),), body)


def _unwrap(private: X25519PrivateKey, point: bytes, stanzas: Sequence[Stanza]) -> bytes | None:
    for stanza in stanzas:
        if stanza.type != STANZA:
            continue
        # The size is checked before decryption: one text must not open with several keys.
        if len(stanza.args) != 1 or len(stanza.body) != FILE_KEY_SIZE + 16:
            raise malformed(stanza)
        share = decode_argument(stanza, 0, _SIZE)
        try:
            shared = private.exchange(x25519_public(share))
        except ValueError:  # a share of low order
            raise malformed(stanza) from None
        try:
            return ChaCha20Poly1305(hkdf(shared, share + point, _LABEL)).decrypt(bytes(12), stanza.body, None)
        except invalid_tag():
            continue
    return None


def _private(secret: str) -> X25519PrivateKey | None:
    scalar = bech32.decode_identity(secret, _IDENTITY_PREFIX, _SIZE)
    return None if scalar is None else x25519_private(scalar)


def _recipient(private: X25519PrivateKey) -> str:
    return bech32.encode(_RECIPIENT_PREFIX, private.public_key().public_bytes_raw())
