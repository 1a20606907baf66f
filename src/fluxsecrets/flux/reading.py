"""Whether a cluster's keys open a `sops` block, and whether the identities at hand do."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.shell import command_for
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.metadata import Metadata

from .keygroups import needs_private_key
from .model import Cluster


class Access(StrEnum):
    """Whether the cluster can decrypt."""

    OPEN = "open"
    CLOSED = "closed"
    NOT_KNOWN = "not known"
    """Nothing says which keys the cluster has, and it takes a private key to decrypt."""


class Found(NamedTuple):
    """Whether the cluster can decrypt, and the data key where an identity at hand opens it."""

    state: Access
    key: DataKey | None


def access(metadata: Metadata, cluster: Cluster) -> Found:
    """Look for the data key of a `sops` block."""
    opens = cluster.opens(metadata)
    if opens is False:
        return Found(Access.CLOSED, None)
    # The role that a cluster has for a service's keys is not in the repository.
    state = Access.NOT_KNOWN if opens is None and needs_private_key(metadata) else Access.OPEN
    return Found(state, cluster.data_key(metadata))


def without_key(metadata: Metadata) -> str:
    """Why the controller stops, if the cluster's keys open too little."""
    who = "none of the cluster's keys opens it"
    if len(metadata.key_groups) > 1:
        needed = metadata.shamir_threshold or len(metadata.key_groups)
        who = f"the cluster's keys open too few groups, at least {needed} groups have to be successful"
    return f"cannot get sops data key: Failed to get the data key required to decrypt the SOPS file: {who}"


def key_hint(cluster: Cluster, path: str) -> str:
    """What to do about a file that the cluster's keys do not open."""
    if cluster.without_keys:
        return cluster.without_keys
    sync = command_for("recipients sync", [path])
    return f"add the cluster's key to the file's creation rule, then run `{sync}`"


def not_known(path: str | None, line: int | None, what: str) -> Outcome:
    """The outcome where nothing says which keys the cluster has."""
    return Outcome(
        Effect.UNKNOWN,
        "cluster-key-not-known",
        f"nothing says which key the cluster has, so it cannot be told whether it decrypts {what}",
        path,
        line,
        "name the cluster's public key under `cluster_recipients` of the environment in .fluxsecrets.yaml",
    )


def changed(path: str, line: int | None, cluster: Cluster) -> tuple[Outcome, ...]:
    """The outcome for a decrypted file that somebody changed after it was encrypted."""
    reason = cluster.changed(path)
    if reason is None:
        return ()
    return (
        Outcome(
            Effect.ALTERED,
            "mac-not-checked",
            f"{reason}; Flux does not check the MAC, and applies the file",
            path,
            line,
            "compare the file with git; to change a plain value, decrypt it, change it, and encrypt it again",
        ),
    )
