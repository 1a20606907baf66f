"""What kustomize does last, with the objects of the outermost folder.

Follows `makeCustomizedResMap` in api/internal/target: references follow the names, local configuration is
dropped, and the objects are sorted. The hashes at the ends of generated names are left to
`generating.hash_suffix`, since they are those of decrypted contents.
"""

from __future__ import annotations

from dataclasses import replace

from .built import Built
from .identity import duplicates, shown
from .naming import with_references
from .objects import Object
from .outcome import Effect, Outcome

_LOCAL = "config.kubernetes.io/local-config"


def finished(built: Built) -> Built:
    """A build with the last steps done."""
    objects, unclear = with_references(built.objects)
    outcomes = dict.fromkeys(built.outcomes)
    for item, steps, name in unclear:
        reason = f"updating name reference in {shown(item)}: found multiple possible referrals: {name!a}"
        outcomes[Outcome(Effect.FAILS, "ambiguous-reference", reason, item.file, item.line_at(steps))] = None
    for item in duplicates(objects):
        reason = f"may not add resource with an already registered id: {shown(item)}"
        outcomes.setdefault(Outcome(Effect.FAILS, "duplicate-id", reason, item.file, item.line))
    kept = tuple(item for item in objects if not _is_local(item))
    return replace(built, objects=kept, outcomes=tuple(outcomes))


def _is_local(item: Object) -> bool:
    return item.annotations.get(_LOCAL, "false") != "false"
