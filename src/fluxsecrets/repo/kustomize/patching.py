"""The patches of a kustomization file, and what they do to all objects.

Follows kustomize's PatchTransformer, PatchStrategicMergeTransformer and PatchJson6902Transformer.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.outcome import Effect, Outcome

from .identity import duplicates, shown, shown_as
from .patches import Patch, PatchError, PatchLimitError, apply, is_for, merge_into


def patched(patch: Patch, objects: Sequence[Object], *, lenient: bool) -> tuple[list[Object], list[Outcome]]:
    """The objects after a patch, and why kustomize refuses it.

    Args:
        patch: to apply.
        objects: all there are.
        lenient: some objects are not known, so a missing one is not an error.
    """
    if patch.target is None and patch.merges:
        return _merged(patch, objects, lenient=lenient)
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
        kept += _changed(item, data, patch)
    problems += [
        _fails("duplicate-id", patch, f"may not add resource with an already registered id: {shown(item)}")
        for item in (duplicates(kept) if patch.renames or patch.changes_kind else ())
    ]
    return kept, problems[:1]


def _merged(patch: Patch, objects: Sequence[Object], *, lenient: bool) -> tuple[list[Object], list[Outcome]]:
    """Each document of a patch without a target is for one object, which must be there."""
    kept = list(objects)
    problems: list[Outcome] = []
    for merge in patch.merges:
        found = [index for index, item in enumerate(kept) if is_for(merge, item.data, item.all_names)]
        if len(found) == 1:
            item = kept[found[0]]
            try:
                data = merge_into(patch, merge, item.data)
            except PatchError as error:
                problems.append(_fails("patch-does-not-apply", patch, f"{shown(item)}: {error}"))
                continue
            kept[found[0] : found[0] + 1] = _changed(item, data, patch)
        elif found or not lenient:
            count = "multiple" if found else "no"
            reason = (
                f"{count} matches for Id {_id(merge)}; failed to find unique target for patch {_id(merge)}"
            )
            hint = "" if found else "check the name and the namespace of the patch, or give it a target"
            problems.append(replace(_fails("patch-without-match", patch, reason), hint=hint))
    return kept, problems


def _changed(item: Object, data: Plain | None, patch: Patch) -> list[Object]:
    if data is item.data:
        return [item]
    if data is None:
        return []
    mark = f"{patch.file}:{patch.line}"
    return [replace(with_data(item, data), patched_by=(*item.patched_by, mark))]


def _fails(behaviour: str, patch: Patch, reason: str) -> Outcome:
    return Outcome(Effect.FAILS, behaviour, reason, patch.file, patch.line)


def _id(merge: Plain) -> str:
    name, namespace = dig(merge, "metadata", "name"), dig(merge, "metadata", "namespace")
    return shown_as(str(merge.get("apiVersion") or ""), str(merge.get("kind")), str(name), namespace)
