"""Resolve keys on the command line: `data.tls.crt` or `["data"]["tls.crt"]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fluxsecrets.errors import UsageError
from fluxsecrets.records import dataclass
from fluxsecrets.sops.document import Document, Entry, Leaf, Mapping, Node, Path, find, show_path
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.formats import make_format

from .decrypt import parse_key

_INDEX = r"\.?(?:([0-9]+)|\[(-?[0-9]+)\])(?=[.\[]|$)"
_STEP = r"\.?([^.\[\]]+)|\[(-?[0-9]+)\]"
_SECRET_MAPS = ("data", "stringData")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key leads.

    Attributes:
        part: the number of the YAML document, from 0.
        node: the existing node, or None.
    """

    part: int
    path: Path
    node: Node | None


def find_place(document: Document, key: str, number: int | None = None) -> Place:
    """Return the value of a key.

    Args:
        document: the file, with its `parts`.
        key: in brackets like sops, or dotted; if keys contain dots themselves, the longest one is used.
        number: the YAML document, from 1; None searches all for a dotted key, and uses the first one for
            a key in brackets, like sops.

    Raises:
        UsageError: the value does not exist, or several YAML documents have it.
    """
    parts, place = _look_up(document, key, number)
    if place is not None and place.node is not None:
        return place
    import difflib  # start-up time: an existing key needs no suggestions

    where = ""
    if len(document.parts) > 1 and (number is not None or key.startswith("[")):
        where = f" in document {parts[0][0] + 1} of it"
    known = [show_path(leaf.path) for leaf in document.leaves]
    near = difflib.get_close_matches(key, known, n=1)
    raise UsageError(
        f"the file has no key {key!a}{where}",
        hint=f"did you mean {near[0]}? `fluxsecrets explain FILE` lists all keys"
        if near
        else "keys are not encrypted: `fluxsecrets explain FILE` lists them",
    )


def find_or_new_place(document: Document, key: str, number: int | None = None) -> Place:
    """Return the place of a key, where a value exists or can be added; see `find_place`.

    A new dotted key is split at its dots, except below `data` and `stringData` of a Secret and in flat files,
    where `tls.crt` is one key.

    Raises:
        UsageError: the text is not a key, or its YAML document is unclear.
    """
    parts, found = _look_up(document, key, number)
    if found is not None:
        return found
    if len(parts) > 1:
        raise UsageError(
            f"no document of the file has the key {key!a}",
            hint="choose the document to add it to with --document N",
        )
    part, root = parts[0]
    return Place(part, _new_path(document.format, root, key), None)


def _look_up(
    document: Document, key: str, number: int | None
) -> tuple[list[tuple[int, Mapping]], Place | None]:
    """Return the YAML documents that count, and where the key is, or would be if it is in brackets."""
    parts = _numbered(document, number)
    path = parse_key(key)
    if path is not None:
        part, root = parts[0]
        return parts, Place(part, path, find(root, path))
    if not key:
        raise UsageError("the key is empty", hint="write it like data.password")
    found = [(part, path) for part, root in parts if (path := _existing(root, key)) is not None]
    if len(found) > 1:
        numbers = ", ".join(str(part + 1) for part, _ in found)
        raise UsageError(
            f"the key {key!a} is ambiguous: documents {numbers} of the file have it",
            hint="choose one with --document N",
        )
    if not found:
        return parts, None
    part, path = found[0]
    return parts, Place(part, path, find(document.parts[part], path))


def is_secret_data(root: Mapping, path: Path) -> bool:
    """Whether a path is a value under `data:` of a Kubernetes Secret, which is base64."""
    return is_secret(root) and len(path) == 2 and path[0] == "data"


def is_secret_value(root: Mapping, path: Path) -> bool:
    """Whether a path is a value of a Kubernetes Secret, which must be a string."""
    return is_secret(root) and len(path) == 2 and path[0] in _SECRET_MAPS


def is_secret(root: Mapping) -> bool:
    """Whether a document is a Kubernetes Secret."""
    kind, version = root.get("kind"), root.get("apiVersion")
    return isinstance(kind, Leaf) and kind.value == "Secret" and isinstance(version, Leaf)


def _numbered(document: Document, number: int | None) -> list[tuple[int, Mapping]]:
    parts = list(enumerate(document.parts))
    if number is None:
        return parts
    if not 1 <= number <= len(parts):
        noun = "document" if len(parts) == 1 else "documents"
        raise UsageError(
            f"document {number} does not exist: the file has {len(parts)} {noun}", hint="they count from 1"
        )
    return [parts[number - 1]]


def _existing(node: Node, key: str) -> Path | None:
    """Return the path of an existing dotted key, or None."""
    path, rest = _nearest(node, key)
    return None if rest else path


def _nearest(node: Node, key: str) -> tuple[Path, str]:
    """Return the longest existing path and the rest of the key. Longer keys are tried first."""
    best: tuple[Path, str] = ((), key)
    for step, rest in _steps(node, key):
        child = find(node, (step,))
        if child is None:
            continue
        path, left = _nearest(child, rest)
        if len(left) < len(best[1]):
            best = ((step, *path), left)
        if not best[1]:
            break
    return best


def _steps(node: Node, key: str) -> Sequence[tuple[str | int, str]]:
    """Yield the possible first steps of a key in a map or list, each with the rest."""
    if isinstance(node, ListNode):
        match = re.match(_INDEX, key)
        return [] if match is None else [(int(match[1] or match[2]), key[match.end() :])]
    if not isinstance(node, Mapping):
        return []
    text = key.removeprefix(".")
    names = {
        entry.key
        for entry in node.entries
        if isinstance(entry, Entry) and entry.key and text.startswith(entry.key)
    }
    found = [(name, text[len(name) :]) for name in names if text[len(name) : len(name) + 1] in ("", ".", "[")]
    return sorted(found, key=lambda item: len(item[0]), reverse=True)


def _new_path(format_name: str, root: Mapping, key: str) -> Path:
    path, rest = _nearest(root, key)
    text = rest.removeprefix(".") if path else rest
    levels = make_format(format_name).levels
    if levels == 1:
        return (key,)
    if levels == 2 or (is_secret(root) and (path or (key.partition(".")[0],))[0] in _SECRET_MAPS):
        if not path:
            first, dot, text = key.partition(".")
            return (first, text) if dot and text else (key,)
        if len(path) == 1:
            return (*path, text)
    steps: list[str | int] = []
    position = 0
    while position < len(text) or not steps:
        match = re.compile(_STEP).match(text, position)
        if match is None or (match[0][0] == "." and not steps):
            raise UsageError(
                f"{key!a} is not a key", hint="""write it like data.password or '["data"]["password"]'"""
            )
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    at_list = isinstance(find(root, path), ListNode) if path else False
    if at_list and steps and isinstance(steps[0], str) and steps[0].isdecimal():
        steps[0] = int(steps[0])
    return (*path, *steps)
