"""The two states of a review, each with its facts.

The state after the change is judged by the settings before it: a change can't excuse itself. Only
environments are taken from both, since a change may add one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from fluxsecrets.audit.facts import Facts
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import SETTINGS_NAME, is_rules_file
from fluxsecrets.ops.checks.gather import gather
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.environments import (
    Environment,
    list_environments,
    load_environments,
)
from fluxsecrets.repo.settings import Settings, parse_settings
from fluxsecrets.repo.touched import touched
from fluxsecrets.repo.tree import Tree


@dataclass(frozen=True, eq=False)
class Side:
    """One state.

    Attributes:
        facts: about the environments that the change may touch, and about the files that it changes.
        settings: its own `.fluxsecrets.yaml`; None if that is invalid.
        error: why it is invalid, or None.
        touched: the names of the environments that may differ; None for all.
    """

    facts: Facts
    settings: Settings | None
    error: FluxsecretsError | None = None
    touched: frozenset[str] | None = None

    @property
    def tree(self) -> Tree:
        """Its files."""
        return self.facts.tree

    def read(self, path: str | None) -> bytes | None:
        """Return a file's content; None if there is no such file, or it can't be read."""
        if path is None or path not in self.tree.files:
            return None
        try:
            return self.tree.read(path)
        except FluxsecretsError:
            return None


def sides(
    session: Session,
    trees: tuple[Tree, Tree],
    files: Collection[str],
    *,
    with_keys: bool,
) -> tuple[Side, Side]:
    """Return both states.

    Args:
        session: the run.
        trees: before and after.
        files: paths of changed files, before and after.
        with_keys: whether to decrypt.

    Raises:
        GitError: git failed.
    """
    before, after = trees
    own = [settings_of(tree) for tree in trees]
    base = own[0][0] or Settings()
    judging = (_usable(before, (base,)), _usable(after, (_both(base, own[1][0], after), own[1][0], base)))
    facts = [
        gather(session, tree, with_keys=with_keys, spread=map, settings=settings)
        for tree, settings in zip(trees, judging, strict=True)
    ]
    found, compared = _environments(trees, (facts[0], facts[1]), judging, files)
    made = [
        Side(replace(each, given=environments, files=frozenset(files)), parsed, error, compared)
        for each, environments, (parsed, error) in zip(facts, found, own, strict=True)
    ]
    return made[0], made[1]


def _environments(
    trees: tuple[Tree, Tree],
    facts: tuple[Facts, Facts],
    settings: tuple[Settings, Settings],
    files: Collection[str],
) -> tuple[list[tuple[Environment, ...]], frozenset[str] | None]:
    """The environments of both states, and the names of those that the change may touch; None for all.

    Only these are read, with two exceptions. Encrypted files outside of Flux belong to the environment that
    alone has their recipients, and creation rules are for files of all environments.
    """
    chosen = touched(trees, (facts[0].roots, facts[1].roots), settings, files)
    if chosen is not None and any(map(is_rules_file, files)) and facts[0].names != facts[1].names:
        chosen = None  # a cluster's key may have another name
    before, after = (load_environments(*each, chosen) for each in zip(trees, settings, strict=True))
    if chosen is None:
        return [before, after], None
    known = {path for own in (before, after) for each in own for path in each.files}
    if any(_is_encrypted(tree, path) for tree in trees for path in files if path not in known):
        return [load_environments(*each) for each in zip(trees, settings, strict=True)], chosen
    if any(map(is_rules_file, files)):
        before = load_environments(trees[0], settings[0])
        after = (*after, *(each for each in before if each.name not in chosen))
    return [before, after], chosen


def _is_encrypted(tree: Tree, path: str) -> bool:
    if path not in tree.files:
        return False
    try:
        data = tree.read(path)
    except FluxsecretsError:
        return False
    return b"sops" in data and detect_encryption(data, path) is not None


def settings_of(tree: Tree) -> tuple[Settings | None, FluxsecretsError | None]:
    """Return the settings of a state; None and the error if they are invalid."""
    if SETTINGS_NAME not in tree.files:
        return Settings(), None
    try:
        return parse_settings(tree.read(SETTINGS_NAME)), None
    except FluxsecretsError as error:
        return None, error.in_file(SETTINGS_NAME)


def _both(base: Settings, own: Settings | None, tree: Tree) -> Settings:
    """The settings before the change, with the environments and listed secrets that it adds."""
    if own is None:
        return base
    names = {each.name for each in base.environments}
    paths = {each.path for each in base.environments if each.path is not None}
    kept = [each for each in base.environments if each.path is None or each.path in tree.folders]
    new = [each for each in own.environments if each.name not in names and each.path not in paths]
    secrets = tuple(dict.fromkeys((*base.secrets, *own.secrets)))
    return replace(base, environments=(*kept, *new), secrets=secrets)


def _usable(tree: Tree, candidates: tuple[Settings | None, ...]) -> Settings:
    """The first settings whose environments are there."""
    for settings in candidates:
        if settings is not None:
            try:
                list_environments(tree, settings)
            except FluxsecretsError:
                continue
            return settings
    return Settings()
