"""SSH keys as age recipients and identities (age: agessh/agessh.go).

Their stanzas name the key by four bytes of its hash: whose file it is can be told without the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256

from .agefile import Stanza, Unwrap, Wrap, decode_argument, encode_base64, hkdf, is_weak_point, malformed
from .sshkeys import ED25519, RSA, PublicKey, load_private

_ED25519_LABEL = b"age-encryption.org/v1/ssh-ed25519"
_RSA_LABEL = b"age-encryption.org/v1/ssh-rsa"
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_SIGN = 1 << 255


def recipient(public: PublicKey) -> Wrap:
    """Make the encryption for a public key.

    Raises:
        ValueError: it is not a valid key, or a weak one.
    """
    if public.type == RSA:
        exponent, modulus = public.numbers
        rsa = RSAPublicNumbers(exponent, modulus).public_key()
        return lambda file_key: (_wrap_rsa(public, rsa, file_key),)
    point = _montgomery(public.numbers[0])
    if is_weak_point(int.from_bytes(point, "little")):
        raise ValueError("it is a weak key that protects nothing")
    return lambda file_key: (_wrap_ed25519(public, point, file_key),)


def identity(secret: str, path: str) -> Unwrap:
    """Make the decryption with a private key in OpenSSH's form, without a passphrase.

    Raises:
        IdentityError: malformed.
    """
    private, public = load_private(secret, None, path=path)
    if isinstance(private, RSAPrivateKey):
        return lambda stanzas: _unwrap_rsa(public, private, stanzas)
    scalar = hashlib.sha512(private.private_bytes_raw()).digest()[:32]
    exchange = X25519PrivateKey.from_private_bytes(scalar)
    return lambda stanzas: _unwrap_ed25519(public, exchange, stanzas)


def is_for(public: PublicKey, stanza: Stanza) -> bool:
    """Whether a stanza says to be for this key."""
    return stanza.type == public.type and stanza.args[:1] == (_fingerprint(public),)


def _fingerprint(public: PublicKey) -> str:
    return encode_base64(hashlib.sha256(public.blob).digest()[:4])


def _wrap_rsa(public: PublicKey, rsa: RSAPublicKey, file_key: bytes) -> Stanza:
    return Stanza(RSA, (_fingerprint(public),), rsa.encrypt(file_key, _oaep()))


def _unwrap_rsa(public: PublicKey, private: RSAPrivateKey, stanzas: Sequence[Stanza]) -> bytes | None:
    for stanza in stanzas:
        if not is_for(public, stanza):
            continue
        if len(stanza.args) != 1:
            raise malformed(stanza)
        try:
            return private.decrypt(stanza.body, _oaep())
        except ValueError:
            raise malformed(stanza) from None
    return None


def _oaep() -> OAEP:
    return OAEP(MGF1(SHA256()), SHA256(), _RSA_LABEL)


def _wrap_ed25519(public: PublicKey, point: bytes, file_key: bytes) -> Stanza:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    shared = _tweaked(public, ephemeral.exchange(X25519PublicKey.from_public_bytes(point)))
    key = hkdf(shared, share + point, _ED25519_LABEL)
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return Stanza(ED25519, (_fingerprint(public), encode_base64(share)), body)


def _unwrap_ed25519(public: PublicKey, exchange: X25519PrivateKey, stanzas: Sequence[Stanza]) -> bytes | None:
    for stanza in stanzas:
        if not is_for(public, stanza):
            continue
        if len(stanza.args) != 2:
            raise malformed(stanza)
        share = decode_argument(stanza, 1, 32)
        point = exchange.public_key().public_bytes_raw()
        try:
            shared = _tweaked(public, exchange.exchange(X25519PublicKey.from_public_bytes(share)))
            key = hkdf(shared, share + point, _ED25519_LABEL)
            return ChaCha20Poly1305(key).decrypt(bytes(12), stanza.body, None)
        except (InvalidTag, ValueError):
            # The fingerprint says that it is for this key; four bytes hardly meet by chance.
            raise malformed(stanza) from None
    return None


def _tweaked(public: PublicKey, shared: bytes) -> bytes:
    """Bind the shared secret to this very SSH key."""
    tweak = X25519PrivateKey.from_private_bytes(hkdf(b"", public.blob, _ED25519_LABEL))
    return tweak.exchange(X25519PublicKey.from_public_bytes(shared))


def _montgomery(encoded: int) -> bytes:
    """The X25519 form of an Ed25519 point: u = (1 + y) / (1 - y)."""
    y = encoded & (_SIGN - 1)
    # On the curve means that x² = (y² - 1) / (d·y² + 1) has a root (RFC 8032, 5.1.3).
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if square and pow(square, (_P - 1) // 2, _P) != 1:
        raise ValueError("it is not a valid key")
    return ((1 + y) * pow(1 - y, _P - 2, _P) % _P).to_bytes(32, "little")
