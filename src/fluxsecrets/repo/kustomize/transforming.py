"""What the transformers of a kustomization file make of the objects, in kustomize's order.

Follows `configureBuiltinTransformers` in kustomize's api/internal/target: strategic merge patches, patches,
namespace, prefix and suffix, labels, annotations, JSON 6902 patches, replicas, images, replacements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.manifests import read_documents, with_value
from fluxsecrets.repo.objects import Object, with_data
from fluxsecrets.repo.tree import Note
from fluxsecrets.sops.document import to_data

from .addedkeys import HINT, REASON, added_keys
from .alike import Alike
from .built import Overlay
from .called import Called
from .definitions import make_whole_where_named, whole_where_patched
from .identity import duplicates, shown
from .images import with_added, with_image
from .kustomizationfile import KustomizationFile, PatchEntry, ReplacementEntry
from .labelling import with_annotations, with_labels
from .naming import in_namespace, with_affixes
from .patches import Patch, PatchError
from .patchfiles import Refused
from .patching import merge_named, patched
from .reading import unreadable
from .record import Record
from .replacements import NotModelledError, read_replacements, replace_values
from .resourcefile import after_merge

_SCALED = frozenset({"Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"})


def transform(
    record: Record,
    file: KustomizationFile,
    objects: list[Object],
    overlay: Overlay,
    read: Callable[[str, PatchEntry], Sequence[Patch] | Refused],
    alike: Alike,
) -> list[Object]:
    """The objects after all transformers.

    Args:
        record: what is found on the way.
        file: with the transformers.
        objects: before them.
        overlay: what counts instead of some of them.
        read: gives the patch of an entry of the file.
        alike: what the same transformers made of the same data elsewhere.
    """
    entries = [
        (entry.field, patch) for entry in file.edits for patch in _known(record, read(file.path, entry))
    ]
    early = [patch for field, patch in entries if field != "patchesJson6902"]
    for outcome in overlay.refused:
        record.outcomes[outcome] = None
        record.incomplete = True
    objects = _patched(record, (*early, *overlay.patches), objects)
    namespace = overlay.namespace or file.namespace
    if namespace is not None:
        objects = [alike(item, ("namespace", namespace), in_namespace(item, namespace)) for item in objects]
        for item in duplicates(objects):
            reason = f"namespace transformation produces ID conflict: {shown(item)}"
            if not any(each.behaviour == "duplicate-id" for each in record.outcomes):
                record.fails("duplicate-id", reason, item.file, item.line)
    prefix = overlay.name_prefix if overlay.name_prefix is not None else file.name_prefix
    suffix = overlay.name_suffix if overlay.name_suffix is not None else file.name_suffix
    if prefix or suffix:
        objects = [with_affixes(item, prefix or "", suffix or "") for item in objects]
    unlabelled = objects
    for labels in file.labels:
        objects = [with_labels(item, labels) for item in objects]
    if file.annotations:
        objects = [with_annotations(item, file.annotations) for item in objects]
    _check_keys(record, unlabelled, objects, file.path, 1)
    objects = _patched(record, (patch for field, patch in entries if field == "patchesJson6902"), objects)
    for name, count, line in file.replicas:
        objects = _scaled(record, file, name, count, line, objects)
    for image in with_added(file.images, overlay.images):
        objects = [with_image(item, image) for item in objects]
    for entry in file.replacements:
        objects = _replaced(record, file, entry, objects)
    return objects


def _patched(record: Record, patches: Iterable[Patch], objects: list[Object]) -> list[Object]:
    """The objects after patches."""
    called: Called | None = None  # while patches without a target follow each other
    for patch in patches:
        if patch.merges:
            record.outcomes = dict.fromkeys(map(after_merge, record.outcomes))
        if patch.target is None:
            called = Called(objects) if called is None else called
            make_whole_where_named(record.tree, patch, called)
            problems = merge_named(patch, called, lenient=record.incomplete)
        else:
            objects, called = list(called) if called is not None else objects, None
            objects = whole_where_patched(record.tree, patch, objects)
            objects, problems = patched(patch, objects)
        for problem in problems:
            record.outcomes[problem] = None
            record.incomplete = True
            message = f"a patch does not fit: {problem.reason}"
            record.note(Note(patch.file, patch.line, message, warning=True))
    return list(called) if called is not None else objects


def _known(record: Record, read: Sequence[Patch] | Refused) -> Sequence[Patch]:
    """The patch of an entry; none where it cannot be read."""
    if isinstance(read, Refused):
        record.note(
            Note(read.path, read.line, f"not analysed: a patch cannot be read: {read.reason}", warning=True)
        )
        if read.known:
            record.fails("patch-refused", read.reason, read.path, read.line)
        else:
            record.unknown("unreadable-patch", read.reason, read.path, read.line)
        return ()
    return read


def _check_keys(
    record: Record, before: list[Object], after: list[Object], path: str, line: int | None
) -> None:
    """Tell keys that were added and are no texts."""
    if before is after:
        return
    for item, key in added_keys(before, after):
        record.fails("key-not-text", f"{REASON}: {key!a} in {shown(item)}", path, line, HINT)


def _scaled(
    record: Record, file: KustomizationFile, name: str, count: int, line: int, objects: list[Object]
) -> list[Object]:
    """The objects after an entry of `replicas`."""
    found = [
        item for item in objects if item.kind in _SCALED and any(name == one for _, one in item.all_names)
    ]
    if not found and not record.incomplete:
        reason = f"resource with name {name} does not match a config with the following GVK"
        record.fails("replicas-without-match", reason, file.path, line)
    return [
        with_data(item, with_value(item.data, ("spec", "replicas"), count)) if item in found else item
        for item in objects
    ]


def _replaced(
    record: Record, file: KustomizationFile, entry: ReplacementEntry, objects: list[Object]
) -> list[Object]:
    """The objects after an entry of `replacements`."""
    place, data = file.path, entry.inline
    try:
        if entry.path is not None:
            found = record.tree.locate(entry.path.path)
            if found is None or found not in record.tree.files:
                return objects
            place = found
            data = to_data(read_documents(record.tree.read(found), found, record.tree.limits)[0])
        for replacement in read_replacements(data, place, entry.line if place == file.path else 1):
            before, objects = objects, replace_values(replacement, objects)
            _check_keys(record, before, objects, place, replacement.line)
    except FluxsecretsError as error:
        record.note(unreadable(place, error))
        record.unknown("unreadable-replacement", error.message, place, error.line)
    except NotModelledError as error:
        record.unknown("not-modelled", f"{error} is not analysed", file.path, entry.line)
    except PatchError as error:
        if not record.incomplete:
            record.fails("replacement-refused", str(error), file.path, entry.line)
        message = f"not analysed: a replacement does not fit: {error}"
        record.note(Note(file.path, entry.line, message, warning=True))
    return objects
