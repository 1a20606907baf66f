"""All files of a small repository, without git, which is slow to start for a question about one file.

Files that git ignores are among them. So they answer a question only where a file more could not change the
answer: that no file says a thing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fluxsecrets.sops.formats import Limits

from .tree import Tree, make_tree

MOST = 400
"""Files and folders that are looked at; git lists larger repositories in less time."""


def tree_of_few(root: Path, limits: Limits) -> Tree | None:
    """A tree that has at least the files which git tracks, or would track, if there are few.

    Args:
        root: the top folder of a repository.
        limits: what reading may cost.

    Returns:
        None if there are many, or a folder can't be listed, or git may write names in another way than the
        system does: by `core.ignoreCase` or `core.precomposeUnicode`.
    """
    if sys.platform != "linux":
        return None
    paths = _few_paths(str(root))
    return None if paths is None else make_tree(root, paths, limits=limits)


def _few_paths(root: str) -> list[str] | None:
    found: list[str] = []
    folders = [""]
    left = MOST
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root + "/" + folder) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return None
                    if not entry.is_dir(follow_symlinks=False):
                        found.append(folder + entry.name)
                    elif entry.name != ".git":  # git lists nothing of such a folder, wherever it is
                        folders.append(f"{folder}{entry.name}/")
        except OSError:
            return None
    return found
