"""Which repository a place belongs to.

git takes a folder with `HEAD`, `objects` and `refs` for a bare repository, and does as its configuration
says. A clone can hold such a folder. So we look for the `.git` ourselves, and ask git in that folder alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fluxsecrets.errors import GitError

from .plain import is_plain
from .process import failure, find_git, run
from .repository import Repository

# What git exports to hooks and what ties a process to one repository (`git rev-parse --local-env-vars`).
_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
)


_OBJECTS = ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY")


def find_repository(start: Path) -> Repository | None:
    """The repository that a file or folder belongs to.

    Variables such as GIT_DIR, which git sets for hooks, count only where they mean the same
    repository that the place is in, or where the place is in no repository without them.

    Args:
        start: a file or folder; it need not exist.

    Returns:
        The repository, or None.

    Raises:
        GitError: git is missing although there is a repository, it refuses to work in a folder that
            somebody else owns, or the repository is bare or damaged.
    """
    folder = _existing_folder(start)
    found = _discover(folder, {})
    ambient = {name: os.environ[name] for name in _VARIABLES if os.environ.get(name)}
    if not ambient or (found is None and find_git() is None):
        return found
    return _with_ambient(found, folder, ambient)


def _with_ambient(found: Repository | None, folder: Path, ambient: Mapping[str, str]) -> Repository | None:
    """Settle which repository the environment means, and whether it is the one that was found."""
    here = Path.cwd()
    carried = {name: _absolute(name, value, here) for name, value in ambient.items()}
    if found is not None and folder == here and carried.keys() == {"GIT_INDEX_FILE"}:
        # What `git commit` exports to its hook. An index ties nothing to a place, so git need not be asked
        # again, and a commit waits for it.
        return found._replace(environment=tuple(carried.items()))
    try:
        meant = _ask(here, carried) if "GIT_DIR" in carried else _discover(here, carried)
    except GitError:
        if found is None:
            raise
        return found
    if meant is None or (found is not None and not _same(found.git_dir, meant.git_dir)):
        return found
    if found is None and not folder.resolve().is_relative_to(meant.root.resolve()):
        return None
    others = tuple(sorted((name, text) for name, text in carried.items() if name not in _PINNED))
    return (found or meant)._replace(environment=others)


_PINNED = ("GIT_DIR", "GIT_WORK_TREE")


def _discover(folder: Path, variables: Mapping[str, str]) -> Repository | None:
    """The repository with the nearest `.git` at or above a folder.

    Raises:
        GitError: a bare repository is nearer, or git cannot work there.
    """
    bare = None
    for level, has_git in _levels(folder.resolve()):
        if not has_git:
            bare = bare or level
        elif bare is not None:
            raise _bare(bare, level)
        else:
            if is_plain(level, os.environ, variables) and find_git() is not None:
                return Repository(level, level / ".git", level / ".git")
            # The ceiling keeps git from looking further up, where it takes the `.git` here for none.
            return _ask(level, {**variables, "GIT_CEILING_DIRECTORIES": str(level.parent)})
    if bare is not None:
        raise _bare(bare, None)
    return None


def _levels(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The folders at and above a real path that git may take for a repository, the nearest first.

    As git does, this stops at GIT_CEILING_DIRECTORIES and at the border of a file system.

    Yields:
        The folder, and whether it has a `.git`; else it looks like a bare repository itself.
    """
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    across = os.environ.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "").lower() in ("1", "true", "yes", "on")
    device = folder.stat().st_dev
    for level in (folder, *folder.parents):
        if level != folder and str(level) in ceilings:
            return
        if not across and level.stat().st_dev != device:
            return
        if (level / ".git").is_file() or _is_git_folder(level / ".git"):
            yield level, True
        elif _is_git_folder(level):
            yield level, False


def _is_git_folder(folder: Path) -> bool:
    """Whether git may take a folder for a repository; never stricter than git (setup.c: is_git_directory)."""

    def has(name: str) -> bool:
        return os.path.lexists(folder / name)

    return has("HEAD") and (has("commondir") or (has("objects") and has("refs")))


def _bare(folder: Path, outer: Path | None) -> GitError:
    if outer is None or folder.name == ".git" or folder.is_relative_to(outer / ".git"):
        return GitError(
            "this is a bare repository, or the inside of a .git folder",
            hint="run this in a checked-out work tree",
            path=str(folder),
        )
    return GitError(
        "this folder looks like a bare git repository inside of another one, whose configuration would count",
        hint=f"nothing in it was run. Look where it came from: git -C {_quoted(outer)} log -- "
        f"{_quoted(folder.relative_to(outer).as_posix())}",
        path=str(folder),
    )


def _quoted(path: object) -> str:
    from fluxsecrets.shell import file_word

    return file_word(str(path))


def is_bare(folder: Path) -> bool:
    """Return whether a folder looks like a bare repository."""
    return _is_git_folder(folder)


def bare_repository(folder: Path) -> Repository:
    """Return a bare repository that the user named; its files are those of its commits.

    git never finds one by itself here: its configuration counts, and a clone can hold such a folder. While
    it runs a hook, the objects that are being pushed are in a folder of their own, which git names.

    Raises:
        GitError: the folder belongs to somebody else, or git cannot work there.
    """
    place = folder.resolve()
    owner = place.stat().st_uid
    if hasattr(os, "geteuid") and owner not in (os.geteuid(), int(os.environ.get("SUDO_UID") or -1)):
        raise GitError(
            "this bare repository belongs to another user, whose configuration would count",
            hint="run this as its owner, or clone it",
        )
    found = Repository(place, place, place, _pushed_objects(place))
    found.run("rev-parse", "--git-dir")
    return found


def _pushed_objects(place: Path) -> tuple[tuple[str, str], ...]:
    """Where the objects are that a hook of a repository has to judge (`git help receive-pack`)."""
    here, git_dir = Path.cwd(), os.environ.get("GIT_DIR")
    if git_dir is None or not _same(here / git_dir, place):
        return ()
    return tuple((name, _absolute(name, os.environ[name], here)) for name in _OBJECTS if os.environ.get(name))


def _ask(folder: Path, variables: Mapping[str, str]) -> Repository | None:
    arguments = ("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    result = run(arguments, folder, variables)
    if result.code != 0:
        if "not a git repository" in result.errors:
            return None
        raise failure("rev-parse", result, folder)
    lines = os.fsdecode(result.output).split("\n")
    if len(lines) != 4:
        raise GitError(
            "the repository's path contains a line break, which git cannot report", path=str(folder)
        )
    root, git_dir, common_dir = (Path(line) for line in lines[:3])
    return Repository(root, git_dir, (folder / common_dir).resolve())


def _existing_folder(start: Path) -> Path:
    folder = start.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _absolute(name: str, value: str, here: Path) -> str:
    parts = value.split(os.pathsep) if name == "GIT_ALTERNATE_OBJECT_DIRECTORIES" else [value]
    return os.pathsep.join(str(here / part) for part in parts if part)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
