"""What a folder is built with, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome
from fluxsecrets.repo.tree import Note

from .kustomizationfile import Image, Reference
from .patches import Patch


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a Flux Kustomization adds to the kustomization file of its folder.

    Attributes:
        refused: patches of it that kustomize refuses.
    """

    namespace: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    patches: tuple[Patch, ...] = ()
    components: tuple[Reference, ...] = ()
    refused: tuple[Outcome, ...] = ()
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Cycle:
    """Includes or `dependsOn` that form a cycle.

    Attributes:
        kind: `include` or `dependsOn`.
        members: folders, or `namespace/name` of Kustomizations, the first one again at the end.
        file, line: the reference that closes the circle.
    """

    kind: str
    members: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Built:
    """The result for a folder.

    Attributes:
        objects: in order.
        files: every file that was read, or would be.
        decrypted_as: files that Flux decrypts by their key's name, with the format it takes them for.
        notes: what could not be read or is not followed.
        cycles: includes that lead back.
        outcomes: what kustomize refuses, or what is not known here.
        incomplete: some objects are not known, such as those of a remote base.
    """

    objects: tuple[Object, ...] = ()
    files: frozenset[str] = frozenset()
    decrypted_as: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    cycles: tuple[Cycle, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    incomplete: bool = False
