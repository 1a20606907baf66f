"""Set up git for a repository: hooks, drivers and attributes, or some of them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import is_bare_repository

from .attributefile import ATTRIBUTES, install_attributes, uninstall_attributes
from .ciphertexts import repository_files, with_plain_secrets
from .coverage import Coverage, coverage
from .drivers import driver_states, install_drivers, uninstall_drivers
from .install import install_hooks, uninstall_hooks
from .launcher import Launcher
from .model import DRIVERS, HOOKS, HookResult, HookState
from .place import repository_at
from .state import hook_states

EVERYTHING = (*HOOKS, DRIVERS)
"""What can be installed, in the order in which it is shown."""

_AGAIN = f"`fluxsecrets hook install {DRIVERS}`"


def set_up_git(
    start: Path, launcher: Launcher, names: Collection[str] = EVERYTHING, *, everywhere: bool = False
) -> tuple[HookResult, ...]:
    """Install hooks, drivers and attributes; what is right already stays as it is.

    A bare repository has no hooks that look at commits: there it is the drivers and attributes only.

    Args:
        start: a folder in the work tree, or a bare repository.
        launcher: the fluxsecrets that git is to start.
        names: of `EVERYTHING`.
        everywhere: change hooks in a folder that other repositories use, too.

    Raises:
        GitError: no repository, or its configuration can't be written.
        ConfigError: the hooks are not this repository's alone, or a hook is not a shell script.
        FileAccessError: a file can't be read or written.
    """
    repository = repository_at(start)
    hooks = _hooks(repository, names)
    results = install_hooks(start, hooks, launcher, everywhere=everywhere) if hooks else ()
    if DRIVERS not in names:
        return results
    drivers = install_drivers(repository, launcher)
    files = with_plain_secrets(repository, repository_files(repository))
    return (*results, *drivers, install_attributes(repository, files))


def undo_set_up(start: Path, names: Collection[str] = EVERYTHING) -> tuple[HookResult, ...]:
    """Remove hooks, drivers and attributes, and restore what was there before.

    Raises:
        GitError: no repository, or its configuration can't be written.
        FileAccessError: a file can't be read or written.
    """
    repository = repository_at(start)
    hooks = _hooks(repository, names)
    results = uninstall_hooks(start, hooks) if hooks else ()
    if DRIVERS not in names:
        return results
    return (*results, *uninstall_drivers(repository), uninstall_attributes(repository))


def set_up_states(start: Path, names: Collection[str] = EVERYTHING) -> tuple[HookState, ...]:
    """Return whether git runs the hooks, starts the drivers, and uses them for all files with ciphertexts.

    Raises:
        GitError: no repository, or git failed.
        FileAccessError: a file can't be read.
    """
    repository = repository_at(start)
    hooks = _hooks(repository, names)
    states = hook_states(start, hooks) if hooks else ()
    if DRIVERS not in names:
        return states
    found = coverage(repository, repository_files(repository).ciphertexts)
    return (*states, *driver_states(repository), attributes_state(found))


def attributes_state(found: Coverage) -> HookState:
    """Return whether the attributes do their work, for people."""
    problems, hints = [], []
    if found.uncovered:
        problems.append(f"no pattern covers {_several(found.uncovered)}")
        hints.append(f"{_AGAIN}, and commit {found.path.name}")
    for override in found.overrides:
        by = f" by {override.place}" if override.place else ""
        problems.append(f"{override.attribute} is {override.value}{by} for {_several(override.paths)}")
    if found.overrides:
        hints.append("remove the attributes there, or keep them and ignore this")
    if found.converted:
        problems.append(f"git changes the line ends of {_several(found.converted)}")
        hints.append("write `eol=lf` for encrypted files")
    return HookState(ATTRIBUTES, found.path, found.installed, "; ".join(problems), "; ".join(hints))


def _several(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"


def _hooks(repository: Repository, names: Collection[str]) -> tuple[str, ...]:
    return () if is_bare_repository(repository) else tuple(hook for hook in HOOKS if hook in names)
