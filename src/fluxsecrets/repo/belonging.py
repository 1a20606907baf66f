"""Which environment a file belongs to by its place, whether Flux reads it or not.

What starts a cluster is outside of Flux: a bootstrap, Talos, kubeadm, Terraform. Such files belong to
an environment while they are still plain, so their place decides: they are in the environment's own folder
(`kubernetes/production/bootstrap`), or in a folder with its name where other environments have theirs
(`talos/production`, `talos/production.yaml`). With one environment, all folders of such tools are its.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fluxsecrets.marks import KEYS_FOLDER, name_in
from fluxsecrets.records import dataclass
from fluxsecrets.sops.formats import format_for_path

from .envnames import GENERIC_PARTS, telling_parts
from .tree import Tree, parent

_TOOLS = frozenset(
    {
        "ansible", "bootstrap", "capi", "k0s", "k3s", "kubeadm", "kubespray", "machines", "omni", "opentofu",
        "packer", "rke2", "talos", "terraform", "terragrunt", "tofu",
    }
)  # fmt: skip
"""Folders of what starts and makes clusters."""

_GROUPS = frozenset({"clusters", "env", "environments", "envs", "overlays", "stages"})
"""Folders that have one folder per environment."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an environment's files have in their paths.

    Attributes:
        home: its own folder, or "" for an environment without a telling part in its path.
        words: the names of its folders elsewhere, the outermost first; each alternative is enough.
    """

    name: str
    home: str
    words: tuple[tuple[str, ...], ...]


def placed(tree: Tree, roots: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """The files of each environment by their place.

    Args:
        tree: the repository.
        roots: name and path of each environment.

    Returns:
        The paths by the environment's name; a file whose place fits several belongs to none of them.
    """
    claims = [_claim(name, path) for name, path in roots]
    names = _Names(tree, claims)
    owners = _owners(tree, claims, names)
    found: dict[str, set[str]] = {each.name: set() for each in claims}
    for path in tree.paths:
        name = owners.get(parent(path)) or names.owner_of_file(path)
        if name is not None:
            found[name].add(path)
    return {name: frozenset(paths) for name, paths in found.items()}


def _claim(name: str, path: str) -> _Claim:
    telling = telling_parts(path)
    parts = path.split("/")
    end = len(parts) - parts[::-1].index(telling[-1]) if telling else 0
    words = {tuple(telling), (name,)} - {()} if telling else {(name,)} - {("default",)}
    return _Claim(name, "/".join(parts[:end]), tuple(sorted(words)))


def _owners(tree: Tree, claims: Sequence[_Claim], names: _Names) -> dict[str, str]:
    """The environment of each folder that belongs to one."""
    homes = _homes(claims)
    found: dict[str, str] = {}
    for folder in sorted(tree.folders):  # each after the one above it
        if _is_apart(folder):
            continue
        name = homes.get(folder) or found.get(parent(folder))
        if name is None and folder not in homes:
            name = names.owner(folder)
        if name is not None:
            found[folder] = name
    return found


def _homes(claims: Sequence[_Claim]) -> dict[str, str | None]:
    """The environment of each own folder; None if several have it."""
    homes: dict[str, str | None] = {}
    for each in claims:
        if each.home:
            homes[each.home] = None if each.home in homes else each.name
    return homes


def _is_apart(folder: str) -> bool:
    """Whether a folder is the root, another tool's, or the one of public keys."""
    return not folder or folder.startswith(".") or "/." in folder or folder == KEYS_FOLDER


def _stem(path: str) -> str | None:
    """A file's path without suffixes, if it may hold secrets."""
    folder, _, name = path.rpartition("/")
    if _is_apart(folder) or format_for_path(name) == "binary":
        return None
    return f"{folder}/{name.partition('.')[0]}"


class _Names:
    """Which environment a folder or file is named after, outside of the environments' own folders."""

    def __init__(self, tree: Tree, claims: Sequence[_Claim]) -> None:
        self.tree = tree
        self.only = claims[0].name if len(claims) == 1 else None
        self.by_last: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for each in claims:
            for words in each.words:
                self.by_last.setdefault(words[-1], []).append((each.name, words))
        stems = map(_stem, tree.paths)
        self.stems = {stem for stem in stems if stem is not None and name_in(stem) in self.by_last}

    def owner_of_file(self, path: str) -> str | None:
        """The environment of a file such as `talos/production.sops.yaml`."""
        stem = _stem(path)
        return self.owner(stem) if stem in self.stems else None

    def owner(self, folder: str) -> str | None:
        """The environment of a folder."""
        parts = folder.split("/")
        if self.only is not None and _is_of_tool(parts):
            return self.only
        fitting: dict[str, int] = {}
        for name, words in self.by_last.get(parts[-1], ()):
            if _has_in_order(parts[:-1], words[:-1]):
                fitting[name] = max(len(words), fitting.get(name, 0))
        longest = max(fitting.values(), default=0)
        names = [name for name, length in fitting.items() if length == longest]
        if len(names) != 1:
            return None
        grouped = any(part in _GROUPS or part in _TOOLS for part in parts[:-1])
        return names[0] if grouped or self.has_sibling(parent(folder), names[0]) else None

    def has_sibling(self, above: str, name: str) -> bool:
        """Whether another environment has a folder or file beside this one."""
        start = f"{above}/" if above else ""
        return any(
            f"{start}{word}" in self.tree.folders or f"{start}{word}" in self.stems
            for word, claims in self.by_last.items()
            if any(other != name for other, _ in claims)
        )


def _is_of_tool(parts: Sequence[str]) -> bool:
    """Whether a folder is one of a tool that makes clusters: at the top, or below a generic folder."""
    return parts[-1] in _TOOLS and all(part in GENERIC_PARTS for part in parts[:-1])


def _has_in_order(parts: Iterable[str], words: Iterable[str]) -> bool:
    rest = iter(parts)
    return all(word in rest for word in words)
