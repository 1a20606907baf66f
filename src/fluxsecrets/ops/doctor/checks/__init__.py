"""The checks of `doctor`, one file each, in the order in which they are shown."""

from __future__ import annotations

from fluxsecrets.ops.doctor.model import Check

from . import (
    agent,
    appliers,
    attributes,
    clock,
    configuration,
    drivers,
    environments,
    flux,
    git,
    gpg,
    history,
    hooks,
    identities,
    keyfiles,
    keyring,
    kubectl,
    libraries,
    othertools,
    plugins,
    repository,
    secrets,
    textconvs,
    versions,
)

CHECKS: tuple[Check, ...] = (
    versions.CHECK,
    git.CHECK,
    repository.CHECK,
    configuration.CHECK,
    history.CHECK,
    clock.CHECK,
    hooks.CHECK,
    othertools.CHECK,
    drivers.CHECK,
    attributes.CHECK,
    textconvs.CHECK,
    keyfiles.CHECK,
    keyring.CHECK,
    gpg.CHECK,
    plugins.CHECK,
    libraries.CHECK,
    identities.CHECK,
    agent.CHECK,
    environments.CHECK,
    flux.CHECK,
    kubectl.CHECK,
    appliers.CHECK,
    secrets.CHECK,
)
