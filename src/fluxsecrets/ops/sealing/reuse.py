"""Reuse ciphertexts whose value is proven to be the same, by a private key or by HEAD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import Manifest, read_manifests
from fluxsecrets.repo.secretobject import read_secret
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.codec import open_value
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.model import SealedSecret, is_sealed, read_sealed
from fluxsecrets.sops.formats import Limits

Place = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about existing sealed values.

    Attributes:
        at_head: the output's SealedSecrets at HEAD.
        values_at_head: the input's plain values at HEAD.
    """

    sealed: Mapping[Place, SealedSecret] = field(default_factory=dict, repr=False)
    at_head: Mapping[Place, SealedSecret] = field(default_factory=dict, repr=False)
    values_at_head: Mapping[Place, Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    keys: tuple[SealingKey, ...] = ()

    def ciphertext(
        self, certificate: Certificate, place: Place, label: bytes, key: str, value: bytes
    ) -> str | None:
        """Return the existing ciphertext of a value in its place, or None.

        The certificate's own private key proves that the value is the same; a value that an older key opens
        is sealed again. HEAD proves it if input and output are unchanged since.
        """
        sealed = self.sealed.get(place) or self.at_head.get(place)
        text = sealed.encrypted.get(key) if sealed is not None and sealed.label == label else None
        if text is None:
            return None
        return (
            text
            if self._by_key(certificate, text, label, value) or self._by_head(place, key, text, value)
            else None
        )

    def _by_key(self, certificate: Certificate, text: str, label: bytes, value: bytes) -> bool:
        own = certificate.key.public_numbers()
        keys = [each.key for each in self.keys if each.key.public_key().public_numbers() == own]
        try:
            found = open_value(keys, text, (label,)) if keys else None
        except FluxsecretsError:
            return False
        return found is not None and found.data == value

    def _by_head(self, place: Place, key: str, text: str, value: bytes) -> bool:
        before = self.at_head.get(place)
        return (
            before is not None
            and before.encrypted.get(key) == text
            and self.values_at_head.get(place, {}).get(key) == value
        )


def sealed_by_place(data: bytes | None, limits: Limits) -> dict[Place, SealedSecret]:
    """Return the SealedSecrets of a file by namespace and name, or nothing if it can't be parsed."""
    found = {}
    for manifest in _manifests(data, limits):
        if is_sealed(manifest):
            try:
                sealed = read_sealed(manifest.node)
            except FluxsecretsError:
                continue
            found[sealed.namespace, sealed.name] = sealed
    return found


def values_by_place(manifests: Sequence[Manifest]) -> dict[Place, Mapping[str, bytes]]:
    """Return the values of Secrets by namespace and name."""
    found: dict[Place, Mapping[str, bytes]] = {}
    for manifest in manifests:
        if manifest.is_secret:
            try:
                secret = read_secret(manifest.node)
            except FluxsecretsError:
                continue
            found[secret.namespace, secret.name] = secret.values
    return found


def _manifests(data: bytes | None, limits: Limits) -> Sequence[Manifest]:
    if not data:
        return ()
    try:
        return read_manifests(data, "", limits).manifests
    except FluxsecretsError:
        return ()
