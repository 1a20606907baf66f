"""Tagged age recipients, whose identities are in hardware: `age1tag1…` and `age1tagpq1…` (age: tag/tag.go).

A plugin decrypts. Encrypting needs no plugin, only HPKE: with P-256, or with P-256 and ML-KEM-768 together.
cryptography has the first as a suite. The second is put together here (draft-ietf-hpke-pq, MLKEM768-P256).
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fluxsecrets.errors import RecipientError
from fluxsecrets.sops import bech32

from .agefile import Stanza, Wrap, encode_base64

_CLASSIC, _HYBRID = "p256tag", "mlkem768p256tag"
_INFO = "age-encryption.org/"
_COMPRESSED_SIZE = 33
_POINT_SIZE = 65
_MLKEM_SIZE = 1184

_HYBRID_LABEL = b"MLKEM768-P256"
_HYBRID_SUITE = b"HPKE\x00\x50\x00\x01\x00\x03"  # with HKDF-SHA256 and ChaCha20-Poly1305


def parse_recipient(text: str) -> Wrap:
    """Read a tagged recipient.

    Raises:
        ValueError: malformed; the message says how, without the text.
        RecipientError: this installation of cryptography has no ML-KEM.
    """
    prefix, data = bech32.decode(text)
    if text != text.lower():
        raise ValueError("it is in upper case")
    if prefix == "age1tag" and len(data) == _COMPRESSED_SIZE:
        public = _point(data)
        return lambda file_key: (_wrap_classic(public, data, file_key),)
    if prefix == "age1tagpq" and len(data) == _MLKEM_SIZE + _POINT_SIZE:
        public = _point(data[_MLKEM_SIZE:])
        mlkem = _mlkem(data[:_MLKEM_SIZE])
        return lambda file_key: (_wrap_hybrid(mlkem, public, file_key),)
    raise ValueError("its length or its beginning is wrong")


def _point(data: bytes) -> EllipticCurvePublicKey:
    # Both forms have one size only: 33 bytes are compressed, 65 are not.
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), data)


def _mlkem(data: bytes) -> MLKEM768PublicKey:
    try:
        return MLKEM768PublicKey.from_public_bytes(data)
    except UnsupportedAlgorithm:
        raise RecipientError(
            "this installation of the Python package cryptography cannot use post-quantum keys",
            hint="install cryptography from its wheel, or with OpenSSL 3.5 or newer",
        ) from None


def _wrap_classic(public: EllipticCurvePublicKey, compressed: bytes, file_key: bytes) -> Stanza:
    suite = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    sealed = suite.encrypt(file_key, public, f"{_INFO}{_CLASSIC}".encode())
    return _stanza(_CLASSIC, sealed[:_POINT_SIZE], compressed, sealed[_POINT_SIZE:])


def _wrap_hybrid(mlkem: MLKEM768PublicKey, public: EllipticCurvePublicKey, file_key: bytes) -> Stanza:
    secret, ciphertext = mlkem.encapsulate()
    ephemeral = generate_private_key(SECP256R1())
    share, point = _uncompressed(ephemeral.public_key()), _uncompressed(public)
    shared = hybrid_secret(secret, ephemeral.exchange(ECDH(), public), share, point)
    key, nonce = hybrid_key(shared, f"{_INFO}{_HYBRID}".encode())
    body = ChaCha20Poly1305(key).encrypt(nonce, file_key, None)
    return _stanza(_HYBRID, ciphertext + share, point, body)


def _stanza(kind: str, encapsulated: bytes, point: bytes, body: bytes) -> Stanza:
    """Make the stanza; its first argument is the tag, by which a plugin knows its own files."""
    salt = f"{_INFO}{kind}".encode()
    tag = hmac.digest(salt, encapsulated + hashlib.sha256(point).digest()[:4], "sha256")[:4]
    return Stanza(kind, (encode_base64(tag), encode_base64(encapsulated)), body)


def hybrid_secret(mlkem: bytes, exchanged: bytes, share: bytes, point: bytes) -> bytes:
    """Combine the shared secrets of ML-KEM-768 and P-256 with the public values of the latter."""
    return hashlib.sha3_256(mlkem + exchanged + share + point + _HYBRID_LABEL).digest()


def hybrid_key(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Derive the key and the nonce of one message, as HPKE's base mode does (RFC 9180, section 5.1)."""
    context = b"\x00" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    secret = _extract(shared, b"secret", b"")
    return _expand(secret, b"key", context, 32), _expand(secret, b"base_nonce", context, 12)


def _extract(salt: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + _HYBRID_SUITE + label + key, "sha256")


def _expand(key: bytes, label: bytes, info: bytes, size: int) -> bytes:
    """Expand to one block of HKDF-SHA256 at most."""
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + _HYBRID_SUITE + label + info
    return hmac.digest(key, labelled + b"\x01", "sha256")[:size]


def _uncompressed(public: EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
