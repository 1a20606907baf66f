"""Whether hooks do their work.

A hook that is in place may still do nothing: git looks elsewhere, the file may not be run, another one was
put there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.git import Repository, find_repository

from .block import BLOCK, shared_block, with_block
from .hookfile import MADE_BY, is_made, is_ours, read_hook, unquoted
from .model import HOOKS, HookState
from .order import LEGACY, OLD, displaced, order_of, runs_by_config
from .place import hooks_folder, husky_folder, repository_at

_AGAIN = "`fluxsecrets hook install`"
_PYTHON = re.compile(r"^python=(?P<python>'.*')$", re.MULTILINE)


def hook_states(start: Path, hooks: Sequence[str] = HOOKS) -> tuple[HookState, ...]:
    """Return for each hook whether it works, and what git would do now.

    Raises:
        GitError: no repository.
        FileAccessError: a file cannot be read.
    """
    repository = repository_at(start)
    return states_in(repository, hooks_folder(repository), hooks)


def states_in(repository: Repository, folder: Path, hooks: Sequence[str] = HOOKS) -> tuple[HookState, ...]:
    """As `hook_states`, where the folder is known in which git looks.

    Raises:
        FileAccessError: a file cannot be read.
    """
    usual = repository.common_dir / "hooks"
    return tuple(_state(repository, hook, folder / hook, usual / hook) for hook in hooks)


def started_by(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each hook of ours in a folder that starts a certain Python, and that Python.

    Raises:
        FileAccessError: a file cannot be read.
    """
    for hook in HOOKS:
        text = (read_hook(folder / hook) or b"").decode("utf-8", "replace")
        if (own := _PYTHON.search(text)) is not None:
            yield hook, unquoted(own["python"])


def dead_hooks(start: Path) -> tuple[HookState, ...]:
    """Return the installed hooks that do nothing; cheap without hooks."""
    try:
        repository = find_repository(start)
        names = (f"{hook}{suffix}" for hook in HOOKS for suffix in ("", LEGACY, OLD))
        if repository is None or not any(
            is_ours(read_hook(repository.common_dir / "hooks" / name)) for name in names
        ):
            return ()
        return tuple(state for state in hook_states(start) if state.installed and state.problem)
    except FluxsecretsError:
        return ()  # `hook status` reports the error


def _state(repository: Repository, hook: str, path: Path, usual: Path) -> HookState:
    husky = husky_folder(repository, path.parent)
    content = read_hook(path)
    if husky is not None and husky != path.parent and content is not None:
        content = read_hook(husky / hook)  # what husky made runs it
    text = (content or b"").decode("utf-8", "replace")
    if not is_ours(content) and not runs_by_config(repository.root, hook, text):
        return _replaced(hook, path, usual, text)
    problem, hint, late = "", _AGAIN, False
    own = _PYTHON.search(text)
    if os.name != "nt" and not os.access(path, os.X_OK):
        problem = "it may not be executed, so that git does not run it"
    elif MADE_BY in text and own is None:
        problem = "it is of an older fluxsecrets, which the environment can switch off"
    elif own is not None and not os.access(unquoted(own["python"]), os.X_OK):
        problem = "the Python that it starts is gone, so that it looks for fluxsecrets on PATH"
    elif BLOCK.search(text) is not None:
        late = text != with_block(text, shared_block(hook, husky=husky is not None))
        if late:
            problem = "its lines are of an older fluxsecrets, or were moved: what follows may stage more"
    elif MADE_BY not in text and hook != "pre-push":
        problem, hint = order_of(repository.root, hook, text)
        late = bool(problem)
    return HookState(hook, path, True, problem, hint if problem else "", late)


def _replaced(hook: str, path: Path, usual: Path, text: str) -> HookState:
    """The state where git runs another hook, or none."""
    if path != usual and is_ours(read_hook(usual)):
        problem = f"core.hooksPath names {path.parent}, so that git does not run the hook in {usual.parent}"
        hint = f"{_AGAIN} puts it there; `git config --show-origin core.hooksPath` says who set that"
        return HookState(hook, path, True, problem, hint)
    if text and (found := displaced(path, text, is_made)) is not None:
        return HookState(hook, path, True, found.problem, _AGAIN, late=found.runs)
    problem = "another hook is there, which does not run fluxsecrets" if text else "there is no hook"
    return HookState(hook, path, False, problem, _AGAIN)
