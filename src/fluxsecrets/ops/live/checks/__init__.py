"""The checks of a cluster, one file each, in the order in which they are shown."""

from __future__ import annotations

from fluxsecrets.ops.live.model import Check

from . import decryptionkeys, externalsecrets, kustomizations, leftovers, sealedsecrets, secrets, values

CHECKS: tuple[Check, ...] = (
    kustomizations.CHECK,
    decryptionkeys.CHECK,
    secrets.CHECK,
    leftovers.CHECK,
    values.CHECK,
    sealedsecrets.CHECK,
    externalsecrets.CHECK,
)
