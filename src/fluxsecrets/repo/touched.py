"""Which environments a change may touch, without reading what each of them applies.

A file reaches Flux through texts: the `path` of a Kustomization, and the names in kustomization files. So the
files that name a changed file, or a folder above it, are looked up, then those that name these, and so on. An
environment without any of them in its folder can't have changed. Where a text may be any path, it counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import (
    KEYS_FOLDER,
    MANIFEST_SUFFIXES,
    OFFBOARDING_FOLDER,
    SETTINGS_NAME,
    is_kustomization,
    name_in,
)

from .environments import EnvironmentRoot, places_of
from .globs import compile_glob
from .settings import Settings
from .tree import Tree, normalise, parent

_EVERYWHERE = frozenset({SETTINGS_NAME, ".sourceignore", ".gitattributes"})
"""Names of files that decide about the whole repository."""

_REFERRING = re.compile(rb"fluxcd|/spec\b|\bbuiltin\b")
"""What a file has that can name others for Flux: its objects, patches of them, plug-ins of kustomize."""

_BUILDING = re.compile(rb"kustomize\.toolkit|/spec\b|FluxInstance|ArtifactGenerator|flux-instance")
"""What a file has in which Flux replaces variables or globs in paths."""

_WORD = re.compile(rb"[^\s\"'`\[\]{},=|>]+")
_VARIABLE = re.compile(rb"(?:path|value|from)[\"']?[ \t]*:[ \t]*[\"']?([^\s\"',}]*?)(?:\$\{|\*|\?|@)")
_PLAIN = re.compile(rb"(?:path|value)[\"']?[ \t]*:\s*[\"']?([\w-]+)")
"""A folder that is named without any `/` or `.`."""

_INDIRECT = re.compile(rb"(?:path|value)[\"']?[ \t]*:\s*[*&!|>]")
"""A path that is an alias, or has an anchor, a tag or lines of its own."""

_ESCAPED = re.compile(rb"(?:path|value|resources|components|bases)[^\n]*\\[xuU0-9/]")
_UNUSUAL = re.compile(r"[\s\"'`\[\]{},=|>]")
"""Characters in a path for which no word in a text can be compared with it."""


def touched(
    trees: tuple[Tree, Tree],
    roots: tuple[Sequence[EnvironmentRoot], Sequence[EnvironmentRoot]],
    settings: tuple[Settings, Settings],
    changed: Collection[str],
) -> frozenset[str] | None:
    """Return the names of the environments that a change may touch.

    Args:
        trees: before and after.
        roots: their environments.
        settings: of both.
        changed: paths of changed files, before and after.

    Returns:
        The names; None if it may be any.
    """
    if any(map(_concerns_all, changed)):
        return None
    found = set(_by_root(roots))
    for tree, own, each in zip(trees, roots, settings, strict=True):
        found.update(name for name, paths in places_of(tree, own).items() if not paths.isdisjoint(changed))
        found.update(_listed(each, changed))
    if all(root.name in found for own in roots for root in own):
        return frozenset(found)
    reached = _reached(trees, changed)
    for root in (root for own in roots for root in own):
        if not root.path or any(path == root.path or path.startswith(f"{root.path}/") for path in reached):
            found.add(root.name)
    return frozenset(found)


def _concerns_all(path: str) -> bool:
    folders = (f"{KEYS_FOLDER}/", f"{OFFBOARDING_FOLDER}/")
    return name_in(path) in _EVERYWHERE or path.startswith(folders) or _UNUSUAL.search(path) is not None


def _by_root(roots: tuple[Sequence[EnvironmentRoot], Sequence[EnvironmentRoot]]) -> Iterator[str]:
    """The environments that only one state has, or that begin elsewhere."""
    one, other = ({root.name: (root.path, root.sync) for root in own} for own in roots)
    for name in one.keys() | other.keys():
        if one.get(name) != other.get(name):
            yield name


def _listed(settings: Settings, changed: Collection[str]) -> Iterator[str]:
    for each in settings.environments:
        globs = [compile_glob(glob) for glob in each.files]
        if any(glob.matches(path) for glob in globs for path in changed):
            yield each.name


def _reached(trees: tuple[Tree, Tree], changed: Iterable[str]) -> frozenset[str]:
    """The changed files, the files that name them or a folder above them, and so on."""
    names, prefixes = _references(trees)
    reached: set[str] = set()
    waiting = list(changed)
    while waiting:
        item = waiting.pop()
        if item in reached:
            continue
        reached.add(item)
        waiting += names.get(item, ())
        waiting += (file for prefix, file in prefixes if f"{item}/".startswith(prefix))
        if above := parent(item):
            waiting.append(above)
    return frozenset(reached)


def _references(trees: tuple[Tree, Tree]) -> tuple[Mapping[str, set[str]], list[tuple[str, str]]]:
    """The files that name each path; and prefixes of paths with the files that name something below them."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    prefixes: list[tuple[str, str]] = []
    known = trees[0].files | trees[1].files | trees[0].folders | trees[1].folders
    read: dict[tuple[str, bytes], None] = {}
    words: dict[bytes, tuple[str, ...]] = {}
    for tree in trees:
        for path in tree.paths:
            data = _content(tree, path)
            if data is None or (path, data) in read:
                continue
            read[path, data] = None
            if data not in words:
                words[data] = tuple({_text(word) for word in _WORD.findall(data)})
            folder = parent(path)
            for target in _targets(data, words[data], path):
                if target in known:
                    names[target].add(path)
            prefixes += ((prefix, path) for prefix in _prefixes(data, folder))
    return names, prefixes


def _content(tree: Tree, path: str) -> bytes | None:
    """What a file that may name others has in it, or None."""
    kustomization = is_kustomization(path)
    if not kustomization and not path.lower().endswith(MANIFEST_SUFFIXES):
        return None
    try:
        if tree.size(path) is None:
            return None
        data = tree.read(path)
    except FluxsecretsError:
        return None
    return data if kustomization or _REFERRING.search(data) else None


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def _targets(data: bytes, words: Iterable[str], path: str) -> Iterator[str]:
    """What the words of a file mean as paths: in its folder, and from the root.

    A word without `/` and `.` is a name in a kustomization file, and a folder where it is a `path`.
    """
    folder, kustomization = parent(path), is_kustomization(path)
    for word in words:
        if "." in word or word.endswith("/") or "//" in word:
            for base in (folder, ""):
                found = normalise(word.lstrip("/"), base)
                if found is not None:
                    yield found
        elif "/" in word or kustomization:
            yield f"{folder}/{word}" if folder else word
            if "/" in word:
                yield word.lstrip("/")
    yield from map(_text, _PLAIN.findall(data))


def _prefixes(data: bytes, folder: str) -> Iterator[str]:
    """Prefixes of what texts with variables or globs may mean; "" for any path."""
    if _ESCAPED.search(data) or (_BUILDING.search(data) and _INDIRECT.search(data)):
        yield ""
    for match in _VARIABLE.finditer(data) if _BUILDING.search(data) else ():
        start = _text(match[1]).rpartition("/")[0]
        for base in (folder, ""):
            found = normalise(start, base) if start else ""
            yield f"{found}/" if found else ""
