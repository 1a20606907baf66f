"""Environments: which there are, and which files belong to each.

Known by now: the folders under `clusters/`, every folder that holds a `flux-system/gotk-sync.yaml`, and what
`.fluxsecrets.yaml` names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import ConfigError

from .flux import Graph, walk
from .globs import compile_glob
from .settings import SETTINGS_NAME, Settings, load_settings
from .tree import Note, Tree

CLUSTERS = "clusters"
GENERIC_PARTS = frozenset({"cluster", "clusters", "flux", "flux-system", "k8s", "kubernetes"})
"""Parts of a path that name no environment."""

UNNAMED = "default"
"""The name of an environment whose path has no telling part."""

_SYNC = "flux-system/gotk-sync.yaml"


@dataclass(frozen=True, slots=True)
class EnvironmentRoot:
    """An environment before its files are known.

    Attributes:
        name: what `--env` takes.
        path: its folder, relative to the root of the repository with `/`; `""` is the root.
    """

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment and its files.

    Attributes:
        name: what `--env` takes.
        root_path: its folder, relative to the root of the repository with `/`.
        files: what lies in that folder and what Flux reaches from there.
        generator_files: files that Flux decrypts by their key's name, with the format it takes them
            for; generators' sources and patches.
        graph: how they are reached.
        notes: what was not followed or not understood on the way.
    """

    name: str
    root_path: str
    files: frozenset[str] = field(repr=False)
    generator_files: Mapping[str, str] = field(repr=False)
    graph: Graph = field(repr=False)
    notes: tuple[Note, ...]


def list_environments(tree: Tree, settings: Settings | None = None) -> tuple[EnvironmentRoot, ...]:
    """All environments of a repository, by name.

    Args:
        tree: the repository.
        settings: its settings; None reads them.

    Raises:
        ConfigError: the settings are invalid, or name an environment that is nowhere.
    """
    settings = settings if settings is not None else load_settings(tree)
    given = {each.path: each.name for each in settings.environments if each.path is not None}
    for each in settings.environments:
        if each.path is not None and each.path not in tree.folders:
            raise ConfigError(
                f"the environment {each.name} has the path {each.path!a}, and there is no such folder",
                hint="write it relative to the repository's root, such as clusters/production",
                path=SETTINGS_NAME,
                line=each.line,
            )
    found = _named(set(_roots(tree)) - given.keys(), frozenset(given.values()))
    known = {root.name: root for root in (*found, *(EnvironmentRoot(given[path], path) for path in given))}
    for each in settings.environments:
        if each.name not in known:
            raise ConfigError(
                f"no environment {each.name} was found; there are {', '.join(sorted(known)) or 'none'}",
                hint="say where it is with `path`",
                path=SETTINGS_NAME,
                line=each.line,
            )
    return tuple(sorted(known.values(), key=lambda root: root.name))


def _roots(tree: Tree) -> set[str]:
    suffix = "/" + _SYNC
    synced = {path[: -len(suffix)] for path in tree.paths if path.endswith(suffix)}
    if _SYNC in tree.files:
        synced.add("")
    folders = {"/".join(path.split("/", 2)[:2]) for path in tree.below(CLUSTERS) if path.count("/") > 1}
    # A folder of folders that are synced themselves is no environment, it only groups them
    grouping = {folder for folder in folders for root in synced if root.startswith(folder + "/")}
    hidden = {folder for folder in folders if folder.partition("/")[2].startswith(".")}
    generic = {folder for folder in folders if folder.partition("/")[2] == "flux-system"}
    return synced | (folders - grouping - hidden - generic)


def find_environment(tree: Tree, name: str, settings: Settings | None = None) -> Environment:
    """An environment with all its files.

    Raises:
        ConfigError: there is none of that name; the message lists those that there are.
    """
    settings = settings if settings is not None else load_settings(tree)
    known = {root.name: root for root in list_environments(tree, settings)}
    if name in known:
        return load_environment(tree, known[name], settings)
    if not known:
        raise ConfigError(
            f"there is no environment {name!a}, nor any other",
            hint="environments are the folders under clusters/, and those with a flux-system/gotk-sync.yaml",
            path=str(tree.root),
        )
    close = difflib.get_close_matches(name, known, n=1)
    raise ConfigError(
        f"there is no environment {name!a}; this repository has {', '.join(known)}",
        hint=f"did you mean {close[0]}?" if close else "name one of these with --env",
        path=str(tree.root),
    )


def load_environment(tree: Tree, root: EnvironmentRoot, settings: Settings | None = None) -> Environment:
    """The files of an environment that `list_environments` told of."""
    settings = settings if settings is not None else load_settings(tree)
    graph = walk(tree, root.path)
    # The whole repository is nobody's folder: where the root is the environment, the graph decides
    folder = tree.below(root.path) if root.path else ()
    return Environment(
        name=root.name,
        root_path=root.path,
        files=graph.files | frozenset(folder) | _listed(tree, root.name, settings),
        generator_files=graph.decrypted_as,
        graph=graph,
        notes=graph.notes,
    )


def shared_files(environments: Iterable[Environment]) -> dict[str, tuple[str, ...]]:
    """The files that more than one environment reaches, with the names of those, both sorted."""
    reached: dict[str, list[str]] = {}
    for environment in environments:
        for path in environment.files:
            reached.setdefault(path, []).append(environment.name)
    return {path: tuple(sorted(reached[path])) for path in sorted(reached) if len(reached[path]) > 1}


def _listed(tree: Tree, name: str, settings: Settings) -> frozenset[str]:
    """The files that the settings give to an environment."""
    own = settings.environment(name)
    globs = [compile_glob(pattern) for pattern in own.files] if own is not None else []
    return frozenset(path for path in tree.paths if any(glob.fullmatch(path) for glob in globs))


def _named(paths: Iterable[str], used: frozenset[str] = frozenset()) -> list[EnvironmentRoot]:
    """Names that differ: the last telling part of each path, with more parts where that is not enough.

    Args:
        paths: the roots.
        used: names that are taken.
    """
    telling = {
        path: [part for part in path.split("/") if part and part not in GENERIC_PARTS] for path in paths
    }
    count = dict.fromkeys(telling, 1)
    while True:
        names = {path: "-".join(parts[-count[path] :]) or UNNAMED for path, parts in telling.items()}
        taken = [*names.values(), *used]
        clashing = [
            path for path in telling if taken.count(names[path]) > 1 and count[path] < len(telling[path])
        ]
        if not clashing:
            break
        for path in clashing:
            count[path] += 1
    # Paths that differ in generic parts only: their whole path tells them apart
    return [
        EnvironmentRoot(name if taken.count(name) == 1 else path or UNNAMED, path)
        for path, name in names.items()
    ]
