"""Patches that take values out of a Secret, or the Secret as a whole, while its file stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Severity
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_kustomization, is_proposal_name
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.sides import Side
from fluxsecrets.repo.proposals import MAPS, read_entries
from fluxsecrets.sops.document import Data, to_data
from fluxsecrets.sops.formats.either import load_either

from .kind import Kind, describe, item, listed

INFO = describe(
    "value-removed",
    Severity.MEDIUM,
    "a patch removes values of a Secret",
    why="Flux applies the Secret without them, although its file still has them. What uses them fails when "
    "it restarts.",
    fix="check that nothing uses these values any more",
)
_WHOLE = "the whole Secret"


def check(change: Change) -> Iterator[ReviewItem]:
    """Find what patches, in files of their own or in kustomization files, remove now and did not before."""
    for each in change.files:
        if each.after is None:
            continue
        old = _removed(change.before, each.old_path or each.path) if each.before is not None else {}
        for name, keys in _removed(change.after, each.path).items():
            new = [key for key in keys if key not in old.get(name, ())]
            if new:
                yield item(
                    INFO,
                    each.path,
                    f"a patch removes {listed(new)}",
                    name,
                    environments=change.environments_of(each),
                    object_=f"Secret/{name}",
                )


def _removed(side: Side, path: str) -> dict[str, tuple[str, ...]]:
    """What the patches in a file remove, by Secret."""
    data = side.read(path) if path.endswith(MANIFEST_SUFFIXES) else None
    if data is None or b"Secret" not in data:
        return {}
    try:
        if is_kustomization(path):
            patches = [entry.patch for entry in read_entries(data, path, side.tree.limits)]
        else:
            patches = [to_data(node) for node in load_either(data, side.tree.limits)]
    except FluxsecretsError:
        return {}  # `verify` reports it
    found: dict[str, tuple[str, ...]] = {}
    for patch in patches:
        name, keys = _removed_by(patch, mixed=is_kustomization(path) or is_proposal_name(path))
        if keys:
            found[name] = (*found.get(name, ()), *keys)
    return found


def _removed_by(patch: Data, *, mixed: bool) -> tuple[str, tuple[str, ...]]:
    """What a patch removes; unless it may be mixed, nothing if it also has values, as a Secret has."""
    if not isinstance(patch, dict) or patch.get("kind") != "Secret":
        return "", ()
    metadata = patch.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    name = "/".join(str(fields[key]) for key in ("namespace", "name") if fields.get(key) is not None)
    if patch.get("$patch") == "delete":
        return name, (_WHOLE,)
    values = [(key, value) for each in MAPS for key, value in _items(patch.get(each))]
    kept = {key for key, value in values if value is not None}
    keys = dict.fromkeys(key for key, value in values if value is None and key not in kept)
    return name, tuple(keys) if mixed or not kept else ()


def _items(field: Data) -> Iterator[tuple[str, Data]]:
    if isinstance(field, dict):
        yield from field.items()


KIND = Kind(INFO, check)
