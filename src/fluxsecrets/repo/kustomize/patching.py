"""The patches of a kustomization file, and what they do to all objects.

Follows kustomize's PatchTransformer, PatchStrategicMergeTransformer and PatchJson6902Transformer.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.outcome import Effect, Outcome

from .called import Called
from .identity import duplicates, shown, shown_as
from .patches import Patch, PatchError, PatchLimitError, apply, merge_into


def patched(patch: Patch, objects: Sequence[Object]) -> tuple[list[Object], list[Outcome]]:
    """The objects after a patch with a target, and why kustomize refuses it.

    Args:
        patch: to apply.
        objects: all there are.
    """
    kept: list[Object] = []
    problems: list[Outcome] = []
    for item in objects:
        try:
            data = apply(patch, item.data, item.all_names)
        except PatchLimitError as error:
            reason = f"{shown(item)}: {error}"
            problems.append(Outcome(Effect.UNKNOWN, "build-limit", reason, patch.file, patch.line))
            data = item.data
        except PatchError as error:
            problems.append(_fails("patch-does-not-apply", patch, f"{shown(item)}: {error}"))
            data = item.data
        changed = _changed(item, data, patch)
        if changed is not None:
            kept.append(changed)
    problems += [
        _fails("duplicate-id", patch, f"may not add resource with an already registered id: {shown(item)}")
        for item in (duplicates(kept) if patch.renames or patch.changes_kind else ())
    ]
    return kept, problems[:1]


def merge_named(patch: Patch, objects: Called, *, lenient: bool) -> list[Outcome]:
    """Apply a patch without a target, and return why kustomize refuses it.

    Each of its documents is for one object, which must be there.

    Args:
        patch: to apply.
        objects: all there are; they are changed.
        lenient: some objects are not known, so a missing one is not an error.
    """
    problems: list[Outcome] = []
    for merge in patch.merges:
        found = objects.meant(merge)
        if len(found) == 1:
            place, item = found[0]
            try:
                data = merge_into(patch, merge, item.data)
            except PatchError as error:
                problems.append(_fails("patch-does-not-apply", patch, f"{shown(item)}: {error}"))
                continue
            objects.put(place, _changed(item, data, patch))
        elif found or not lenient:
            count = "multiple" if found else "no"
            reason = (
                f"{count} matches for Id {_id(merge)}; failed to find unique target for patch {_id(merge)}"
            )
            hint = "" if found else "check the name and the namespace of the patch, or give it a target"
            problems.append(replace(_fails("patch-without-match", patch, reason), hint=hint))
    return problems


def _changed(item: Object, data: Plain | None, patch: Patch) -> Object | None:
    if data is item.data or data is None:
        return item if data is not None else None
    mark = f"{patch.file}:{patch.line}"
    return replace(with_data(item, data), patched_by=(*item.patched_by, mark))


def _fails(behaviour: str, patch: Patch, reason: str) -> Outcome:
    return Outcome(Effect.FAILS, behaviour, reason, patch.file, patch.line)


def _id(merge: Plain) -> str:
    name, namespace = dig(merge, "metadata", "name"), dig(merge, "metadata", "namespace")
    return shown_as(str(merge.get("apiVersion") or ""), str(merge.get("kind")), str(name), namespace)
