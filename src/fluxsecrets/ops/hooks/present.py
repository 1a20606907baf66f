"""Whether a clone may have hooks, without git: a command on one file mostly need not ask further."""

from __future__ import annotations

import os

from fluxsecrets.files.statedirs import upwards

NAMES = ("pre-commit", "pre-merge-commit", "pre-push")
"""How the names of hooks begin that `hook install` may write, or move aside."""

_PLACES = ("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE")
_SAMPLE = ".sample"


def may_have_hooks(start: str) -> bool:
    """Whether fluxsecrets may have hooks in the clone that a folder is in.

    Only a plain clone whose own folder has none is told for sure; worktrees, submodules and what variables of
    git name are not.
    """
    if any(os.environ.get(name) for name in _PLACES):
        return True
    for folder in upwards(os.path.realpath(start)):
        git_dir = os.path.join(folder, ".git")  # noqa: PTH118 - pathlib takes longer
        if os.path.lexists(git_dir):
            return _has_some(git_dir)
    return False


def _has_some(git_dir: str) -> bool:
    def has(name: str) -> bool:
        return os.path.lexists(os.path.join(git_dir, name))  # noqa: PTH118

    if has("commondir") or not all(map(has, ("HEAD", "objects", "refs"))):
        return True
    try:
        names = os.listdir(os.path.join(git_dir, "hooks"))  # noqa: PTH118, PTH208
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return any(name.startswith(NAMES) and not name.endswith(_SAMPLE) for name in names)
