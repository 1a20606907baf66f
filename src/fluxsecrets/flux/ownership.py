"""Objects that several Kustomizations apply, each with other content.

Flux's field manager is the same for all Kustomizations, so that each one takes the object from the other at
every reconciliation. If one of them stops applying it, it is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import key_with, with_data
from fluxsecrets.repo.outcome import Effect, Outcome

from .model import KustomizationVerdict, ObjectVerdict, Verdict
from .unknown import is_unknown
from .wording import formatted

_GROUP = "kustomize.toolkit.fluxcd.io"
_SHARED = {f"{_GROUP}/ssa": ("Merge", "IfNotPresent", "Ignore"), f"{_GROUP}/reconcile": ("disabled",)}
"""Annotations and labels of objects that Flux does not take from others."""


class Ownership:
    """Which Kustomization applies which object, among those that were judged."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._owners: dict[tuple[str, str, str | None, str], tuple[str, Plain]] = {}

    def add(self, verdict: KustomizationVerdict) -> tuple[Outcome, ...]:
        """Add what a Kustomization applies.

        Returns:
            Its objects that an earlier Kustomization applies with other content.
        """
        written = verdict.applied.kustomization
        if written is None or written.remote or written.suspend or verdict.verdict is Verdict.FAILS:
            return ()
        return tuple(self._contested(verdict, "/".join(part for part in written.key if part)))

    def _contested(self, verdict: KustomizationVerdict, name: str) -> Iterator[Outcome]:
        for each in verdict.objects:
            if each.data is None or _is_shared(each):
                continue
            key = key_with(each.item, each.data)  # its name may hold variables
            if is_unknown(key[2]) or is_unknown(key[3]):
                continue
            owner, data = self._owners.setdefault(key, (name, each.data))
            if owner != name and data != each.data:
                item = with_data(each.item, each.data)
                reason = f"{formatted(item)} is applied by {owner} too: each overwrites the other's"
                yield Outcome(
                    Effect.ALTERED,
                    "applied-twice",
                    reason,
                    item.file,
                    item.line,
                    "let one Kustomization apply it",
                )


def _is_shared(each: ObjectVerdict) -> bool:
    labels, annotations = each.item.labels, each.item.annotations
    if not labels and not annotations:
        return False
    known = {**labels, **annotations}
    return any(known.get(name) in values for name, values in _SHARED.items())
