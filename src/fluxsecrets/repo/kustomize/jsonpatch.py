"""JSON 6902 patches as kustomize applies them.

Follows evanphx/json-patch v4, which is laxer than the RFC: `replace` creates a key that is missing in a map,
and negative positions count from the end of a list. Nothing that is given is changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from fluxsecrets.repo.manifests import Plain

from .sizes import is_deeper, is_larger

_MISSING: Any = object()


class OperationError(ValueError):
    """An operation does not apply; the text says why in the words of the library, without values."""


_TOO_DEEP = "so many maps in each other are not followed"


class TooLargeError(OperationError):
    """An operation copies more than is followed; it may apply all the same."""


def operate(data: Plain, operations: Iterable[Plain]) -> Any:
    """Return the data after the operations, in a copy.

    Raises:
        OperationError: one does not apply, or is none.
        TooLargeError: a copy is too large to follow.
    """
    root = deepcopy(data)
    for operation in operations:
        kind = operation.get("op")
        if not isinstance(kind, str) or kind not in _KINDS:
            raise OperationError(
                f"Unexpected kind: {ascii(kind)[1:-1] if isinstance(kind, str) else 'unknown'}"
            )
        try:
            root = _KINDS[kind](root, operation)
        except RecursionError:
            raise TooLargeError(_TOO_DEEP) from None
    if is_deeper(root):
        raise TooLargeError(_TOO_DEEP)
    return root


def _add(root: Any, operation: Plain) -> Any:
    path = _path(operation, "add")
    where = _container(root, path)
    if where is None:
        raise OperationError(f'add operation does not apply: doc is missing path: "{path}": missing value')
    _put(*where, deepcopy(operation.get("value")), path)
    return root


def _remove(root: Any, operation: Plain) -> Any:
    path = _path(operation, "remove")
    where = _container(root, path)
    if where is None:
        raise OperationError(f'remove operation does not apply: doc is missing path: "{path}": missing value')
    _take(*where, path, "remove")
    return root


def _replace(root: Any, operation: Plain) -> Any:
    path, value = _path(operation, "replace"), deepcopy(operation.get("value"))
    if path == "":
        if not isinstance(value, (dict, list)):
            raise OperationError("replace operation value must be object or array")
        return value
    where = _container(root, path)
    if where is None:
        raise OperationError(f"replace operation does not apply: doc is missing path: {path}: missing value")
    container, key = where
    if isinstance(container, dict):
        container[key] = value
        return root
    position = _position(container, key)
    if position is None:
        raise OperationError(f"replace operation does not apply: doc is missing key: {path}: missing value")
    container[position] = value
    return root


def _move(root: Any, operation: Plain) -> Any:
    source = _path(operation, "move", "from")
    where = _container(root, source)
    if where is None:
        raise OperationError(
            f"move operation does not apply: doc is missing from path: {source}: missing value"
        )
    value = _take(*where, source, "move")
    path = _path(operation, "move")
    where = _container(root, path)
    if where is None:
        raise OperationError(
            f"move operation does not apply: doc is missing destination path: {path}: missing value"
        )
    _put(*where, value, path)
    return root


def _copy(root: Any, operation: Plain) -> Any:
    source, path = _path(operation, "copy", "from"), _path(operation, "copy")
    where = _container(root, source)
    if where is None:
        raise OperationError(
            f"copy operation does not apply: doc is missing from path: {source}: missing value"
        )
    value = _get(*where)
    if value is _MISSING and isinstance(where[0], list):
        raise OperationError(f"error in copy for from: '{source}': invalid index referenced")
    where = _container(root, path)
    if where is None:
        raise OperationError(
            f"copy operation does not apply: doc is missing destination path: {path}: missing value"
        )
    if is_larger(value):
        raise TooLargeError("a copy of so many values is not followed")
    _put(*where, None if value is _MISSING else deepcopy(value), path)
    return root


def _test(root: Any, operation: Plain) -> Any:
    path, wanted = _path(operation, "test"), operation.get("value")
    value: Any = root
    if path != "":
        where = _container(root, path)
        if where is None:
            raise OperationError(f"test operation does not apply: is missing path: {path}: missing value")
        value = _get(*where)
        if value is _MISSING and isinstance(where[0], list):
            raise OperationError(f"error in test for path: '{path}': invalid index referenced")
    if not _alike(None if value is _MISSING else value, wanted):
        raise OperationError(f"testing value {path} failed: test failed")
    return root


_KINDS = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _path(operation: Plain, kind: str, field: str = "path") -> str:
    found = operation.get(field)
    if not isinstance(found, str):
        raise OperationError(f"{kind} operation failed to decode {field}: missing value")
    return found


def _container(root: Any, path: str) -> tuple[Any, str] | None:
    """The map or list that a path ends in, and the key in it; None where the way there is missing."""
    parts = path.split("/")
    if len(parts) < 2:
        return None
    here = root
    for part in parts[1:-1]:
        here = _get(here, _decoded(part))
        if not isinstance(here, (dict, list)):
            return None
    return here, _decoded(parts[-1])


def _get(container: Any, key: str) -> Any:
    if isinstance(container, dict):
        return container.get(key, _MISSING)
    position = _position(container, key)
    return _MISSING if position is None else container[position]


def _put(container: Any, key: str, value: Any, path: str) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        number, size = _number(key), len(container) + 1
        if number is None:
            raise OperationError(f"error in add for path: '{path}': value was not a proper array index")
        if not -size <= number < size:
            raise OperationError(f"error in add for path: '{path}': Unable to access invalid index: {number}")
        container.insert(number if number >= 0 else number + size, value)


def _take(container: Any, key: str, path: str, kind: str) -> Any:
    if isinstance(container, dict):
        if key not in container:
            raise OperationError(
                f"error in {kind} for path: '{path}': Unable to remove nonexistent key: missing value"
            )
        return container.pop(key)
    position = _position(container, key)
    if position is None:
        raise OperationError(f"error in {kind} for path: '{path}': Unable to access invalid index")
    return container.pop(position)


def _position(container: list[Any], key: str) -> int | None:
    number, size = _number(key), len(container)
    if number is None or not -size <= number < size:
        return None
    return number % size


def _number(key: str) -> int | None:
    digits = key[1:] if key[:1] in ("-", "+") else key
    return int(key) if digits.isascii() and digits.isdigit() else None


def _alike(first: Any, second: Any) -> bool:
    """Equal as JSON: `1`, `1.0` and `true` are three values."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_alike(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_alike, first, second))
    return type(first) is type(second) and bool(first == second)


def _decoded(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
