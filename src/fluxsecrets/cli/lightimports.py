"""Makes imports take less time, in a process that runs one command.

Modules of fluxsecrets are found where they are, without a search. A command on one file imports more than a
hundred of them. For each, Python asks several finders, lists the folder, looks at the source twice and reads
the compiled code through a buffer, which takes longer than to run most of them. Python still loads them
itself: it decides whether compiled code is up to date, and runs it. What is not a source file in the one
folder of its package is left to Python's finders, and so is everything where the program was not installed as
source files. There are no compiled extensions in fluxsecrets.

`pathlib` is imported without `urllib.parse`, which it needs for `as_uri` alone. That module, and `ipaddress`
behind it, take a twentieth of the time in which one file is decrypted. Later versions of Python import it
when it is called.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_PREFIX = f"{__name__.partition('.')[0]}."
_PARSE = "urllib.parse"

_COLLECT_AFTER = 50_000
"""New objects after which Python looks for cycles among them; by default 700."""


def prepare() -> None:
    """Find modules of fluxsecrets from now on, and import `pathlib` before anything else does.

    Python looks for cycles less often, too. Those that a module is made of stay, and what a file is parsed to
    holds none and goes when it is done. Looking for some takes a sixth of the time. Worker processes that are
    forked inherit this.
    """
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    _find_own_modules()
    _import_pathlib()


def _find_own_modules() -> None:
    # Finders that others put before those of Python stay before this one.
    suffix = _suffix(__spec__)
    if os.name != "posix" or suffix is None or BuiltinImporter not in sys.meta_path:
        return
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(sys.meta_path.index(BuiltinImporter), _Finder(suffix))


def _suffix(own: ModuleSpec | None) -> str | None:
    """The end of the name of compiled code, or None if this module was not loaded from a source file."""
    if own is None or type(own.loader) is not SourceFileLoader or own.origin is None or own.cached is None:
        return None
    folder, name = os.path.split(own.origin)
    start = os.path.join(folder, "__pycache__", name.removesuffix(".py"))  # noqa: PTH118 - pathlib takes longer
    return own.cached.removeprefix(start) if own.cached.startswith(start) else None


class _Finder:
    """Finds modules by their names. `suffix` ends the names of files with compiled code."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module; None leaves it to the finders behind this one."""
        if path is None or len(path) != 1 or not name.startswith(_PREFIX):
            return None
        folder, last = path[0], name[name.rindex(".") + 1 :]
        within = None
        if os.access(f"{folder}/{last}", os.F_OK):  # a package goes before a module
            folder, last = f"{folder}/{last}", "__init__"
            within = [folder]
        source = f"{folder}/{last}.py"
        try:
            state = os.stat(source)  # noqa: PTH116
        except OSError:
            return None
        spec = ModuleSpec(name, _Loader(name, source, state), origin=source)
        spec.submodule_search_locations = within
        spec.has_location = True
        spec.cached = f"{folder}/__pycache__/{last}{self._suffix}"
        return spec


class _Loader(SourceFileLoader):
    """Python's loader, which is told what is known of the file."""

    def __init__(self, name: str, path: str, state: os.stat_result) -> None:
        super().__init__(name, path)
        self._state = state

    def path_stats(self, path: str) -> dict[str, float]:
        """What compiled code must agree with."""
        return {"mtime": self._state.st_mtime, "size": self._state.st_size}

    def get_data(self, path: str) -> bytes:
        """Read source or compiled code."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, os.fstat(descriptor).st_size + 1)
        finally:
            os.close(descriptor)
        return data


def _import_pathlib() -> None:
    if _PARSE in sys.modules or "pathlib" in sys.modules:
        return
    stand_in = type(sys)(_PARSE)
    stand_in.__dict__["quote_from_bytes"] = _quote_from_bytes
    sys.modules[_PARSE] = stand_in
    try:
        import pathlib  # noqa: F401
    finally:
        del sys.modules[_PARSE]


def _quote_from_bytes(text: bytes) -> str:
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(text)
