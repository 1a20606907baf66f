"""What a Kubernetes object is; in a module of its own, as commands on single files import little."""

from __future__ import annotations

from fluxsecrets.sops.document import Leaf, Mapping


def is_manifest(part: Mapping) -> bool:
    """Whether a document is a Kubernetes object."""
    return all(isinstance(part.get(key), Leaf) for key in ("apiVersion", "kind"))
