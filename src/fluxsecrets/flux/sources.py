"""The files that Flux decrypts before it builds: those of `secretGenerator` and of `patches`.

Follows `DecryptSources` of internal/decryptor/decryptor.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.outcome import Outcome
from fluxsecrets.repo.tree import Tree

from .model import Cluster


def check_sources(tree: Tree, applied: Applied, cluster: Cluster) -> Iterator[Outcome]:
    """What stops Flux there, or is left as ciphertext for the build."""
    del tree, applied, cluster
    yield from ()
