"""Names of environments.

A name is made of the root's own path and nothing else, so that it stays when another environment is added.
Only roots that would have the same name get a longer one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

GENERIC_PARTS = frozenset(
    {
        "cluster", "clusters", "config", "configs", "env", "environment", "environments", "envs", "flux",
        "flux-system", "flux2", "fluxcd", "gitops", "k8s", "kube", "kubernetes",
    }
)  # fmt: skip
"""Parts of a path that do not name an environment."""

UNNAMED = "default"
"""The name of an environment whose path has no telling part."""

_GROUPS = frozenset({"clusters", "env", "environment", "environments", "envs"})
"""Folders that have one folder per environment."""

_PLACES = frozenset(
    {
        "apps", "bootstrap", "deploy", "deployment", "deployments", "fleet", "infra", "infrastructure",
        "manifests", "overlays", "platform", "setup",
    }
)  # fmt: skip
"""Parts that rather say what is in a folder; they name an environment only if no other part does."""


def as_name(text: str) -> str:
    """A name that the settings may have."""
    return re.sub(r"[^A-Za-z0-9._/-]+", "-", text).strip("-._/")[:100] or "cluster"


def telling_parts(path: str) -> list[str]:
    """The parts of a root's path that name its environment, the outermost first; none for a generic path."""
    parts = path.split("/")
    inner = max((index for index, part in enumerate(parts) if part in _GROUPS), default=-1) + 1
    if inner == 0 or not any(_is_telling(part) for part in parts[inner:]):
        inner = len(parts)
    found = [
        part
        for index, part in enumerate(parts)
        if _is_telling(part) and (index >= inner or part not in _PLACES)
    ]
    return found or [part for part in parts if _is_telling(part)]


def name_roots(paths: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Distinct names for roots, by their paths.

    Args:
        paths: of the roots, relative to the repository's root.
        taken: names that others have.
    """
    found: dict[str, str] = {}
    waiting, used = set(paths), set(taken)
    for make in (_short, _long, _whole):
        names = {path: make(path) for path in waiting}
        count = Counter(names.values())
        new = {path: name for path, name in names.items() if count[name] == 1 and name not in used}
        # A name that several would have is for none of them
        used |= count.keys()
        found |= new
        waiting -= new.keys()
    return found | {path: _whole(path) for path in waiting}


def _is_telling(part: str) -> bool:
    return bool(part) and part not in GENERIC_PARTS


def _short(path: str) -> str:
    return "-".join(telling_parts(path)) or UNNAMED


def _long(path: str) -> str:
    return "-".join(filter(_is_telling, path.split("/"))) or UNNAMED


def _whole(path: str) -> str:
    return path or UNNAMED
