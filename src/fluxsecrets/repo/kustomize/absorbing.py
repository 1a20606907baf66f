"""Objects that generators make, and how they join those that are there.

Follows kustomize's api/resource/factory.go and `appendReplaceOrMerge` in api/resmap.
"""

from __future__ import annotations

from collections.abc import Sequence

from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.records import replace
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Generated, Object, Origin, with_data

from .generating import Content, config_map_data, secret_data
from .identity import identities, identity, shown_as
from .kustomizationfile import Generator
from .naming import merged_data


class AbsorbError(ValueError):
    """What a generator makes does not fit what is there; the text says why in kustomize's words."""


def generated_object(kind: str, generator: Generator, name: str, made: Content, file: str) -> Object:
    """What a generator makes, with the contents as they are in the repository."""
    metadata: Plain = {"name": name}
    if generator.namespace:
        metadata["namespace"] = generator.namespace
    if generator.labels:
        metadata["labels"] = dict(generator.labels)
    if generator.annotations:
        metadata["annotations"] = dict(generator.annotations)
    data: Plain = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    if kind == "Secret":
        data |= {"type": generator.type or "Opaque", "data": secret_data(made.values)}
    else:
        texts, binary = config_map_data(made.values)
        data |= {field: values for field, values in (("data", texts), ("binaryData", binary)) if values}
    if generator.immutable:
        data["immutable"] = True
    # Of a file under `envs` that is encrypted, Flux may make other keys.
    complete = generator.complete or (made.complete and not any(map(_has_ciphertext, made.values.values())))
    keys = (*generator.keys, *made.values) if complete else generator.keys
    return Object(
        "v1",
        kind,
        name,
        generator.namespace,
        file,
        generator.line,
        data,
        generated=Generated(
            tuple(dict.fromkeys(keys)),
            tuple(source.path for source in generator.files),
            generator.hashed,
            complete,
            bool(generator.literals),
            generator.sources,
        ),
        through=(file,),
    )


def _has_ciphertext(value: bytes) -> bool:
    return SIGN_BYTES in value


def absorbed(objects: Sequence[Object], made: Object, behavior: str, *, lenient: bool) -> list[Object]:
    """The objects with a generated one, which is added or changes the one of its name.

    Args:
        objects: those that are there.
        made: the generated one.
        behavior: `create`, `merge` or `replace`; anything else counts as `create`.
        lenient: some objects are not known, so a missing one is not an error.

    Raises:
        AbsorbError: there is nothing to merge with, or there is and `behavior` does not say so.
    """
    own = identity(made)
    found = [
        index
        for index, item in enumerate(objects)
        if (item.name == own.name or item.names) and own in identities(item)
    ]
    name = shown_as(made.api_version, made.kind, made.name, made.namespace)
    if len(found) > 1:
        raise AbsorbError(f"found multiple objects that could accept merge of {name}")
    if behavior not in ("merge", "replace"):
        if found:
            raise AbsorbError(
                f"id {name} exists; can not use behavior: 'create', behavior must be merge or replace"
            )
        return [*objects, made]
    if not found:
        if lenient:
            return list(objects)
        raise AbsorbError(f"id {name} does not exist; cannot merge or replace")
    kept = list(objects)
    kept[found[0]] = _joined(objects[found[0]], made, whole=behavior == "replace")
    return kept


def _joined(item: Object, made: Object, *, whole: bool) -> Object:
    """The new object with the name, labels and annotations of the old one, and its data unless `whole`."""
    data = dict(made.data) if whole else merged_data(item.data, made.data)
    data["metadata"] = _merged_metadata(item.data, made.data)
    before, after = item.generated, made.generated
    hashed = before is not None and before.hashed and after is not None and after.hashed
    generated = after
    if before is not None and after is not None and not whole:
        generated = Generated(
            tuple(dict.fromkeys((*before.keys, *after.keys))),
            (*before.files, *after.files),
            hashed,
            before.complete and after.complete,
            before.literals or after.literals,
            (*(source for source in before.sources if not _is_replaced(source.key, after)), *after.sources),
        )
    elif after is not None:
        generated = replace(after, hashed=hashed)
    changed = replace(with_data(item, data), generated=generated)
    return replace(changed, file=made.file, line=made.line, manifest=None) if whole else changed


def _is_replaced(key: str, after: Generated) -> bool:
    return bool(key) and any(
        source.key == key and source.origin is not Origin.ENVS for source in after.sources
    )


def _merged_metadata(old: Plain, new: Plain) -> Plain:
    before, after = dig(old, "metadata") or {}, dig(new, "metadata") or {}
    metadata = {key: before[key] for key in ("name", "namespace") if key in before}
    for field in ("labels", "annotations"):
        both = {**(before.get(field) or {}), **(after.get(field) or {})}
        if both:
            metadata[field] = both
    return metadata
