"""Whether keys of a cluster open a file."""

from __future__ import annotations

from collections.abc import Collection

from fluxsecrets.cluster.model import ClusterKeys
from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, RecipientKey, recipient_key


def recipient_keys(keys: ClusterKeys) -> frozenset[RecipientKey]:
    """Return whose files the private keys of a Secret open."""
    return frozenset(recipient_key(one) for found in keys.recipients.values() for one in found)


def opens(metadata: Metadata, keys: Collection[RecipientKey], *, more: bool = False) -> bool | None:
    """Return whether keys open a `sops` block; None if a role for a service's key decides.

    Args:
        metadata: the block.
        keys: the private keys that are known.
        more: there are private keys that could not be read.
    """
    groups = metadata.recipients
    needed = groups_needed(groups, metadata.shamir_threshold)
    known = [any(recipient_key(one) in keys for one in group) for group in groups]
    if sum(known) >= needed:
        return True
    possible = [
        opened or any(more or not KINDS[one.kind].local for one in group)
        for opened, group in zip(known, groups, strict=True)
    ]
    return None if sum(possible) >= needed else False
