"""Where named files really are: their repositories, listings and generators, each looked up once.

Thousands of files may be named, so most of this goes without path objects.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.files.links import real_path as real_path_of
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.statedirs import upwards
from fluxsecrets.marks import is_kustomization
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.formats import format_for_path

from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:  # most files do without the repository
    from fluxsecrets.repo.discover import GeneratorUse
    from fluxsecrets.repo.git import Repository
    from fluxsecrets.repo.tree import Tree


@dataclass(slots=True)
class Places:
    """Repositories and their listings, each looked up once, however many files are named.

    Attributes:
        session: the run.
        names: the paths as given.
        beside: what is done while git lists the first repository, if it has to.
    """

    session: Session
    names: Sequence[str]
    beside: Callable[[], None] | None = None
    _repositories: dict[str, Repository] = field(default_factory=dict)
    _roots: dict[Path, str] = field(default_factory=dict)
    _real: dict[str, bool] = field(default_factory=dict)
    _listings: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    _trees: dict[Path, Tree] = field(default_factory=dict)
    _few: dict[Path, Tree | None] = field(default_factory=dict)
    _generators: dict[Path, Mapping[str, GeneratorUse]] = field(default_factory=dict)

    def repository(self, path: Path) -> Repository | None:
        """The repository of a real path, which need not exist."""
        return self._repository(path, str(path))

    def _repository(self, path: Path, start: str) -> Repository | None:
        """The same, looked for from a folder on, if not from the path itself."""
        from fluxsecrets.repo.git import find_repository

        passed = []
        for folder in upwards(start):
            found = self._repositories.get(folder)
            if found is not None:
                break
            if os.path.lexists(os.path.join(folder, ".git")):  # noqa: PTH118
                break  # another repository begins here
            passed.append(folder)
        if found is None:
            found = find_repository(path)
            if found is None:
                return None
            self._repositories[str(found.root)] = found
        if folder == str(found.root) or folder in self._repositories:
            self._repositories |= dict.fromkeys(passed, found)
        return found

    def inside(self, path: Path, *, is_file: bool = False) -> tuple[Repository, str] | None:
        """The repository of a real path, and the path in it with `/`; None where it is in none.

        Args:
            path: the path.
            is_file: it is known not to be a folder.
        """
        text = str(path)
        repository = self._repository(path, os.path.dirname(text) if is_file else text)  # noqa: PTH120
        if repository is None:
            return None
        if repository.root not in self._roots:
            self._roots[repository.root] = str(repository.root.resolve())
        root = self._roots[repository.root]
        if text.startswith(f"{root}{os.sep}"):  # most files; the rest says the same
            return repository, text[len(root) + 1 :].replace(os.sep, "/")
        return (repository, path.relative_to(root).as_posix()) if path.is_relative_to(root) else None

    def real(self, text: str) -> Path:
        """The real file or folder behind a path as it was given.

        Raises:
            FileAccessError: it lies behind a link that leaves the repository.
        """
        name = os.path.normpath(os.path.join(self.session.cwd, text))  # noqa: PTH118 - as above
        given = Path(name)
        if "\0" not in name and real_path_of(name, self._real) == name:  # no link: it is where it seems to be
            return given
        for start in (self.session.cwd, given.parent):
            repository = self.repository(start)
            if repository is not None and given.is_relative_to(repository.root):
                return resolve_inside(given, repository.root)
        try:
            return given.resolve()
        except (OSError, RuntimeError, ValueError):
            raise FileAccessError(
                "not a valid path, or a link that leads back to itself", path=text, hint="check its spelling"
            ) from None

    def tree(self, folder: Path) -> Tree:
        """The tree of a folder: its repository's, or its own."""
        repository = self.repository(folder)
        root = repository.root if repository is not None else folder
        if root not in self._trees:
            from fluxsecrets.repo.tree import make_tree, open_tree

            limits = self.session.limits
            self._trees[root] = (
                open_tree(folder, limits=limits)
                if repository is None
                else make_tree(root, self._listing(repository), repository=repository, limits=limits)
            )
        return self._trees[root]

    def few(self, root: Path) -> Tree | None:
        """All files of a small repository and more; see `tree_of_few`."""
        if root not in self._few:
            from fluxsecrets.repo.fewfiles import tree_of_few

            self._few[root] = tree_of_few(root, self.session.limits)
        return self._few[root]

    def _listing(self, repository: Repository) -> tuple[str, ...]:
        if repository.root not in self._listings:
            beside, self.beside = self.beside, None
            if beside is None:
                self._listings[repository.root] = repository.files()
            else:
                with repository.files_begun() as listed:
                    beside()
                    self._listings[repository.root] = listed()
        return self._listings[repository.root]

    def generators(self, repository: Repository) -> Mapping[str, GeneratorUse]:
        """How generators of a repository read the files that were named, by path in the repository.

        Only the kustomization files that mention one of the names are parsed: there are hundreds.
        """
        if repository.root not in self._generators:
            from fluxsecrets.repo.tree import make_tree

            few = self.few(repository.root)
            if few is not None and not self._mentioning(few, _generating(few))[0]:
                return self._generators.setdefault(repository.root, {})
            listed = [path for path in self._listing(repository) if is_kustomization(path)]
            tree = make_tree(repository.root, listed, limits=self.session.limits)
            mentioning, inside = self._mentioning(tree, _generating(tree))
            self._generators[repository.root] = {}
            if mentioning:
                from fluxsecrets.repo.discover import read_generators

                tree = make_tree(repository.root, [*mentioning, *inside], limits=self.session.limits)
                self._generators[repository.root] = read_generators(tree)[0]
        return self._generators[repository.root]

    def _mentioning(self, tree: Tree, paths: Collection[str]) -> tuple[list[str], list[str]]:
        """Those of some kustomization files that mention a named file; and the named files in the tree."""
        if not paths:
            return [], []
        root = tree.root.resolve()
        files = [Path(os.path.realpath(self.session.cwd / name)) for name in self.names]
        inside = [path.relative_to(root).as_posix() for path in files if path.is_relative_to(root)]
        names = {os.fsencode(path.name) for path in files}
        return [path for path in paths if any(name in _read(tree, path) for name in names)], inside

    def format_of(self, path: Path) -> str:
        """What Flux takes a file for: by its key in the generator that reads it, else by its name.

        Raises:
            ConfigError: generators read it in different formats.
        """
        return self.format_at(path, self.inside(path))

    def format_at(self, path: Path, place: tuple[Repository, str] | None) -> str:
        """The same for a file of which `inside` is known."""
        if place is not None:
            repository, inside = place
            use = self.generators(repository).get(inside)
            error = use.error(inside) if use is not None else None
            if error is not None:
                raise error
            if use is not None:
                return use.format
        return format_for_path(path.name)


def _generating(tree: Tree) -> list[str]:
    """The kustomization files of a tree that may have generators of Secrets."""
    return [path for path in tree.paths if is_kustomization(path) and b"secretGenerator" in _read(tree, path)]


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except FluxsecretsError:
        return b""
