"""What a `sops` block says about who can read a file and what is encrypted in it."""

from __future__ import annotations

from fluxsecrets.sops.envelope import groups_needed
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import recipient_key


def protection(metadata: Metadata) -> tuple[object, ...]:
    """Return what two blocks have in common if they protect a file in the same way.

    Wrapped keys, the MAC and times are not in it.
    """
    groups = metadata.recipients
    return (
        tuple(frozenset(recipient_key(each) for each in group) for group in groups),
        groups_needed(groups, metadata.shamir_threshold),
        metadata.selector,
        metadata.mac_only_encrypted,
        metadata.unknown,
    )
