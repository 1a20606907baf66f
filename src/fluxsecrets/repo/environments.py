"""Environments, and the files that belong to each.

An environment is what Flux applies from a root. `roots` finds these, `.fluxsecrets.yaml` may name more.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.records import dataclass, field, replace

from .belonging import placed
from .encrypted import detect_encryption
from .envnames import name_roots, telling_parts
from .flux import Sync
from .globs import compile_glob
from .graph import Graph, walk
from .kustomize.build import Builder
from .roots import find_roots
from .settings import Settings, load_settings
from .sourceignore import artifact
from .survey import survey
from .tree import Note, Tree


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

    @property
    def root_path(self) -> str:
        """The same as `path`, as environments have it."""
        return self.path


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
        placed: those that are neither reached nor `outside`, and belong to it by their place.
    """

    name: str
    root_path: str
    files: frozenset[str] = field(repr=False)
    generator_files: Mapping[str, str] = field(repr=False)
    graph: Graph = field(repr=False)
    notes: tuple[Note, ...]
    outside: frozenset[str] = frozenset()
    placed: frozenset[str] = frozenset()


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
    roots = {root.path: root for root in find_roots(tree, given.keys())}
    names = name_roots(roots.keys() - given.keys(), given.values()) | given
    _name_as_set(names, settings)
    found = tuple(EnvironmentRoot(names[path], path, root.sync) for path, root in roots.items())
    known = {root.name for root in found}
    for each in settings.environments:
        if each.name not in known:
            raise ConfigError(
                f"no environment {each.name} was found; there are {', '.join(sorted(known)) or 'none'}",
                hint="say where it is with `path`",
                path=SETTINGS_NAME,
                line=each.line,
            )
    return tuple(sorted(found, key=lambda root: root.name))


def _name_as_set(names: dict[str, str], settings: Settings) -> None:
    """Give a root the shorter name that the settings have for it: `staging` for `us-staging`."""
    for each in settings.environments:
        if each.path is None and each.name not in names.values():
            meant = [path for path in names if telling_parts(path)[-1:] == [each.name]]
            if len(meant) == 1:
                names[meant[0]] = each.name


def find_environment(tree: Tree, name: str, settings: Settings | None = None) -> Environment:
    """An environment with all its files.

    Raises:
        ConfigError: the name is unknown; the message lists the known ones.
    """
    settings = settings if settings is not None else load_settings(tree)
    known = {root.name: root for root in list_environments(tree, settings)}
    if name not in known:
        raise unknown_environment(tree, name, tuple(known))
    builder = Builder(artifact(tree))
    places = places_of(tree, known.values())
    found = load_environment(tree, known[name], settings, builder, places)
    others = [root for root in known.values() if root.name != name]
    # Only files that no place gives to another environment are a reason to read what the others apply
    taken = frozenset().union(*(_own_files(tree, root, settings, places) for root in others))
    if not _encrypted_outside(tree, found.files | taken):
        return found
    loaded = (load_environment(tree, root, settings, builder, places) for root in others)
    return with_outside(tree, (found, *loaded), settings)[0]


def unknown_environment(tree: Tree, name: str, known: tuple[str, ...]) -> ConfigError:
    """The error for an unknown environment."""
    if not known:
        return no_environment(tree, f"there is no environment {name!a}, nor any other")
    close = difflib.get_close_matches(name, known, n=1)
    close = close or [each for each in known if name and each.startswith(name)][:1]
    return ConfigError(
        f"there is no environment {name!a}; this repository has {', '.join(known)}",
        hint=f"did you mean {close[0]}?" if close else "name one of these",
        path=str(tree.root),
    )


def no_environment(tree: Tree, message: str = "there is no environment") -> ConfigError:
    """The error for a repository without any: what was seen, and the lines that solve it."""
    seen = survey(tree)
    return ConfigError(
        f"{message}: {seen.sentence}",
        hint=f"{seen.advice}; `fluxsecrets env suggest` shows why",
        path=str(tree.root),
        details=seen.lines,
    )


def load_environments(
    tree: Tree, settings: Settings | None = None, only: Collection[str] | None = None
) -> tuple[Environment, ...]:
    """All environments with all their files, by name.

    Args:
        tree: the repository.
        settings: its settings; None reads them.
        only: the names of some. What is encrypted for them outside of Flux is not among their files then,
            unless the settings say so.

    Raises:
        ConfigError: the settings are invalid.
    """
    settings = settings if settings is not None else load_settings(tree)
    roots = list_environments(tree, settings)
    chosen = roots if only is None else tuple(root for root in roots if root.name in only)
    found = _loaded(tree, roots, chosen, settings)
    return with_outside(tree, found, settings) if len(chosen) == len(roots) else found


def load_reached(tree: Tree, settings: Settings | None = None) -> tuple[Environment, ...]:
    """All environments, without what is encrypted for them outside of Flux, by name.

    Args:
        tree: the repository.
        settings: its settings; None reads them.

    Raises:
        ConfigError: the settings are invalid.
    """
    settings = settings if settings is not None else load_settings(tree)
    roots = list_environments(tree, settings)
    return _loaded(tree, roots, roots, settings)


def _loaded(
    tree: Tree, roots: Sequence[EnvironmentRoot], chosen: Sequence[EnvironmentRoot], settings: Settings
) -> tuple[Environment, ...]:
    """Some of all environments. What several of them apply is read once."""
    if not chosen:
        return ()
    builder = Builder(artifact(tree))
    places = places_of(tree, roots)
    return tuple(load_environment(tree, root, settings, builder, places) for root in chosen)


def places_of(tree: Tree, roots: Iterable[EnvironmentRoot]) -> Mapping[str, frozenset[str]]:
    """The files that belong to environments by their place, by the environment's name."""
    return placed(tree, ((root.name, root.path) for root in roots))


def load_environment(
    tree: Tree,
    root: EnvironmentRoot,
    settings: Settings | None = None,
    builder: Builder | None = None,
    places: Mapping[str, frozenset[str]] | None = None,
) -> Environment:
    """The files of an environment from `list_environments`.

    What is encrypted for it outside of Flux takes all environments to know: see `load_environments`.

    Args:
        tree: the repository.
        root: which one.
        settings: the repository's; None reads them.
        builder: what has read files for another environment before.
        places: from `places_of` for all environments; None finds them.
    """
    settings = settings if settings is not None else load_settings(tree)
    if places is None:
        places = places_of(tree, list_environments(tree, settings))
    graph = walk(tree, root.path, root.sync, builder)
    own = _own_files(tree, root, settings, places)
    # The whole repository is nobody's folder: where the root is the environment, the graph decides
    reached = graph.files | frozenset(tree.below(root.path) if root.path else ())
    listed = _listed(tree, root.name, settings)
    return Environment(
        name=root.name,
        root_path=root.path,
        files=reached | own,
        generator_files=graph.decrypted_as,
        graph=graph,
        notes=graph.notes,
        outside=listed - reached,
        placed=own - reached - listed,
    )


def _own_files(
    tree: Tree, root: EnvironmentRoot, settings: Settings, places: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The files that an environment has whatever Flux reaches: by its folder, their place, the settings."""
    folder = frozenset(tree.below(root.path) if root.path else ())
    return folder | places.get(root.name, frozenset()) | _listed(tree, root.name, settings)


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
    if not globs:
        return frozenset()
    return frozenset(path for path in tree.paths if any(glob.matches(path) for glob in globs))


# What is encrypted for an environment, and not applied by Flux.

_RECIPIENT = re.compile(
    rb"""(?:recipient|fp|arn|resource_id|engine_path|vault_url)["']?[ \t]*[:=][ \t]*["']?([^\s"',]+)"""
)


def _encrypted_outside(tree: Tree, reached: Collection[str]) -> dict[str, frozenset[bytes]]:
    """The encrypted files that no environment has, with their recipients."""
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


def with_outside(
    tree: Tree, environments: tuple[Environment, ...], settings: Settings
) -> tuple[Environment, ...]:
    """Add to each environment the encrypted files outside that have a recipient only it has.

    Args:
        tree: the repository.
        environments: all of them, from `load_reached`.
        settings: the repository's.
    """
    outside = _encrypted_outside(tree, frozenset(path for each in environments for path in each.files))
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
