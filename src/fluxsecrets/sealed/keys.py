"""The controller's private keys from a backup: PEM, or TLS Secrets."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from fluxsecrets.errors import FluxsecretsError, IdentityError
from fluxsecrets.repo.manifests import Manifest, child, read_manifests, text_of
from fluxsecrets.sops.formats import Limits

_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\s.*?-----END \1-----", re.DOTALL)
_BACK_UP = (
    "back the keys up with `kubectl get secret -n kube-system "
    "-l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml`"
)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A private key of the controller.

    Attributes:
        key: the key; never shown.
        origin: where it was found, for messages.
    """

    key: RSAPrivateKey = field(repr=False)
    origin: str

    def __reduce__(self) -> tuple[object, ...]:
        # Workers that are not forked receive it through a pipe.
        der = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return _from_der, (der, self.origin)


def any_opens(keys: Iterable[SealingKey], public: RSAPublicKey) -> bool:
    """Whether one of the private keys belongs to a public key."""
    numbers = public.public_numbers()
    return any(key.key.public_key().public_numbers() == numbers for key in keys)


def _from_der(der: bytes, origin: str) -> SealingKey:
    key = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)  # noqa: S101 - it was one
    return SealingKey(key, origin)


def parse_keys(data: bytes, origin: str, limits: Limits = Limits()) -> tuple[SealingKey, ...]:  # noqa: B008 - frozen
    """Return all private keys of a file, in order.

    The data is PEM, or TLS Secrets as YAML or JSON, several documents or a List.

    Raises:
        IdentityError: the file has no key, or a key is damaged, locked, or not RSA. It shows no key.
    """
    if re.match(
        rb"\s*(?:#[^\n]*\n\s*|-----BEGIN CERT.*?-----END CERT[A-Z]*-----\s*)*-----BEGIN", data, re.DOTALL
    ):
        keys = tuple(SealingKey(_load(block[0], origin), origin) for block in _BLOCK.finditer(data))
    else:
        keys = tuple(_from_manifests(data, origin, limits))
    if not keys:
        raise IdentityError("contains no private key of the controller", path=origin, hint=_BACK_UP)
    return keys


def _from_manifests(data: bytes, origin: str, limits: Limits) -> Iterator[SealingKey]:
    try:
        file = read_manifests(data, origin, limits)
    except FluxsecretsError as error:
        raise IdentityError(
            "is neither PEM nor a YAML or JSON file with TLS Secrets",
            path=origin,
            line=error.line,
            hint=_BACK_UP,
        ) from None
    for manifest in file.manifests:
        if not manifest.is_secret:
            continue
        pem = _tls_key(manifest)
        if pem is None:
            raise IdentityError(
                f"the Secret {manifest.name!a} has no tls.key", path=origin, line=manifest.line, hint=_BACK_UP
            )
        shown = ascii(manifest.name)[1:-1]
        yield SealingKey(_load(pem, origin), f"{origin}, Secret {shown}")


def _tls_key(manifest: Manifest) -> bytes | None:
    plain = text_of(child(manifest.node, "stringData", "tls.key"))
    if plain is not None:
        return plain.encode()
    encoded = text_of(child(manifest.node, "data", "tls.key"))
    if encoded is None:
        return None
    try:
        return b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _load(pem: bytes, origin: str) -> RSAPrivateKey:
    try:
        # Checking the primes takes a tenth of a second per key, and there may be dozens. The file is the
        # user's own, and a damaged key just opens nothing.
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, UnsupportedAlgorithm):
        raise IdentityError("a private key in it is damaged", path=origin, hint=_BACK_UP) from None
    except TypeError:  # cryptography's error for a missing passphrase
        raise IdentityError(
            "a private key in it is locked with a passphrase",
            path=origin,
            hint="unlock a copy with `openssl pkey`, and don't write it to disk",
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise IdentityError("a private key in it is not an RSA key", path=origin, hint=_BACK_UP)
    return key
