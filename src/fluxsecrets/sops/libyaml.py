"""libyaml's parser, without the Python half of PyYAML.

PyYAML's compiled module needs the classes of tokens, events and nodes, and an error. The package imports
readers, resolvers, constructors and dumpers with all their expressions as well, which takes longer than to
decrypt a small file. So the package is loaded with what the compiled module needs. It loads the rest as soon
as anybody asks for it: `import yaml` is the real package for everyone in the process, in any order.

If PyYAML was imported before, or is not as expected, it is imported as usual.
"""

from __future__ import annotations

import sys

from fluxsecrets.rlock import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_RAISED = {
    "reader": "ReaderError",
    "scanner": "ScannerError",
    "parser": "ParserError",
    "composer": "ComposerError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "serializer": "SerializerError",
    "representer": "RepresenterError",
}
"""What the compiled module takes from the Python half. It only calls these, and raises what they return."""


class _Stead:
    """Stands for a module of the Python half while the compiled one loads."""


def _error_maker(module: str, name: str) -> Callable[..., object]:
    def make(*arguments: object) -> object:
        return _error_class(module, name)(*arguments)

    return make


def _error_class(module: str, name: str) -> Any:
    from importlib import import_module  # only when something fails, or the rest is asked for

    return getattr(import_module(f"yaml.{module}"), name)


class _Finder:
    """Finds PyYAML as the others do, and gives it the loader below."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "yaml":
            return None
        for finder in sys.meta_path:
            if finder is not cls and (spec := finder.find_spec(name, path, target)) is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Loads the package in two steps. The second is that of the loader it was found with."""

    def __init__(self, whole: Loader) -> None:
        self._whole = whole
        self._lock = RLock()
        self._running = False

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._whole.create_module(spec)

    def exec_module(self, package: ModuleType) -> None:
        for holder, attribute in ((package, "__loader__"), (package.__spec__, "loader")):
            setattr(holder, attribute, self._whole)
        try:
            _load_compiled(package)
        except (ImportError, AttributeError):  # without libyaml, or of another version
            self._whole.exec_module(package)
            return

        def missing(name: str) -> object:
            self._complete(package)
            try:
                return vars(package)[name]
            except KeyError:
                raise AttributeError(f"module 'yaml' has no attribute {name!r}") from None

        package.__getattr__ = missing  # type: ignore[method-assign]

    def _complete(self, package: ModuleType) -> None:
        """Load the rest. Other threads wait for it; what it asks for itself is missing as it always is."""
        with self._lock:
            if self._running or "__getattr__" not in vars(package):
                return
            self._running = True
            try:
                self._whole.exec_module(package)
                compiled = sys.modules["yaml._yaml"]
                for module, name in _RAISED.items():
                    setattr(compiled, name, _error_class(module, name))
                del package.__getattr__
            finally:
                self._running = False


def _load_compiled(package: ModuleType) -> None:
    import yaml.error
    import yaml.events
    import yaml.nodes
    import yaml.tokens

    steads = {}
    for module, name in _RAISED.items():
        if not hasattr(package, module):
            steads[module] = stead = _Stead()
            setattr(stead, name, _error_maker(module, name))
            setattr(package, module, stead)
    try:
        import yaml._yaml  # noqa: F401
    finally:
        for module, stead in steads.items():
            if getattr(package, module) is stead:  # a thread may have imported the real one
                delattr(package, module)


def _load() -> None:
    sys.meta_path.insert(0, _Finder)
    try:
        import yaml  # noqa: F401 - also waits for a thread that is just importing it
    finally:
        sys.meta_path.remove(_Finder)


_load()

from yaml._yaml import CParser  # noqa: E402
from yaml.error import MarkedYAMLError, YAMLError  # noqa: E402
from yaml.events import (  # noqa: E402
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

__all__ = [
    "TOO_DEEP",
    "AliasEvent",
    "CParser",
    "CollectionEndEvent",
    "CollectionStartEvent",
    "DocumentEndEvent",
    "DocumentStartEvent",
    "MappingEndEvent",
    "MappingStartEvent",
    "MarkedYAMLError",
    "ScalarEvent",
    "SequenceEndEvent",
    "SequenceStartEvent",
    "YAMLError",
]

TOO_DEEP = "exceeded maximum nesting depth"
"""libyaml from 0.2.6 says so of 1,000 levels. Its scanner reads ahead, so that in flow collections this comes
before the events by which a lower limit would be noticed."""
