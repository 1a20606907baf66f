"""Which values of a Kubernetes object are secret by their place in it."""

from __future__ import annotations

from fluxsecrets.repo.manifests import Manifest, child, manifest_of
from fluxsecrets.repo.secretobject import COPY_SUFFIX, FIELDS
from fluxsecrets.sops.document import Leaf, Mapping, Path, find

SEALED = (("spec", "encryptedData"), ("spec", "data"))
"""Where a SealedSecret has its sealed values."""


def manifest_in(node: Mapping, number: int = 0) -> Manifest | None:
    """Return the object in a YAML document, or None if it is none; the number is the document's, from 0."""
    found = manifest_of(node, number, in_list=False)
    return found if found.kind and found.api_version else None


def is_secret_place(manifest: Manifest, path: Path) -> bool:
    """Whether a Secret has a value at a path of an object, or a list of Secrets has; copies count, too."""
    if is_copy(path):
        return True
    if manifest.is_secret:
        return path[0] in FIELDS
    if not manifest.kind.endswith("List") or len(path) < 3 or path[2] not in FIELDS:
        return False
    kind = child(find(manifest.node, path[:2]), "kind")
    return manifest.kind == "SecretList" or (isinstance(kind, Leaf) and kind.value == "Secret")


def is_copy(path: Path) -> bool:
    """Whether a path is in an annotation with a copy of the whole object."""
    return any(isinstance(step, str) and step.endswith(COPY_SUFFIX) for step in path)
