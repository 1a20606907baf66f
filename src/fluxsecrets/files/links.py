"""Which real file a path names, and whether that is inside the repository."""

from __future__ import annotations

import os
from pathlib import Path

from fluxsecrets.errors import FileAccessError

from . import system


def real_path(path: str, known: dict[str, bool]) -> str:
    """As `os.path.realpath`, for many paths: each folder is looked at once.

    Args:
        path: absolute.
        known: whether paths are free of links; this one and the folders above it are added.
    """
    return path if _is_real(path, known) else os.path.realpath(path)


def _is_real(path: str, known: dict[str, bool]) -> bool:
    if path not in known:
        above, name = os.path.split(path)
        known[path] = path == os.sep or (
            not system.WINDOWS
            and name not in ("", ".", "..")
            and _is_real(above, known)
            and not os.path.islink(path)  # noqa: PTH114
        )
    return known[path]


def resolve_inside(path: Path, root: Path) -> Path:
    """The real file behind a path, which must be inside of a root.

    The file need not exist. A link that stays inside resolves to its target, so that writing changes
    the target and the link stays.

    Args:
        path: absolute, or relative to the working directory.
        root: the repository's top folder.

    Raises:
        FileAccessError: the real file is outside of the root, or the links go round in circles.
    """
    try:
        real, real_root = path.resolve(), root.resolve()
    except ValueError:  # a null character
        raise FileAccessError("is not a valid path", path=str(path)) from None
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, up to Python 3.12
        raise FileAccessError(
            "is a link that leads back to itself", hint="remove the link or correct it", path=str(path)
        ) from None
    if real.is_relative_to(real_root) or any(_same_folder(parent, real_root) for parent in real.parents):
        return real
    if Path(os.path.normpath(Path.cwd() / path)).is_relative_to(Path(os.path.normpath(Path.cwd() / root))):
        message = "is a link that leaves the repository, or is behind one"
        hint = "links are followed inside the repository only; name the file it points to, or copy it here"
    else:
        message = "is outside of the repository"
        hint = f"name a file below {root}"
    raise FileAccessError(message, hint=hint, path=str(path))


def _same_folder(first: Path, second: Path) -> bool:
    # Spelled differently, yet the same: on file systems that ignore case.
    try:
        return first.samefile(second)
    except OSError:
        return False
