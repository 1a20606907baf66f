"""Check a planned environment: it must match the old one, and be separate from it."""

from __future__ import annotations

from collections import Counter

from fluxsecrets.errors import ConfigError
from fluxsecrets.repo.environments import Environment, list_environments, load_environment
from fluxsecrets.repo.references import provisions
from fluxsecrets.repo.settings import load_settings, parse_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.shell import command_for, file_word

from .naming import Naming

_FIX = "nothing was written; fix it, or copy the files by hand"


def check_shape(
    tree: Tree, settings: bytes | None, source: Environment, root: str, naming: Naming
) -> Environment:
    """Compare the new environment with the one that it is made from.

    The tree holds all files that would be written. `settings` is None if the settings don't change.

    Returns:
        The new environment.

    Raises:
        ConfigError: it would not be found, would differ, or would use files of the old one.
    """
    read = load_settings(tree) if settings is None else parse_settings(settings)
    roots = {each.path: each for each in list_environments(tree, read)}
    if root not in roots:
        raise ConfigError(f"{root} would not be found as an environment", hint=_FIX)
    if roots[root].name != naming.name:
        raise ConfigError(
            f"the environment in {root} would be called {roots[root].name}",
            hint=f"use that name: {command_for('env add', (roots[root].name,))} "
            f"--from {file_word(source.name)}",
        )
    new = load_environment(tree, roots[root], read)
    _same_notes(source, new, naming)
    left = sorted(new.graph.files & naming.files.keys())
    if left:
        raise ConfigError(
            f"{naming.name} would still use {left[0]}, which only {source.name} may use",
            hint=_FIX,
            path=_user_of(new, left[0]),
        )
    for what, before, after in (
        ("Kustomizations", _kustomizations(source, naming), _kustomizations(new, None)),
        ("Secrets", _secrets(source, naming), _secrets(new, None)),
    ):
        if before != after:
            gone = sorted((before - after) | (after - before))
            raise ConfigError(
                f"{naming.name} would not have the same {what} as {source.name}: {gone[0]!a} differs",
                hint=_FIX,
            )
    return new


def _same_notes(source: Environment, new: Environment, naming: Naming) -> None:
    """Notes on what was broken before may stay; there may be no others."""
    known = {(naming.files.get(note.path, note.path), note.line) for note in source.notes if note.warning}
    for note in new.notes:
        if note.warning and (note.path, note.line) not in known:
            raise ConfigError(
                f"the copy would be broken: {note.message}", path=note.path, line=note.line, hint=_FIX
            )


def _user_of(environment: Environment, path: str) -> str | None:
    """A file that brings the new environment to an old file."""
    for applied, item in environment.graph.objects:
        files = (item.file, *(item.generated.files if item.generated is not None else ()))
        if path in files or path in item.through:
            return applied.kustomization.file if applied.kustomization is not None else None
    return None


def _kustomizations(environment: Environment, naming: Naming | None) -> Counter[str]:
    return Counter(_named(each.name, naming) for each in environment.graph.kustomizations)


def _secrets(environment: Environment, naming: Naming | None) -> Counter[str]:
    return Counter(
        _named(f"{made.namespace or ''}/{made.name}", naming)
        for _, item in environment.graph.objects
        for made in provisions(item)
        if made.kind == "Secret"
    )


def _named(name: str, naming: Naming | None) -> str:
    """A name as in the new environment; one that stays is the same on both sides."""
    return name if naming is None else "/".join(
        part if part in naming.fixed else naming.words(part) for part in name.split("/")
    )  # fmt: skip
