"""The primitives of the package cryptography that nearly all files need, from its compiled half.

The public modules name the same objects, and import block modes, other curves, RSA and serialisation around
them. If the compiled half is arranged in another way, the primitives come from the public modules after all.
"""

from __future__ import annotations

__all__ = ["AESGCM", "ChaCha20Poly1305", "invalid_tag", "x25519_generate", "x25519_private", "x25519_public"]

try:
    from cryptography.hazmat.bindings._rust import openssl

    if openssl.is_fips_enabled():
        raise ImportError("the public modules know what is left out in FIPS mode")  # noqa: TRY301
    AESGCM: type[openssl.aead.AESGCM] = openssl.aead.AESGCM
    ChaCha20Poly1305: type[openssl.aead.ChaCha20Poly1305] = openssl.aead.ChaCha20Poly1305
    x25519_generate = openssl.x25519.generate_key
    x25519_private = openssl.x25519.from_private_bytes
    x25519_public = openssl.x25519.from_public_bytes
except (ImportError, AttributeError):
    from cryptography.hazmat.primitives.asymmetric import x25519
    from cryptography.hazmat.primitives.ciphers import aead

    AESGCM = aead.AESGCM
    ChaCha20Poly1305 = aead.ChaCha20Poly1305
    x25519_generate = x25519.X25519PrivateKey.generate
    x25519_private = x25519.X25519PrivateKey.from_private_bytes
    x25519_public = x25519.X25519PublicKey.from_public_bytes


def invalid_tag() -> type[Exception]:
    """The error of a decryption whose tag does not fit.

    `except invalid_tag():` imports it only when something was raised.
    """
    from cryptography.exceptions import InvalidTag

    return InvalidTag
