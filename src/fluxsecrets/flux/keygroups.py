"""Whether the keys of a cluster open the key groups of a `sops` block."""

from __future__ import annotations

from collections.abc import Collection

from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, RecipientKey, recipient_key


def opens(metadata: Metadata, keys: Collection[RecipientKey], *, more: bool = False) -> bool | None:
    """Return whether keys open a `sops` block; None if a role for a service's key decides.

    Args:
        metadata: the block.
        keys: whose files the known private keys open.
        more: there are private keys that are not known.
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


def needs_private_key(metadata: Metadata) -> bool:
    """Whether only private keys open a `sops` block: no service has a key of it."""
    return all(KINDS[one.kind].local for group in metadata.recipients for one in group)
