"""What kustomize does last, with the objects of the outermost folder.

Follows `makeCustomizedResMap` in api/internal/target: references follow the names, local configuration is
dropped, and the objects are sorted. The hashes at the ends of generated names are left to
`generating.hash_suffix`, since they are those of decrypted contents.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome

from .built import Built
from .identity import duplicates, shown
from .naming import with_references

_OWN = "kustomize.config.k8s.io"
_LOCAL = "config.kubernetes.io/local-config"


def finished(built: Built) -> Built:
    """A build with the last steps done."""
    objects, unclear = with_references(built.objects)
    outcomes = dict.fromkeys(built.outcomes)
    for item, steps, name in unclear:
        reason = f"updating name reference in {shown(item)}: found multiple possible referrals: {name!a}"
        outcomes[Outcome(Effect.FAILS, "ambiguous-reference", reason, item.file, item.line_at(steps))] = None
    if not any(outcome.behaviour == "duplicate-id" for outcome in outcomes):
        for item in duplicates(objects):
            reason = f"may not add resource with an already registered id: {shown(item)}"
            outcomes[Outcome(Effect.FAILS, "duplicate-id", reason, item.file, item.line)] = None
    printed = [item for item in objects if not _is_local(item)]
    outcomes |= dict.fromkeys(outcome for item in printed for outcome in _unread(item))
    kept = tuple(item for item in printed if _has_name(item) and not _is_kustomizes_own(item))
    return replace(built, objects=kept, outcomes=tuple(outcomes))


def _unread(item: Object) -> Iterator[Outcome]:
    """What Flux cannot read of what kustomize prints (`ReadObjects` in fluxcd/pkg/ssa/utils)."""
    if not item.api_version:
        reason = "failed to decode Kubernetes apiVersion, kind and name"
        hint = "add the apiVersion of its kind"
        yield Outcome(Effect.FAILS, "api-version-missing", reason, item.file, item.line, hint)
    elif not _has_name(item):
        reason = f"the name of {item.kind} {item.name!a} is not a text, so Flux drops the object silently"
        line = item.line_at(("metadata", "name"))
        yield Outcome(Effect.ALTERED, "object-dropped", reason, item.file, line, "put quotes around it")


def _has_name(item: Object) -> bool:
    return isinstance(dig(item.data, "metadata", "name"), str)


def _is_kustomizes_own(item: Object) -> bool:
    return item.kind.lower() == "kustomization" and item.group == _OWN


def _is_local(item: Object) -> bool:
    return item.annotations.get(_LOCAL, "false") != "false"
