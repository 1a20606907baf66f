"""Paths that Terraform hands to Flux, where nothing in the repository but HCL names them.

Only literal paths are read: HCL is not evaluated.
"""

from __future__ import annotations

import re

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import YAML_SUFFIXES

from .tree import Tree, normalise

_SUFFIXES = (".tf", ".tofu")
_LARGE = 2**20
_ABOUT_FLUX = re.compile(rb"flux_bootstrap_git|toolkit\.fluxcd\.io|sync\.path|spec\.path|flux-instance")
_PATHS = (
    # resource "flux_bootstrap_git": path = "clusters/x"; a Kustomization in HCL
    re.compile(r'(?m)^[ \t]*"?path"?[ \t]*[=:][ \t]*"([^"$\n]{1,400})"'),
    # a Kustomization in a heredoc
    re.compile(r"(?m)^[ \t]*path:[ \t]+([^\"'$\s]{1,400})[ \t]*$"),
    # helm_release: set { name = "instance.sync.path" value = "clusters/x" }
    re.compile(r'name[ \t]*=[ \t]*"[\w.]*(?:sync|spec)\.path",?\s{1,80}value[ \t]*=[ \t]*"([^"$\n]{1,400})"'),
)


def read_paths(tree: Tree) -> set[str]:
    """The folders with manifests that HCL files about Flux name."""
    found: set[str] = set()
    for path in tree.paths:
        if not path.endswith(_SUFFIXES):
            continue
        try:
            data = tree.read(path, head=_LARGE)
        except FluxsecretsError:
            continue
        if _ABOUT_FLUX.search(data):
            text = data.decode("utf-8", "replace")
            found.update(
                folder
                for pattern in _PATHS
                for match in pattern.finditer(text)
                if (folder := normalise(match[1].lstrip("/")))
            )
    return {folder for folder in found if folder in tree.folders and _has_manifests(tree, folder)}


def _has_manifests(tree: Tree, folder: str) -> bool:
    return any(path.endswith(YAML_SUFFIXES) for path in tree.below(folder))
