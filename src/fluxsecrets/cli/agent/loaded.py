"""The code that the agent has loaded: it answers only as long as a new process would load the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .interpreter import interpreter

_State = tuple[int, int, int]


class Loaded(NamedTuple):
    """The code in memory.

    Attributes:
        interpreter: what a client has to say, too.
        path: `sys.path`.
        used: the folders of it that modules were loaded from; a client without one has other code.
        files: the files of all modules, with the state in which they were loaded.
        folders: the folders of installed ones. An installation replaces files, which changes
            folders.
        edited: those of the files that somebody may write to in place: what is not installed.
    """

    interpreter: bytes
    path: tuple[bytes, ...]
    used: frozenset[bytes]
    files: tuple[tuple[str, _State], ...]
    folders: tuple[tuple[str, _State], ...]
    edited: tuple[tuple[str, _State], ...]

    def is_found_on(self, path: Sequence[bytes]) -> bool:
        """Return whether a process with another `sys.path` finds the same modules.

        It does if nothing but folders without any of them is left out. So it is with an isolated Python, as
        git starts it: the script's folder is missing there.
        """
        rest = iter(self.path)
        return tuple(path) == self.path or (
            self.used <= set(path) and all(any(each == one for one in rest) for each in path)
        )

    def is_unchanged(self) -> bool:
        """Return whether all files are as they were."""
        try:
            return _are_same(self.edited) and (_are_same(self.folders) or _are_same(self.files))
        except OSError:
            return False


def loaded() -> Loaded:
    """Return the code that this process has loaded, to be called when all is.

    Raises:
        OSError: a file of it is gone.
    """
    names = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    files = {name: _state(name) for name in sorted(name for name in names if name is not None)}
    installed = [name for name in files if _is_installed(name)]
    folders = {os.path.dirname(name) for name in installed}  # noqa: PTH120
    return Loaded(
        interpreter(),
        tuple(os.fsencode(each) for each in sys.path),
        frozenset(_used()),
        tuple(files.items()),
        tuple((folder, _state(folder)) for folder in sorted(folders)),
        tuple((name, state) for name, state in files.items() if name not in installed),
    )


def _used() -> Iterator[bytes]:
    """The folders that modules of their own, and not of a package, were loaded from."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if "." in name or spec is None or not spec.has_location or spec.origin is None:
            continue
        folder = os.path.dirname(spec.origin)  # noqa: PTH120
        is_package = spec.submodule_search_locations is not None
        yield os.fsencode(os.path.dirname(folder) if is_package else folder)  # noqa: PTH120


def _is_installed(name: str) -> bool:
    return f"{os.sep}site-packages{os.sep}" in name or name.startswith(_STANDARD)


_STANDARD = os.path.dirname(os.__file__)  # noqa: PTH120


def _are_same(states: tuple[tuple[str, _State], ...]) -> bool:
    return all(_state(path) == state for path, state in states)


def _state(path: str) -> _State:
    found = os.stat(path)  # noqa: PTH116 - hundreds of them, for each request
    return found.st_mtime_ns, found.st_size, found.st_ino
