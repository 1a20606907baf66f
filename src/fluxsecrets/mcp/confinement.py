"""What an agent may name: paths of the repository in which the server was started, and no others."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from fluxsecrets.errors import FileAccessError, UsageError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import holds_private_key
from fluxsecrets.sops.formats import format_for_path

_SEARCHED = 2**20
"""Bytes of a named file that are searched for private keys."""

_GIT_NAMES = (".git", "git~1")  # the second one is what Windows also calls the first


class Confinement:
    """The repository that a server is confined to."""

    def __init__(self, root: Path) -> None:
        """Take the root of the repository, a real path."""
        self.root = root

    def inside(self, text: str) -> str:
        """Return a path relative to the root, as operations take it.

        Raises:
            UsageError: it is not a relative path, looks like an option, or is git's own.
            FileAccessError: it leads out of the repository through a link, or names a file of private keys.
        """
        if not text.isprintable() or text.startswith(("-", "~")):
            raise UsageError("a path must be printable, and can't start with - or ~", hint=_HINT)
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(text)
            if path.is_absolute() or path.drive or path.root or ".." in path.parts:
                raise UsageError("a path must be relative to the repository's root, without ..", hint=_HINT)
            _refuse_git(path.parts)
        real = resolve_inside(self.root / text, self.root)
        _refuse_git(real.relative_to(self.root).parts if real.is_relative_to(self.root) else ())
        if real.is_file() and _is_key_file(real):
            raise FileAccessError(
                "this is a file of private keys, which no tool touches",
                hint="a person should move it out of the repository, or encrypt it",
            )
        return PurePosixPath(text).as_posix()


_HINT = "list_secrets shows the paths of secrets"


def _refuse_git(parts: tuple[str, ...]) -> None:
    # Windows ignores dots and blanks at the end, and what follows a colon.
    if any(part.lower().partition(":")[0].rstrip(". ") in _GIT_NAMES for part in parts):
        raise UsageError("a path inside of .git belongs to git", hint=_HINT)


def _is_key_file(path: Path) -> bool:
    """Return whether a file is nothing but private keys; a manifest with one is a finding of `scan`."""
    if format_for_path(path.name) != "binary" or path.stat().st_size > _SEARCHED:
        return False
    data = read_file(path, limit=_SEARCHED, follow_links=True).data
    return holds_private_key(data.decode("utf-8", "replace"))
