"""The Secret with the keys that a Kustomization decrypts with.

Follows `ImportKeys` of internal/decryptor/decryptor.go: Flux looks in the Kustomization's own namespace, and
ignores data keys with other names than its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.flux.keys import is_useless
from fluxsecrets.repo.outcome import Effect, Outcome

from .overview import Maker
from .situation import Situation, same, shown

_STEPS = ("spec", "decryption", "secretRef", "name")
_COPIERS = ("reflector", "replicat")
"""In annotations of Secrets that a controller copies to other namespaces."""


def check(situation: Situation) -> Iterator[Outcome]:
    """Whether the Secret is there when Flux comes to it.

    One that no file makes was made by hand, as usual. That is taken for granted of the Secret that most
    Kustomizations have.
    """
    written = situation.kustomization
    if written.decryption is None or not written.decryption.secret:
        return
    wanted = (written.namespace, written.decryption.secret)
    reason = f'secrets "{wanted[1]}" not found'
    makers = situation.overview.secrets.get(wanted[1], ())
    here = [each for each in makers if same(each.key, wanted)]
    if here:
        yield from _made(situation, here, reason)
    elif situation.store.get("Secret", *wanted) is not None:
        return  # the settings say that something else makes it
    elif makers:
        yield _elsewhere(situation, makers[0], reason)
    elif wanted not in situation.overview.usual_secrets:
        place = f"in the namespace {wanted[0]}" if wanted[0] else "in its namespace"
        yield situation.outcome(
            Effect.UNKNOWN,
            "decryption-secret-not-known",
            f"{reason}, unless it was made by hand {place}",
            _STEPS,
            "name the Secret that the others decrypt with, or name this one under `in_cluster` of the "
            "environment in .fluxsecrets.yaml",
        )


def _made(situation: Situation, makers: list[Maker], reason: str) -> Iterator[Outcome]:
    own = [each.item for each in makers if each.applied.key == situation.applied.key]
    if len(own) == len(makers) and situation.store.get("Secret", *makers[0].key) is None:
        yield situation.outcome(
            Effect.UNKNOWN,
            "decryption-secret-of-its-own",
            f"{reason}, unless it was made by hand: this Kustomization makes it itself, in {own[0].file}",
            _STEPS,
            "make it in a Kustomization that this one depends on, or name it under `in_cluster` of the "
            "environment in .fluxsecrets.yaml",
        )
    held = situation.store.get("Secret", situation.kustomization.namespace, makers[0].item.name)
    if held is not None and held.values and is_useless(held):
        keys = ", ".join(sorted(held.values))
        yield Outcome(
            Effect.ALTERED,
            "decryption-keys-ignored",
            f"Flux ignores all data keys of the Secret {makers[0].item.name!a} ({keys})",
            makers[0].item.file,
            makers[0].item.line,
            "name an age identity `age.agekey`, a PGP key `sops.asc`",
        )


def _elsewhere(situation: Situation, maker: Maker, reason: str) -> Outcome:
    item = maker.item
    place = f"it is in {shown(maker.key)} only ({item.file})"
    if any(word in name.lower() for name in item.annotations for word in _COPIERS):
        return situation.outcome(
            Effect.UNKNOWN, "decryption-secret-elsewhere", f"{reason}, unless it is copied: {place}", _STEPS
        )
    hint = f"add the Secret to the namespace {situation.kustomization.namespace}, too"
    return situation.outcome(Effect.FAILS, "decryption-secret-elsewhere", f"{reason}: {place}", _STEPS, hint)
