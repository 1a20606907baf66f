"""Find the objects that refer to another one, where Flux applies both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fluxsecrets.repo.manifests import text_of
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.references import Use
from fluxsecrets.sops.document import Mapping, find

from .applied import Applied
from .model import Reader

_NOTHING = Mapping((), 0, 0)


def readers_of(environments: Iterable[Applied], file: str, part: int) -> tuple[Reader, ...]:
    """Return the references to an object in all environments.

    Args:
        environments: those in which Flux applies it.
        file: of the object, relative to the root.
        part: its YAML document, from 0.
    """
    found = (each for environment in environments for each in _in(environment, file, part))
    return tuple({(each.file, each.part, each.use.steps): each for each in found}.values())


def secret_names(environments: Iterable[Applied]) -> frozenset[str]:
    """Return the names of Secrets that something makes or uses in some environments."""
    return frozenset().union(*(each.secret_names for each in environments))


def readers_of_file(environments: Iterable[Applied], file: str) -> tuple[Reader, ...]:
    """Return the references to ConfigMaps that are generated from a file, in all environments."""
    found = (each for environment in environments for each in _of_generated(environment, file))
    return tuple({(each.file, each.part, each.use.steps): each for each in found}.values())


def _in(applied: Applied, file: str, part: int) -> Iterator[Reader]:
    for target in applied.by_file.get(file, ()):
        if target.manifest is not None and target.manifest.index == part:
            yield from (_reader(item, use, target) for item, use in applied.referring(target))


def _of_generated(applied: Applied, file: str) -> Iterator[Reader]:
    for target, key in applied.generated_of.get(file, ()):
        for item, use in applied.referring(target):
            yield replace(_reader(item, use, target), key=key)


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
