"""Which files a command works on: named ones, a folder's, an environment's, or all secrets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from stat import S_ISDIR

from fluxsecrets.errors import (
    FileAccessError,
    FluxsecretsError,
    GitError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.marks import is_leftover_name
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import format_for_path

from .inputs import Target, must_exist
from .places import Places
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:  # a command that reads one file mostly does without the repository
    from fluxsecrets.repo.discover import SecretFile, Spread
    from fluxsecrets.repo.tree import Tree


_MANY = 64
"""Paths from which something is done beside looking them up: fewer files are worked on by this process."""


class Selection(NamedTuple):
    """The files of a command.

    Attributes:
        targets: each once, in order.
        root: the repository's top folder, or the folder or working directory without one.
        notes: what was not followed or not understood while they were looked for.
        places: the repositories of named paths, with what git listed.
        tree: the files that it was made of, if those are all of the repository, and are still there.
    """

    targets: tuple[Target, ...]
    root: Path
    notes: tuple[str, ...] = ()
    places: Places | None = None
    tree: Tree | None = None


def select(
    session: Session,
    paths: Sequence[str],
    environment: str | None = None,
    input_type: str | None = None,
    *,
    beside: Callable[[], None] | None = None,
) -> Selection:
    """Select the files that a command line names.

    Args:
        session: the run.
        paths: as given; a file stands for itself, a folder for the secrets in it. Without any, the
            environment is selected, or else the whole repository.
        environment: name of an environment, or None.
        input_type: format of named files, in place of what their place and suffix say.
        beside: what is done while other processes look at the files of a repository, or git lists them, if
            there are as many.

    Raises:
        UsageError: both an environment and paths.
        GitError: no repository where one is needed.
        ConfigError: no such environment.
        FileAccessError: a folder cannot be listed, or a link leaves the repository.
    """
    if paths and environment:
        raise UsageError("name files or an environment, not both", hint="leave out --env, or the paths")
    if not paths:
        return _from_repository(session, environment, partial(_look_at_many, beside=beside))
    places = Places(session, paths, beside if len(paths) >= _MANY else None)
    targets: dict[str, Target] = {}  # a path object takes long to hash
    for text in paths:
        if not text:
            raise UsageError("a path is empty", hint="it may come from a variable that is not set")
        name = os.path.join(session.cwd, text)  # noqa: PTH118 - thousands may be named
        mode = _mode(name)
        found = (
            _below(places, text)
            if mode is not None and S_ISDIR(mode)
            else [_named(places, text, input_type, name if mode is not None else None)]
        )
        for target in found:
            targets.setdefault(os.path.normcase(target.path), target)
    first = next(iter(targets.values()), None)
    repository = places.repository(session.cwd / paths[0]) if first is None else first.repository
    root = repository.root if repository is not None else session.cwd
    return Selection(tuple(targets.values()), root, places=places)


def tree_of(session: Session, selection: Selection) -> Tree:
    """The tree of the root of a selection, before the command writes; git is not asked twice.

    Raises:
        GitError, FileAccessError: see `open_tree`.
    """
    if selection.tree is not None:
        return selection.tree
    from fluxsecrets.repo.tree import open_tree

    places = selection.places
    return places.tree(selection.root) if places else open_tree(selection.root, limits=session.limits)


def repository_root(session: Session) -> Path:
    """The top folder of the repository that the working directory is in, or that directory itself."""
    from fluxsecrets.repo.git import find_repository

    repository = find_repository(session.cwd)
    return repository.root if repository is not None else session.cwd


def _from_repository(session: Session, environment: str | None, spread: Spread) -> Selection:
    from fluxsecrets.repo.discover import discover
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(session.cwd, limits=session.limits)
    if tree.repository is None and environment is None:
        raise GitError(
            "this is not a git repository, so the files can't be determined",
            path=session.shown(session.cwd),
            hint="name files or folders, or run it inside the repository",
        )
    if environment is None:
        secrets = discover(tree, spread=spread)
        return Selection(_targets(session, tree, secrets), tree.root, tree=_still(tree, secrets))
    from fluxsecrets.repo.environments import find_environment

    found = find_environment(tree, environment)
    secrets = discover(tree, paths=found.files | frozenset(found.generator_files), spread=spread)
    notes = tuple(
        f"{session.shown(tree.root / note.path)}{f':{note.line}' if note.line else ''}: {note.message}"
        for note in found.notes
    )
    return Selection(_targets(session, tree, secrets), tree.root, notes, tree=_still(tree, secrets))


def _still(tree: Tree, secrets: Sequence[SecretFile]) -> Tree | None:
    """The tree, unless what killed runs left was deleted from it."""
    return None if any(is_leftover_name(secret.path) for secret in secrets) else tree


def _look_at_many(
    work: Callable[[str], SecretFile | None],
    paths: Sequence[str],
    beside: Callable[[], None] | None = None,
) -> Iterator[SecretFile | None]:
    from .parallel import run_jobs  # named files do without

    # Most files take a look at their bytes only: a process is worth its start for hundreds.
    return run_jobs(work, paths, chunk=32, beside=beside)


def _below(places: Places, text: str) -> Sequence[Target]:
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
            path,
            session.shown(path),
            secret.format,
            encrypted=secret.encrypted,
            repository=tree.repository,
            repository_path=secret.path if tree.repository is not None else None,
            reason=secret.reason,
            problem=_left_behind(secret) or _shown_error(session, tree, secret.error),
            encrypted_at_head=secret.encrypted_at_head if tree.repository is not None else None,
            plain_copy=secret.plain_copy,
        )
        for secret in secrets
        if not (is_leftover_name(secret.path) and _needs_nobody(session, tree, secret))
        for path in (tree.root / secret.path,)
    )


def _needs_nobody(session: Session, tree: Tree, leftover: SecretFile) -> bool:
    """Whether a temporary file needs no attention: it holds ciphertext, is in use, or is deleted now."""
    from fluxsecrets.files.beside import Fate, remove_leftover

    path = tree.root / leftover.path
    fate = remove_leftover(path)
    if fate is Fate.DELETED and not leftover.encrypted and session.warn is not None:
        session.warn(f"a run that was killed left {session.shown(path)}, which is deleted")
    return leftover.encrypted or fate is not Fate.LEFT


def _left_behind(secret: SecretFile) -> FluxsecretsError | None:
    """The problem with a temporary file that can't be deleted here, such as one of another machine."""
    if not is_leftover_name(secret.path):
        return None
    return UnprotectedError(
        "a run that was killed left this file, and it may hold plain text", hint="delete it"
    )


def _shown_error(session: Session, tree: Tree, error: FluxsecretsError | None) -> FluxsecretsError | None:
    if error is not None and error.path is not None:
        error.path = session.shown(tree.root / error.path)
    return error


def _mode(name: str) -> int | None:
    """What is behind a path; None if nothing is, or nobody may look."""
    try:
        return os.stat(name).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return None


def _named(places: Places, text: str, input_type: str | None, existing: str | None) -> Target:
    """A file that the user named: taken as it is, but links must not leave the repository.

    Args:
        places: of the run.
        text: as it was given.
        input_type: overrides the format.
        existing: the path in the working directory, if something is there.
    """
    try:
        path = places.real(text)
        existing = existing if str(path) == existing else None
        if existing is None:
            must_exist(path)
        place = places.inside(path, is_file=existing is not None)
        format_name = input_type or places.format_at(path, place)
    except FluxsecretsError as error:
        error.path = text
        if not os.path.lexists(places.session.cwd / text) and _is_environment(places, text):
            error.hint = f"{text} is an environment: name it with `--env {file_word(text)}`"
        return Target(places.session.cwd / text, text, format_for_path(text), problem=error)
    repository, inside = place if place is not None else (places.repository(path), None)
    return Target(path, text, format_name, repository=repository, repository_path=inside)


def _is_environment(places: Places, text: str) -> bool:
    """Whether an environment has this name; many commands take paths and `--env` alike."""
    if "/" in text or "." in text:
        return False
    from fluxsecrets.repo.environments import find_environment

    try:
        find_environment(places.tree(places.session.cwd), text)
    except FluxsecretsError:
        return False
    return True
