"""Which files a command is about: those that were named, a folder's, an environment's, or all secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import FileAccessError, FluxsecretsError, GitError, UsageError
from fluxsecrets.files.leftovers import LEFTOVER_GLOB
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.sops.formats import format_for_path

from .inputs import has_no_link, must_exist
from .session import Session

if TYPE_CHECKING:  # a command that reads one file mostly does without the repository
    from fluxsecrets.repo.discover import GeneratorUse, SecretFile
    from fluxsecrets.repo.git import Repository
    from fluxsecrets.repo.tree import Tree

NAMED = "named on the command line"


class Target(NamedTuple):
    """One file that a command is about.

    Attributes:
        path: absolute, links resolved.
        shown: as the user would name it.
        format: name of its format.
        encrypted: whether it carries a `sops` block; False where it was not looked at.
        repository: its git repository, or None.
        repository_path: its path in that repository with `/`, or None.
        reason: why it counts as a secret, or that it was named.
        problem: why it can't be handled.
    """

    path: Path
    shown: str
    format: str
    encrypted: bool = False
    repository: Repository | None = None
    repository_path: str | None = None
    reason: str = NAMED
    problem: FluxsecretsError | None = None

    @property
    def named(self) -> bool:
        """The user named this very file, so that it is not passed over, whatever it is."""
        return self.reason == NAMED


class Selection(NamedTuple):
    """The files of a command.

    Attributes:
        targets: each once, in order.
        root: the repository's top folder, or the folder or working directory without one.
        notes: what was not followed or not understood while they were looked for.
    """

    targets: tuple[Target, ...]
    root: Path
    notes: tuple[str, ...] = ()


def select(
    session: Session, paths: Sequence[str], environment: str | None = None, input_type: str | None = None
) -> Selection:
    """The files that a command line means.

    Args:
        session: the run.
        paths: as given; a file is taken as it is, a folder for the secrets in it. Empty means the
            environment, or else the whole repository.
        environment: name of an environment, or None.
        input_type: format of named files, in place of what their place and suffix say.

    Raises:
        UsageError: an environment together with paths.
        GitError: no repository where one is needed.
        ConfigError: no such environment.
        FileAccessError: a folder cannot be listed, or a link leaves the repository.
    """
    if paths and environment:
        raise UsageError("name files or an environment, not both", hint="leave out --env, or the paths")
    if not paths:
        return _from_repository(session, environment)
    places = _Places(session, paths)
    targets: dict[Path, Target] = {}
    for text in paths:
        if not text:
            raise UsageError("a path is empty", hint="where it comes from a variable, that is not set")
        path = session.cwd / text
        for target in _below(places, text) if path.is_dir() else [_named(places, text, input_type)]:
            targets.setdefault(target.path, target)
    first = next(iter(targets.values()), None)
    repository = places.repository(session.cwd / paths[0]) if first is None else first.repository
    return Selection(tuple(targets.values()), repository.root if repository is not None else session.cwd)


def format_of_name(session: Session, name: str) -> str:
    """The format of a file that need not exist: what a generator takes it for, else what its suffix says."""
    return _format_of(_Places(session, (name,)), session.cwd / name)


def real_path(session: Session, text: str) -> Path:
    """The real file or folder behind a path as the user gave it.

    Raises:
        FileAccessError: it lies behind a link that leaves the repository.
    """
    return _Places(session, (text,)).real(text)


def repository_root(session: Session) -> Path:
    """The top folder of the repository that the working directory is in, or that directory itself."""
    from fluxsecrets.repo.git import find_repository

    repository = find_repository(session.cwd)
    return repository.root if repository is not None else session.cwd


def _from_repository(session: Session, environment: str | None) -> Selection:
    from fluxsecrets.repo.discover import discover
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None and environment is None:
        raise GitError(
            "this is not a git repository, so there is no saying which files are meant",
            path=session.shown(session.cwd),
            hint="name files or folders, or run it inside the repository",
        )
    if environment is None:
        return Selection(_targets(session, tree, discover(tree, spread=_look_at_many)), tree.root)
    from fluxsecrets.repo.environments import find_environment

    found = find_environment(tree, environment)
    secrets = discover(tree, paths=found.files | frozenset(found.generator_files), spread=_look_at_many)
    notes = tuple(
        f"{session.shown(tree.root / note.path)}{f':{note.line}' if note.line else ''}: {note.message}"
        for note in found.notes
    )
    return Selection(_targets(session, tree, secrets), tree.root, notes)


def _look_at_many(
    work: Callable[[str], SecretFile | None], paths: Sequence[str]
) -> Iterator[SecretFile | None]:
    from .parallel import run_jobs

    # Most files take a look at their bytes only: a process is worth its start for hundreds.
    return run_jobs(work, paths, chunk=32)


@dataclass(slots=True)
class _Places:
    """Repositories and their listings, each looked up once, however many files are named."""

    session: Session
    names: Sequence[str]
    _repositories: dict[Path, Repository] = field(default_factory=dict)
    _trees: dict[Path, Tree] = field(default_factory=dict)
    _generators: dict[Path, Mapping[str, GeneratorUse]] = field(default_factory=dict)

    def repository(self, path: Path) -> Repository | None:
        """The repository of a real path, which need not exist."""
        from fluxsecrets.repo.git import find_repository

        for folder in (path, *path.parents):
            if folder in self._repositories:
                return self._repositories[folder]
            if os.path.lexists(folder / ".git"):
                break  # another repository begins here
        found = find_repository(path)
        if found is not None:
            self._repositories[found.root] = found
        return found

    def real(self, text: str) -> Path:
        """The real file or folder behind a path as it was given.

        Raises:
            FileAccessError: it lies behind a link that leaves the repository.
        """
        given = Path(os.path.normpath(self.session.cwd / text))
        if has_no_link(given):  # so that it is where it seems to be
            return given
        for start in (self.session.cwd, given.parent):
            repository = self.repository(start)
            if repository is not None and given.is_relative_to(repository.root):
                return resolve_inside(given, repository.root)
        try:
            return given.resolve()
        except (OSError, RuntimeError, ValueError):
            raise FileAccessError(
                "is no valid path, or a link that leads back to itself", path=text, hint="check its spelling"
            ) from None

    def tree(self, folder: Path) -> Tree:
        """The tree of a folder: its repository's, or its own."""
        repository = self.repository(folder)
        root = repository.root if repository is not None else folder
        if root not in self._trees:
            from fluxsecrets.repo.tree import open_tree

            self._trees[root] = open_tree(folder, limits=self.session.limits)
        return self._trees[root]

    def generators(self, repository: Repository) -> Mapping[str, GeneratorUse]:
        """How generators of a repository read the files that were named, by path in the repository.

        Only the kustomization files that mention one of the names are parsed: there are hundreds.
        """
        if repository.root not in self._generators:
            from fluxsecrets.repo.discover import read_generators
            from fluxsecrets.repo.tree import make_tree

            root = repository.root.resolve()
            files = [Path(os.path.realpath(self.session.cwd / name)) for name in self.names]
            inside = [path.relative_to(root).as_posix() for path in files if path.is_relative_to(root)]
            names = {os.fsencode(path.name) for path in files}
            listed = [path for path in repository.files() if path.rpartition("/")[2] in _KUSTOMIZATIONS]
            tree = make_tree(repository.root, listed, limits=self.session.limits)
            mentioning = [path for path in tree.paths if _mentions(_read(tree, path), names)]
            tree = make_tree(repository.root, [*mentioning, *inside], limits=self.session.limits)
            self._generators[repository.root] = read_generators(tree)[0] if mentioning else {}
        return self._generators[repository.root]


_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})


def _mentions(kustomization: bytes, names: Collection[bytes]) -> bool:
    return b"secretGenerator" in kustomization and any(name in kustomization for name in names)


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except FluxsecretsError:
        return b""


def _below(places: _Places, text: str) -> Sequence[Target]:
    from fluxsecrets.repo.discover import discover
    from fluxsecrets.repo.tree import walk_files

    try:
        folder = places.real(text)
    except FileAccessError as error:
        return [Target(places.session.cwd / text, text, "binary", reason="", problem=error.in_file(text))]
    tree = places.tree(folder)
    root = tree.root.resolve()
    inside = folder.relative_to(root).as_posix() if folder != root else ""
    paths = tree.below(inside)
    if not paths and inside and walk_files(folder):
        ignored = FileAccessError(
            "git ignores everything in this folder, so nothing in it was looked at",
            hint="name the files themselves",
            path=text,
        )
        return [Target(folder, text, "binary", reason="", problem=ignored)]
    return _targets(places.session, tree, discover(tree, paths=paths, spread=_look_at_many))


def _targets(session: Session, tree: Tree, secrets: Sequence[SecretFile]) -> tuple[Target, ...]:
    return tuple(
        Target(
            tree.root / secret.path,
            session.shown(tree.root / secret.path),
            secret.format,
            encrypted=secret.encrypted,
            repository=tree.repository,
            repository_path=secret.path if tree.repository is not None else None,
            reason=secret.reason,
            problem=_shown_error(session, tree, secret.error),
        )
        for secret in secrets
        if not fnmatchcase(secret.path.rpartition("/")[2], LEFTOVER_GLOB)
    )


def _shown_error(session: Session, tree: Tree, error: FluxsecretsError | None) -> FluxsecretsError | None:
    if error is not None and error.path is not None:
        error.path = session.shown(tree.root / error.path)
    return error


def _named(places: _Places, text: str, input_type: str | None) -> Target:
    """A file that the user named: taken as it is, but links must not leave the repository."""
    try:
        path = places.real(text)
        must_exist(path)
        format_name = input_type or _format_of(places, path)
    except FluxsecretsError as error:
        error.path = text
        if not os.path.lexists(places.session.cwd / text) and _is_environment(places, text):
            error.hint = f"{text} is an environment: name it with `--env {text}`"
        return Target(places.session.cwd / text, text, format_for_path(text), problem=error)
    repository = places.repository(path)
    inside = path.relative_to(repository.root.resolve()).as_posix() if repository is not None else None
    return Target(path, text, format_name, repository=repository, repository_path=inside)


def _is_environment(places: _Places, text: str) -> bool:
    """Whether an environment has this name; many commands take paths and `--env` alike."""
    if "/" in text or "." in text:
        return False
    from fluxsecrets.repo.environments import find_environment

    try:
        find_environment(places.tree(places.session.cwd), text)
    except FluxsecretsError:
        return False
    return True


def _format_of(places: _Places, path: Path) -> str:
    """What Flux takes a file for: by its key in the generator that reads it, else by its name.

    Raises:
        ConfigError: generators read it in different formats.
    """
    repository = places.repository(path)
    root = repository.root.resolve() if repository is not None else None
    if repository is not None and root is not None and path.is_relative_to(root):
        inside = path.relative_to(root).as_posix()
        use = places.generators(repository).get(inside)
        error = use.error(inside) if use is not None else None
        if error is not None:
            raise error
        if use is not None:
            return use.format
    return format_for_path(path.name)
