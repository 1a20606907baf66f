"""The checks of a cluster, one file each, in the order in which they are shown."""

from __future__ import annotations

from fluxsecrets.ops.live.model import Check

from . import decryptionkeys, kustomizations

CHECKS: tuple[Check, ...] = (
    kustomizations.CHECK,
    decryptionkeys.CHECK,
)
