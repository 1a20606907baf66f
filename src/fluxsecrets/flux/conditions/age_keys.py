"""Private keys of age that Flux's version can't read: it stops at the first, whatever else the Secret has.

Follows `ImportKeys` of internal/decryptor/decryptor.go, and `parseIdentity` of sops's age/keysource.go. No
version reads the keys of SSH from the Secret.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.since import POST_QUANTUM
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.sops.recipients import Recipient, is_post_quantum

from .situation import Situation

_STEPS = ("spec", "decryption")
_SSH = "ssh-"


def check(situation: Situation) -> Iterator[Outcome]:
    """Whether Flux can read the keys that the settings say the cluster has."""
    written = situation.kustomization.decryption
    keys = situation.cluster.keys
    if written is None or not (written.secret or situation.cluster.controller.global_key):
        return
    if any(map(_is_ssh, keys)):
        yield situation.outcome(
            Effect.UNKNOWN,
            "decryption-key-not-read",
            "the cluster has a key of SSH, which Flux does not read from the Secret",
            _STEPS,
            "run `fluxsecrets keys generate` for a key of age, and give it to the cluster",
        )
    elif any(map(is_post_quantum, keys)) and not situation.cluster.is_sure(POST_QUANTUM):
        yield situation.outcome(
            Effect.UNKNOWN,
            "flux-version-not-known",
            f"Flux reads post-quantum keys since {POST_QUANTUM.shown}, and nothing says which version the "
            "cluster has",
            _STEPS,
            "set `flux_version` in .fluxsecrets.yaml",
        )
    elif any(map(is_post_quantum, keys)) and not situation.cluster.has(POST_QUANTUM):
        yield situation.outcome(
            Effect.FAILS,
            "decryption-key-not-read",
            "failed to parse and add to age identities: unknown identity type: the cluster has a "
            f"post-quantum key, which Flux reads since {POST_QUANTUM.shown}",
            _STEPS,
            f"update Flux to {POST_QUANTUM.shown}, or give the cluster an age key that is not post-quantum",
        )


def _is_ssh(key: Recipient) -> bool:
    return key.kind == "age" and key.id.startswith(_SSH)
