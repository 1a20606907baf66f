"""Secret stores for reading and pushing values: one file per store, one table.

Addresses and credentials come from the user's environment. A manifest only decides the place within a store,
never where a credential is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import aws, azure, bitwarden, doppler, gcp, infisical, kubernetes, onepassword, vault
from .model import Opening, StoreClient, Stored, StoreKind, refused_manifest

__all__ = ["STORES", "Opening", "StoreClient", "StoreKind", "Stored", "kind_of", "refused_manifest"]

# fmt: off
STORES: Mapping[str, StoreKind] = MappingProxyType({kind.name: kind for kind in (
    vault.VAULT,
    vault.OPENBAO,
    aws.KIND,
    azure.KIND,
    gcp.KIND,
    onepassword.KIND,
    bitwarden.KIND,
    infisical.KIND,
    doppler.KIND,
    kubernetes.KIND,
)})
# fmt: on
"""By the name that `--provider` takes."""


def kind_of(provider: str) -> StoreKind | None:
    """Return the kind of store for a name under `spec.provider`, or None if it is not known here."""
    return next((kind for kind in STORES.values() if provider in kind.providers), None)
