"""The checks of `doctor`, one file each, in the order in which they are shown."""

from __future__ import annotations

from fluxsecrets.ops.doctor.model import Check

from . import (
    attributes,
    drivers,
    environments,
    git,
    history,
    hooks,
    identities,
    libraries,
    othertools,
    repository,
    textconvs,
)

CHECKS: tuple[Check, ...] = (
    git.CHECK,
    repository.CHECK,
    history.CHECK,
    hooks.CHECK,
    othertools.CHECK,
    drivers.CHECK,
    attributes.CHECK,
    textconvs.CHECK,
    libraries.CHECK,
    identities.CHECK,
    environments.CHECK,
)
