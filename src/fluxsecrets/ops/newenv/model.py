"""The request for a new environment, and the plan for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.ops.people.keystore import Keeping, Store
from fluxsecrets.ops.run.results import FileChange
from fluxsecrets.repo.tree import Tree

from .naming import Renamed

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What the new environment should be.

    Attributes:
        copy_values: secrets keep their values, encrypted for the new environment.
        generate: (glob for keys, what to generate), see `generated.generate`.
        recipient: the public key of an identity that the cluster has already; None makes one.
        store, output: where a new identity's private half is kept, see `Keeping`.
    """

    name: str
    source: str
    copy_values: bool = False
    generate: tuple[tuple[str, str], ...] = ()
    recipient: str | None = None
    store: str = Store.FILE
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The keys of the two clusters; `old` is empty if unknown."""

    old: tuple[str, ...]
    new: str
    name: str


@dataclass(frozen=True, slots=True)
class PlannedSecret:
    """A file of secrets of the new environment.

    Attributes:
        path: of the new file, as shown to the user.
        to_fill: the keys whose values are missing.
        filled: how many values it has already, copied or generated; then it is encrypted.
        sealed: it was a SealedSecret, and is a plain Secret to be sealed for the new cluster.
    """

    path: str
    to_fill: tuple[str, ...]
    filled: int = 0
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that is written.

    Attributes:
        path: as shown to the user.
        origin: the file that it is a copy of, or None.
        old, new: its content before, None for a new file, and after.
    """

    path: str
    origin: str | None
    old: bytes | None = field(repr=False)
    new: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One change of a `.sops.yaml`: a new rule, or the new cluster's key elsewhere.

    Attributes:
        path: of the file, as shown to the user.
        line: 1-based, in the new text.
        pattern: the path of the new rule, or None.
        like: the path of the rule that it is a copy of, or None.
        readers: names of the new rule's recipients.
        named: the line names the key; otherwise, without a pattern, it adds the key to an existing rule.
    """

    path: str
    line: int
    pattern: str | None = None
    like: str | None = None
    readers: tuple[str, ...] = ()
    named: bool = False


@dataclass(frozen=True, slots=True)
class Decryption:
    """A Kustomization that gets `decryption`.

    Attributes:
        path: of its file, as shown to the user.
        secret: the Secret with the cluster's identity.
    """

    path: str
    name: str
    secret: str


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """What adding an environment would do; nothing has been done.

    Attributes:
        word: the part of its paths that names it.
        secrets: those of them that hold secrets.
        apart: those of them that nothing shows to be files of the environment once they are written.
        decryption: Kustomizations that get `decryption`, since they bring Secrets.
        shared: secrets that both environments use from then on, as shown to the user.
        granted: those of `shared` whose rules get the new key, so that they have to be encrypted for it.
        renamed: replaced words that may name something outside the repository.
        identity: the new cluster's, where it is made here.
    """

    name: str
    root: str
    word: str
    source: str
    files: tuple[PlannedFile, ...]
    secrets: tuple[PlannedSecret, ...]
    rules: tuple[RuleChange, ...]
    decryption: tuple[Decryption, ...]
    shared: tuple[str, ...]
    granted: tuple[str, ...]
    renamed: tuple[Renamed, ...]
    recipient: str
    key_name: str
    warnings: tuple[str, ...]
    tree: Tree = field(repr=False)
    changes: tuple[FileChange, ...] = field(repr=False)
    identity: AgeIdentity | None = field(repr=False)
    keeping: Keeping
    apart: tuple[str, ...] = ()

    @property
    def made(self) -> bool:
        """An identity is made for it."""
        return self.identity is not None
