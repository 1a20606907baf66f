"""What is there: environments, secrets, rules, people and the keys at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.marks import KEYS_FOLDER, MISSPELLED_RULES_NAME, RULES_NAME
from fluxsecrets.ops.files.rekey import read_usage
from fluxsecrets.ops.newenv.draft import Draft
from fluxsecrets.ops.people.ownkeys import KeyList, list_keys
from fluxsecrets.ops.run.people import People, read_people
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.environments import Environment, load_reached, with_outside
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.bare import any_repository, is_bare_repository
from fluxsecrets.repo.settings import Settings, load_settings
from fluxsecrets.repo.tree import Tree, make_tree

from .model import InitRequest
from .territory import Owners, Territories

OUTSIDE: Owners = frozenset()
"""Owners of what no environment reaches."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A repository as it is.

    Attributes:
        secrets: by path, sorted.
        keys: the identities at hand.
        territories: which files are whose.
        draft: takes what is to be written.
    """

    session: Session
    request: InitRequest
    repository: Repository
    tree: Tree
    settings: Settings
    environments: tuple[Environment, ...]
    secrets: tuple[SecretFile, ...]
    people: People
    keys: KeyList
    territories: Territories
    draft: Draft = field(repr=False)

    @property
    def public(self) -> Mapping[str, str]:
        """Recipient -> name."""
        return self.people.names

    def shown(self, path: str) -> str:
        """Return a path as the user would name it."""
        return self.session.shown(self.tree.root / path)

    def owners(self, path: str) -> Owners:
        """Return whose file it is."""
        return self.territories.owners.get(path, OUTSIDE)

    def is_link(self, path: str) -> bool:
        """Whether a path, or a folder above it in the repository, is a symbolic link."""
        pieces = path.split("/")
        return any(
            self.tree.root.joinpath(*pieces[:count]).is_symlink() for count in range(1, len(pieces) + 1)
        )

    def content(self, path: str) -> bytes | None:
        """Return a file of the work tree that may be written, whether git ignores it or not; None if missing.

        Raises:
            FileAccessError: it is a link, or cannot be read.
        """
        if self.is_link(path):
            raise FileAccessError(
                "this is a symbolic link, so nothing is written through it",
                hint="replace it with a file or folder of its own, then try again",
                path=self.shown(path),
            )
        place = self.tree.root / path
        if not place.exists():
            return None
        from fluxsecrets.files.reading import read_file

        return read_file(place, limit=self.session.limits.size).data


def look(session: Session, request: InitRequest) -> Survey:
    """Look at the repository of the working directory.

    Raises:
        UsageError: it is in no work tree of git.
        ConfigError: settings or rules are invalid.
        GitError: git cannot work there.
    """
    repository = _repository(session)
    tree = make_tree(repository.root, repository.files(), repository=repository, limits=session.limits)
    _refuse_misspelled(session, tree.root)
    settings = load_settings(tree)
    reached = load_reached(tree, settings)
    environments = with_outside(tree, reached, settings)
    secrets = discover(tree)
    survey = Survey(
        session,
        request,
        repository,
        tree,
        settings,
        environments,
        secrets,
        read_people(session, tree),
        list_keys(session, read_usage(session, reached)),
        _territories(environments, secrets),
        Draft(session, tree),
    )
    for path in (RULES_NAME, KEYS_FOLDER):
        if survey.is_link(path):
            survey.content(path)
    return survey


def _repository(session: Session) -> Repository:
    found = any_repository(session.cwd)
    if found is None:
        raise UsageError(
            "this is not a git repository, and Flux reads from one",
            hint="`git init`, then `fluxsecrets init`",
            path=str(session.cwd),
        )
    if is_bare_repository(found) or (own := find_repository(session.cwd)) is None:
        raise UsageError(
            "this is a bare repository: it has no files to protect",
            hint="run it in a clone",
            path=str(session.cwd),
        )
    return own


def _refuse_misspelled(session: Session, root: Path) -> None:
    if (root / MISSPELLED_RULES_NAME).exists() and not (root / RULES_NAME).exists():
        raise UsageError(
            f"sops does not read this file: its name is {RULES_NAME}",
            hint=f"`git mv {MISSPELLED_RULES_NAME} {RULES_NAME}`, then `fluxsecrets init`",
            path=session.shown(root / MISSPELLED_RULES_NAME),
        )


def _territories(environments: tuple[Environment, ...], secrets: tuple[SecretFile, ...]) -> Territories:
    owners: dict[str, set[str]] = {each.path: set() for each in secrets}
    for environment in environments:
        for path in environment.files:
            owners.setdefault(path, set()).add(environment.name)
    return Territories(
        {path: frozenset(names) for path, names in owners.items()},
        frozenset(each.root_path for each in environments),
        frozenset(each.name for each in environments),
    )
