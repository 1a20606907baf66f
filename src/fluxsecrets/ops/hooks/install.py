"""Git hooks that keep secrets in plain text out: put into place, taken away again.

Two ways, by whose file it is. A hook in git's own folder is ours: an existing one is set aside and runs
first. A file that the team shares, such as `.husky/pre-commit`, gets a few marked lines at its top, which
start the rest of the file. Either way the check of a commit comes last: what runs before may stage more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .launcher import Launcher
from .model import HookResult
from .own import install_own, uninstall_own
from .place import find_place, make_folder, repository_at
from .shared import install_shared, uninstall_shared


def install_hooks(
    start: Path, hooks: Sequence[str], launcher: Launcher, *, everywhere: bool = False
) -> tuple[HookResult, ...]:
    """Install hooks; a hook that is already right stays as it is.

    `everywhere` permits a core.hooksPath that serves all of the user's repositories.

    Raises:
        GitError: no repository.
        ConfigError: the hooks are not this repository's alone, or a hook is not a shell script.
        FileAccessError: a file cannot be read or written.
    """
    repository = repository_at(start)
    place = find_place(repository, everywhere=everywhere)
    make_folder(place.folder)
    results = []
    for hook in hooks:
        path = place.folder / hook
        results.append(
            install_shared(hook, path, husky=place.husky)
            if place.shared
            else install_own(hook, path, launcher)
        )
    return tuple(results)


def uninstall_hooks(start: Path, hooks: Sequence[str]) -> tuple[HookResult, ...]:
    """Remove hooks, and restore the ones from before.

    Raises:
        GitError: no repository.
        FileAccessError: a file cannot be read or written.
    """
    place = find_place(repository_at(start), everywhere=True)
    return tuple(
        uninstall_shared(hook, place.folder / hook)
        if place.shared
        else uninstall_own(hook, place.folder / hook)
        for hook in hooks
    )
