"""Values in a form that they should not have: ciphertexts, and copies in annotations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fluxsecrets.cluster.model import LiveSecret
from fluxsecrets.ops.live.causes import reconcile
from fluxsecrets.ops.live.commands import kubectl
from fluxsecrets.ops.live.messages import listed
from fluxsecrets.ops.live.model import Check, CheckInfo, LiveFinding, Subject
from fluxsecrets.ops.live.situation import Situation
from fluxsecrets.shell import command_for

INFO: Final = CheckInfo("values", "ciphertexts and copies of values")


def check(situation: Situation) -> Iterator[LiveFinding]:
    """Find Secrets whose values are ciphertexts, and Secrets with a copy of their values in an annotation."""
    places = {each.key: each for each in situation.expected.secrets}
    for live in situation.cluster.secrets:
        place = places.get(live.item.key)
        subject = Subject("Secret", *live.item.key)
        if live.ciphertexts:
            yield INFO.wrong(
                subject,
                f"{listed(sorted(live.ciphertexts))} holds a ciphertext of SOPS: Flux has not decrypted it",
                hint=_decrypt(situation, live),
                at=place,
            )
        for annotation in live.copies:
            yield INFO.wrong(
                subject,
                f"its annotation {annotation} holds a copy of the values, which `kubectl describe` prints",
                hint=_remove(situation, live, annotation),
                at=place,
            )


def _decrypt(situation: Situation, live: LiveSecret) -> str:
    owner = live.item.owner
    if owner is None:
        return "it was applied without Flux: encrypted files are not for `kubectl apply`"
    why = command_for("verify", environment=situation.environment.name)
    return f"`{why}` says why; after the fix is pushed: `{reconcile(situation, owner)}`"


def _remove(situation: Situation, live: LiveSecret, annotation: str) -> str:
    namespace, name = live.item.key
    command = kubectl(situation.cluster.origin, "annotate", "secret", name, f"{annotation}-", "-n", namespace)
    return f"`{command}` removes it; `kubectl apply --server-side` does not write it"


CHECK: Final = Check(INFO, check)
