"""Find the objects that refer to another one, where Flux applies both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import text, text_of
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.references import Use, provisions, uses
from fluxsecrets.sops.document import Mapping, find

from .model import Reader

_NOTHING = Mapping((), 0, 0)


def reference_names(item: Object) -> frozenset[str]:
    """Return the names by which references may mean an object.

    A generated one has the hash of its name in its data only. Whether a reference gets the hash, too, depends
    on `configurations`, which the builder doesn't read.
    """
    return frozenset({item.name, text(item.data, "metadata", "name") or item.name})


def readers_of(environments: Iterable[Environment], file: str, part: int) -> tuple[Reader, ...]:
    """Return the references to an object in all environments.

    Args:
        environments: those in which Flux applies it.
        file: of the object, relative to the root.
        part: its YAML document, from 0.
    """
    found = (each for environment in environments for each in _in(environment, file, part))
    return tuple({(each.file, each.part, each.use.steps): each for each in found}.values())


def secret_names(environments: Iterable[Environment]) -> frozenset[str]:
    """Return the names of Secrets that something makes or uses in some environments."""
    objects = [item for environment in environments for _, item in environment.graph.objects]
    made = (name for item in objects if item.is_secret for _, name in item.all_names)
    others = (each.name for item in objects for each in provisions(item) if each.kind == "Secret")
    used = (use.name for item in objects for use in uses(item) if use.kind == "Secret")
    return frozenset((*made, *others, *used))


def readers_of_file(environments: Iterable[Environment], file: str) -> tuple[Reader, ...]:
    """Return the references to ConfigMaps that are generated from a file, in all environments."""
    found = (each for environment in environments for each in _of_generated(environment, file))
    return tuple({(each.file, each.part, each.use.steps): each for each in found}.values())


def _in(environment: Environment, file: str, part: int) -> Iterator[Reader]:
    objects = [item for _, item in environment.graph.objects]
    for target in objects:
        written = target.manifest
        if target.file == file and written is not None and written.index == part:
            yield from (_reader(item, use, target) for item, use in _referring(objects, target))


def _of_generated(environment: Environment, file: str) -> Iterator[Reader]:
    objects = [item for _, item in environment.graph.objects]
    for target in objects:
        sources = target.generated.sources if target.generated is not None else ()
        for source in sources if target.kind == "ConfigMap" else ():
            if source.path == file:
                for item, use in _referring(objects, target):
                    yield replace(_reader(item, use, target), key=source.key)


def _referring(objects: Iterable[Object], target: Object) -> Iterator[tuple[Object, Use]]:
    names = reference_names(target)
    for item in objects:
        for use in uses(item):
            if (use.kind, use.namespace) == (target.kind, target.namespace) and use.name in names:
                yield item, use


def _reader(item: Object, use: Use, target: Object) -> Reader:
    shown, manifest = f"{item.kind} {item.name}", item.manifest
    if manifest is None:
        return Reader(item.file, 0, _NOTHING, shown, use, "kustomize generates it")
    problem = None
    if manifest.in_list:
        problem = "it is in a List"
    elif text_of(find(manifest.node, use.steps)) not in {name for _, name in target.all_names}:
        problem = "a patch adds the reference"
    return Reader(item.file, manifest.index, manifest.node, shown, use, problem)
