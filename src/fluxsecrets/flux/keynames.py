"""The data keys of a Secret in which kustomize-controller looks for keys, by their names.

Follows `ImportKeys` of internal/decryptor/decryptor.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AGE_SUFFIX: Final = ".agekey"
"""Ending of data keys with age identities."""

PGP_SUFFIX: Final = ".asc"
"""Ending of data keys with private PGP keys."""

CREDENTIALS: Final[Mapping[str, str]] = {
    "kms": "sops.aws-kms",
    "gcp_kms": "sops.gcp-kms",
    "azure_kv": "sops.azure-kv",
    "hc_vault": "sops.vault-token",
}
"""By the kind of key, the data key with credentials for its service; Huawei Cloud has none."""

SERVICES: Final = frozenset(CREDENTIALS.values())


def is_private_key(name: str) -> bool:
    """Whether Flux looks for private keys in a data key."""
    return name.endswith((AGE_SUFFIX, PGP_SUFFIX))


def is_read(name: str) -> bool:
    """Whether Flux reads a data key; it silently ignores all others."""
    return name in SERVICES or is_private_key(name)
