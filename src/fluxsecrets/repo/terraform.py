"""Paths that Terraform hands to Flux, where nothing in the repository but HCL names them.

Only literal paths are read: HCL is not evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.marks import YAML_SUFFIXES

from .globs import compile_glob
from .tree import Tree, normalise

_SUFFIXES = (".tf", ".tofu")
_LARGE = 2**20
_ABOUT_FLUX = re.compile(rb"flux_bootstrap_git|toolkit\.fluxcd\.io|sync\.path|spec\.path|flux-instance")
_PATHS = (
    # resource "flux_bootstrap_git": path = "clusters/x"; a Kustomization in HCL
    re.compile(r'(?m)^[ \t]*"?path"?[ \t]*[=:][ \t]*"([^"\n]{1,400})"'),
    # a Kustomization in a heredoc
    re.compile(r"(?m)^[ \t]*path:[ \t]+([^\"'\s]{1,400})[ \t]*$"),
    # helm_release: set { name = "instance.sync.path" value = "clusters/x" }
    re.compile(r'name[ \t]*=[ \t]*"[\w.]*(?:sync|spec)\.path",?\s{1,80}value[ \t]*=[ \t]*"([^"\n]{1,400})"'),
)


def read_paths(tree: Tree) -> set[str]:
    """The folders with manifests that HCL files about Flux name."""
    found = {folder for path in _written(tree) if "$" not in path and (folder := normalise(path))}
    return {folder for folder in found if folder in tree.folders and _has_manifests(tree, folder)}


def read_patterns(tree: Tree) -> list[str]:
    """The folders with manifests that paths with variables may mean, in HCL files about Flux."""
    found: set[str] = set()
    for path in _written(tree):
        if "${" in path and not path.startswith("$"):
            with suppress(ConfigError):  # not a path in the repository
                glob = compile_glob(f"{re.sub(r'[$][{][^}]*[}]', '*', path)}/")
                found.update(_first(path, file) for file in tree.paths if glob.matches(file))
    return sorted(folder for folder in found if _has_manifests(tree, folder))


def _first(path: str, file: str) -> str:
    """As many parts of a file's path as another path has."""
    return "/".join(file.split("/")[: path.count("/") + 1])


def _written(tree: Tree) -> Iterator[str]:
    """The paths in HCL files about Flux, without a leading `./`."""
    for path in tree.paths:
        if not path.endswith(_SUFFIXES):
            continue
        try:
            data = tree.read(path, head=_LARGE)
        except FluxsecretsError:
            continue
        if _ABOUT_FLUX.search(data):
            text = data.decode("utf-8", "replace")
            for pattern in _PATHS:
                for match in pattern.finditer(text):
                    yield match[1].removeprefix("./").strip("/")


def _has_manifests(tree: Tree, folder: str) -> bool:
    return any(path.endswith(YAML_SUFFIXES) for path in tree.below(folder))
