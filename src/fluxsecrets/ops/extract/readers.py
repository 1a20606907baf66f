"""Find the objects that refer to another one, where Flux applies both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.manifests import Manifest, text_of
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.references import Use, provisions, uses
from fluxsecrets.sops.document import find

from .model import Reader


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


def _in(environment: Environment, file: str, part: int) -> Iterator[Reader]:
    objects = [item for _, item in environment.graph.objects]
    for target in objects:
        written = target.manifest
        if target.file == file and written is not None and written.index == part:
            named = (target.kind, target.namespace, target.name)
            for item in objects:
                for use in uses(item):
                    if (use.kind, use.namespace, use.name) == named:
                        yield _reader(item, use, written)


def _reader(item: Object, use: Use, target: Manifest) -> Reader:
    shown, manifest = f"{item.kind} {item.name}", item.manifest
    if manifest is None:
        return Reader(item.file, 0, target.node, shown, use, "kustomize generates it")
    problem = None
    if manifest.in_list:
        problem = "it is in a List"
    elif text_of(find(manifest.node, use.steps)) != target.name:
        problem = "a patch adds the reference"
    return Reader(item.file, manifest.index, manifest.node, shown, use, problem)
