"""The checks of a cluster, one file each, in the order in which they are shown."""

from __future__ import annotations

from fluxsecrets.ops.live.model import Check

from . import (
    controller,
    decryptionkeys,
    externalsecrets,
    kustomizations,
    leftovers,
    revisions,
    sealedsecrets,
    secrets,
    sources,
    values,
    workloadidentity,
)

CHECKS: tuple[Check, ...] = (
    controller.CHECK,
    sources.CHECK,
    kustomizations.CHECK,
    revisions.CHECK,
    decryptionkeys.CHECK,
    workloadidentity.CHECK,
    secrets.CHECK,
    leftovers.CHECK,
    values.CHECK,
    sealedsecrets.CHECK,
    externalsecrets.CHECK,
)
