"""Environments, and the files that belong to each.

An environment is what Flux applies from a root. Roots are the folders of a `gotk-sync.yaml`, what a
FluxInstance syncs, the folders under `clusters/`, and what `.fluxsecrets.yaml` names; without any of
these, the folders of Kustomizations that no other one applies.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.marks import SETTINGS_NAME, YAML_SUFFIXES
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.formats.either import load_either

from .build import Builder
from .discover import is_chart_template
from .encrypted import detect_encryption
from .flux import FluxKustomization, Sync, read_kustomization, read_sync, read_values_sync
from .globs import compile_glob
from .graph import Graph, walk
from .manifests import line_of
from .objects import Object
from .settings import Settings, load_settings
from .sourceignore import artifact
from .tree import Note, Tree, parent

CLUSTERS = "clusters"
GENERIC_PARTS = frozenset({"cluster", "clusters", "flux", "flux-system", "k8s", "kubernetes"})
"""Parts of a path that do not name an environment."""

UNNAMED = "default"
"""The name of an environment whose path has no telling part."""

NO_ENVIRONMENT = "environments are the folders under clusters/, and those with a flux-system/gotk-sync.yaml"
"""What environments are, for repositories without any."""

_SYNC = "gotk-sync.yaml"


@dataclass(frozen=True, slots=True)
class EnvironmentRoot:
    """An environment before its files are known.

    Attributes:
        name: what `--env` takes.
        path: its folder, relative to the root of the repository with `/`; `""` is the root.
        sync: the FluxInstance that syncs it, where one does.
    """

    name: str
    path: str
    sync: Sync | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment and its files.

    Attributes:
        name: what `--env` takes.
        root_path: its folder, relative to the root of the repository with `/`.
        files: what lies in that folder, what Flux reaches from there, and what belongs to it outside.
        generator_files: files that Flux decrypts by their key's name, with the format it takes them
            for; generators' sources and patches.
        graph: how they are reached.
        notes: what was not followed or not understood on the way.
        outside: those of the files that Flux does not apply: given by the settings, or encrypted for a
            recipient that is this environment's alone.
    """

    name: str
    root_path: str
    files: frozenset[str] = field(repr=False)
    generator_files: Mapping[str, str] = field(repr=False)
    graph: Graph = field(repr=False)
    notes: tuple[Note, ...]
    outside: frozenset[str] = frozenset()


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
    syncs = _syncs(tree)
    found = _named(_roots(tree, syncs, given) - given.keys(), frozenset(given.values()))
    named = (*found, *(EnvironmentRoot(given[path], path) for path in given))
    known = {root.name: replace(root, sync=syncs.get(root.path)) for root in named}
    for each in settings.environments:
        if each.name not in known:
            raise ConfigError(
                f"no environment {each.name} was found; there are {', '.join(sorted(known)) or 'none'}",
                hint="say where it is with `path`",
                path=SETTINGS_NAME,
                line=each.line,
            )
    return tuple(sorted(known.values(), key=lambda root: root.name))


def _roots(tree: Tree, syncs: Mapping[str, Sync], given: Mapping[str, str]) -> set[str]:
    synced = {parent(parent(path)) for path in tree.paths if path.endswith(f"/{_SYNC}")}
    synced |= syncs.keys()
    folders = {"/".join(path.split("/", 2)[:2]) for path in tree.below(CLUSTERS) if path.count("/") > 1}
    # A folder of folders that are synced themselves is not an environment: it only groups them
    grouping = {folder for folder in folders for root in synced if root.startswith(folder + "/")}
    hidden = {folder for folder in folders if folder.partition("/")[2].startswith(".")}
    generic = {folder for folder in folders if folder.partition("/")[2] == "flux-system"}
    found = synced | (folders - grouping - hidden - generic)
    return found if found or given else _tops(tree)


def _syncs(tree: Tree) -> dict[str, Sync]:
    """What FluxInstances in the tree sync, by folder; the first of each in the order of paths."""
    found: dict[str, Sync] = {}
    for each in (*map(read_sync, _objects(tree, _INSTANCE)), *_values_syncs(tree)):
        sync = _in_repository(tree, each) if each is not None else None
        if sync is not None and sync.path is not None:
            found.setdefault(sync.path, sync)
    return found


def _values_syncs(tree: Tree) -> Iterator[Sync | None]:
    """Values of flux-instance's chart in separate files, such as those that a generator reads."""
    for path, data in _manifests(tree, _INSTANCE_VALUES):
        try:
            nodes = load_either(data, tree.limits)
        except FluxsecretsError:
            continue
        for node in nodes:
            yield read_values_sync(to_data(node), path, line_of(node) or 1)


def _in_repository(tree: Tree, sync: Sync) -> Sync | None:
    """Where the path of a sync is here: an OCI artifact may be made of one folder of the repository."""
    if sync.path is None or sync.path in tree.folders:
        return sync if sync.path is not None else None
    if sync.kind == "GitRepository":
        return None
    found = [folder for folder in tree.folders if folder.endswith(f"/{sync.path}")]
    if len(found) != 1:
        return None
    return replace(sync, path=found[0], base=found[0].removesuffix(f"/{sync.path}"))


def _tops(tree: Tree) -> set[str]:
    """The outermost folders with Kustomizations that no other one leads to."""
    items = [found for item in _objects(tree, _KUSTOMIZATION) if (found := read_kustomization(item))]
    folders = {parent(item.file) for item in items if not any(_leads_to(other, item) for other in items)}
    tops = {
        folder
        for folder in folders
        if not any(folder.startswith(f"{other}/") or (other == "" != folder) for other in folders)
        and not any(part.startswith(".") for part in folder.split("/"))
    }
    return _hubs(tree, tops, items) if len(tops) > 1 else tops


def _hubs(tree: Tree, tops: set[str], items: Sequence[FluxKustomization]) -> set[str]:
    """Those folders that lead to others and that none leads to, if there are any.

    A Kustomization may be brought by kustomize from anywhere; what is brought by nothing is only lying about.
    """
    builder = Builder(artifact(tree))
    reached = {top: walk(tree, top, builder=builder).files for top in tops}
    files = {item.file for item in items}
    own = {top: {file for file in files if file.startswith(f"{top}/" if top else "")} for top in tops}
    leading = {top: (reached[top] & files) - own[top] for top in tops}
    led_to = {
        other
        for top in tops
        for other in tops - {top}
        if leading[top] & own[other] and not leading[other] & own[top]
    }
    hubs = {top for top in tops if leading[top]} - led_to
    return hubs or tops - led_to


def _leads_to(item: FluxKustomization, other: FluxKustomization) -> bool:
    """Whether a Kustomization's path is a folder above another one's file, and not above its own."""
    if item.path is None or item.file == other.file:
        return False
    return not item.path or other.file.startswith(f"{item.path}/")


_INSTANCE_VALUES = re.compile(rb"(?m)^instance:[ ]*(?:#.*)?$(?:[^\0]*)^[ ]+sync:")
_INSTANCE = re.compile(rb"kind:\s*FluxInstance|instance:[^\0]*sync:")
_KUSTOMIZATION = re.compile(rb"kustomize\.toolkit\.fluxcd\.io")


def _objects(tree: Tree, pattern: re.Pattern[bytes]) -> Iterator[Object]:
    """The objects of the manifests that contain a pattern."""
    builder = Builder(tree)
    for path, _ in _manifests(tree, pattern):
        yield from builder.resource_file(path).objects


def _manifests(tree: Tree, pattern: re.Pattern[bytes]) -> Iterator[tuple[str, bytes]]:
    """The manifests that contain a pattern, with their content."""
    for path in tree.paths:
        if path.endswith(YAML_SUFFIXES) and not is_chart_template(tree, path):
            try:
                size = tree.size(path)
                data = tree.read(path) if size and size <= _LARGE else b""
            except FluxsecretsError:
                continue  # whatever reads it for its content reports what is wrong
            if data and pattern.search(data):
                yield path, data


_LARGE = 2**20
"""Bytes; people write no larger manifest to say what Flux syncs."""


def find_environment(tree: Tree, name: str, settings: Settings | None = None) -> Environment:
    """An environment with all its files.

    Raises:
        ConfigError: the name is unknown; the message lists the known ones.
    """
    settings = settings if settings is not None else load_settings(tree)
    known = {root.name: root for root in list_environments(tree, settings)}
    if name in known:
        builder = Builder(artifact(tree))
        found = load_environment(tree, known[name], settings, builder)
        encrypted = _encrypted_outside(tree, (found,))
        if not encrypted:
            return found
        others = [
            load_environment(tree, root, settings, builder) for root in known.values() if root.name != name
        ]
        return _with_outside(tree, (found, *others), settings)[0]
    raise unknown_environment(tree, name, tuple(known))


def unknown_environment(tree: Tree, name: str, known: tuple[str, ...]) -> ConfigError:
    """The error for an unknown environment."""
    if not known:
        return ConfigError(
            f"there is no environment {name!a}, nor any other",
            hint=NO_ENVIRONMENT,
            path=str(tree.root),
        )
    close = difflib.get_close_matches(name, known, n=1)
    close = close or [each for each in known if name and each.startswith(name)][:1]
    return ConfigError(
        f"there is no environment {name!a}; this repository has {', '.join(known)}",
        hint=f"did you mean {close[0]}?" if close else "name one of these",
        path=str(tree.root),
    )


def load_environments(tree: Tree, settings: Settings | None = None) -> tuple[Environment, ...]:
    """All environments with all their files, by name.

    Raises:
        ConfigError: the settings are invalid.
    """
    settings = settings if settings is not None else load_settings(tree)
    builder = Builder(artifact(tree))
    roots = list_environments(tree, settings)
    found = tuple(load_environment(tree, root, settings, builder) for root in roots)
    return _with_outside(tree, found, settings)


def load_environment(
    tree: Tree, root: EnvironmentRoot, settings: Settings | None = None, builder: Builder | None = None
) -> Environment:
    """The files of an environment from `list_environments`.

    What is encrypted for it outside of Flux takes all environments to know: see `load_environments`.

    Args:
        tree: the repository.
        root: which one.
        settings: the repository's; None reads them.
        builder: what has read files for another environment before.
    """
    settings = settings if settings is not None else load_settings(tree)
    graph = walk(tree, root.path, root.sync, builder)
    # The whole repository is nobody's folder: where the root is the environment, the graph decides
    folder = tree.below(root.path) if root.path else ()
    listed = _listed(tree, root.name, settings)
    reached = graph.files | frozenset(folder)
    return Environment(
        name=root.name,
        root_path=root.path,
        files=reached | listed,
        generator_files=graph.decrypted_as,
        graph=graph,
        notes=graph.notes,
        outside=listed - reached,
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
    return frozenset(path for path in tree.paths if any(glob.matches(path) for glob in globs))


# What is encrypted for an environment, and not applied by Flux.

_RECIPIENT = re.compile(
    rb"""(?:recipient|fp|arn|resource_id|engine_path|vault_url)["']?[ \t]*[:=][ \t]*["']?([^\s"',]+)"""
)


def _encrypted_outside(tree: Tree, environments: Iterable[Environment]) -> dict[str, frozenset[bytes]]:
    """The encrypted files that no environment reaches, with their recipients."""
    reached = frozenset(path for each in environments for path in each.files)
    found = {path: _recipients(tree, path) for path in tree.paths if path not in reached}
    return {path: recipients for path, recipients in found.items() if recipients}


def _recipients(tree: Tree, path: str) -> frozenset[bytes]:
    """The recipients in an encrypted file's block; none if the file is not encrypted or cannot be read."""
    try:
        size = tree.size(path)
        if not size:
            return frozenset()
        data = tree.read(path, tail=_TAIL)
        if b"sops" not in data or (size <= _TAIL and detect_encryption(data, path) is None):
            return frozenset()
    except FluxsecretsError:
        return frozenset()
    return frozenset(match[1] for match in _RECIPIENT.finditer(data))


_TAIL = 64 * 2**10


def _with_outside(
    tree: Tree, environments: tuple[Environment, ...], settings: Settings
) -> tuple[Environment, ...]:
    """Add to each environment the encrypted files outside that have a recipient only it has."""
    outside = _encrypted_outside(tree, environments)
    if not outside:
        return environments
    own = []
    for each in environments:
        given = settings.environment(each.name)
        listed = given.cluster_recipients if given is not None else ()
        inside = (_recipients(tree, path) for path in each.files)
        own.append(frozenset().union(*inside, (text.encode() for text in listed)))
    found = []
    for index, each in enumerate(environments):
        alone = own[index].difference(*(keys for other, keys in enumerate(own) if other != index))
        more = frozenset(path for path, recipients in outside.items() if recipients & alone)
        found.append(replace(each, files=each.files | more, outside=each.outside | more))
    return tuple(found)


def _named(paths: Iterable[str], used: frozenset[str] = frozenset()) -> list[EnvironmentRoot]:
    """Distinct names: the last telling part of each path, with more parts if that is not enough."""
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
