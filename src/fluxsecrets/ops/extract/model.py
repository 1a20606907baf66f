"""What to extract, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from fluxsecrets.repo.references import Use
from fluxsecrets.sops.document import Data, Mapping, Path
from fluxsecrets.sops.values import Value


@dataclass(frozen=True, slots=True)
class ExtractRequest:
    """What to extract: the parameters of the command.

    Attributes:
        path: the manifest; with `everything` a file or folder, or "".
        keys: of its values; with `everything`, more files and folders.
        secret: the Secret's name, or None for one that follows the object's name.
        to: the Secret's file, or None for one beside the manifest.
        document: the YAML document, from 1, or None.
        everything: extract what `scan` reports.
        environment: with `everything`: the name of an environment, or None.
        for_others: proceed even if nobody here can read the values again.
        allow_undecrypted: proceed even if Flux would apply the Secret as ciphertext.
        dry_run: write nothing.
    """

    path: str = ""
    keys: tuple[str, ...] = ()
    secret: str | None = None
    to: str | None = None
    document: int | None = None
    everything: bool = False
    environment: str | None = None
    for_others: bool = False
    allow_undecrypted: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class LiteralValue:
    """A value that is written in a manifest.

    Attributes:
        path: below the object, such as `("spec", "values", "auth", "password")`.
        value: itself. Not in the repr.
        line: 1-based.
        name: what else a KEY may call it, such as the name of a variable, or None.
    """

    path: Path
    value: Value = field(repr=False)
    line: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of an object.

    Attributes:
        path: below the object. A list position that equals the list's length appends.
        value: the new value.
        remove: the key or list item goes; `value` has no meaning then.
    """

    path: Path
    value: Data = field(default=None, repr=False)
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """One key of the Secret, and what reads it.

    Attributes:
        path: of the value that moved, below the object.
        key: in the Secret.
        text: the value of the Secret. Not in the repr.
        how: the reference to it, such as `targetPath auth.password`.
        line: 1-based line of the value in the manifest.
        others: further values in the same text, with their lines.
    """

    path: Path
    key: str
    text: str = field(repr=False)
    how: str
    line: int
    others: tuple[tuple[Path, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """An object that refers to the one that values are taken out of.

    Attributes:
        file: relative to the root of the repository.
        part: its YAML document, from 0.
        node: the object as it is written.
        shown: kind and name, such as `Deployment shop`.
        use: the reference.
        problem: why the reference can't be changed in the file, or None.
        key: for a file that an object is generated from: its key in that object.
    """

    file: str
    part: int
    node: Mapping = field(repr=False)
    shown: str
    use: Use
    problem: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Changes of another object, that reads the values.

    Attributes:
        file, part, shown: see `Reader`.
        base: where the object is in the document.
        edits: to be made in this order.
    """

    file: str
    part: int
    base: Path
    shown: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a place makes of chosen values.

    Attributes:
        moved: the keys of the Secret.
        edits: of the object, to be made in this order.
        warnings: what the user should know.
        elsewhere: changes of other objects.
    """

    moved: tuple[Moved, ...]
    edits: tuple[Edit, ...]
    warnings: tuple[str, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a place is asked for.

    Attributes:
        node: the object.
        paths: of the chosen values or maps, below the object; sorted, none inside another one.
        secret: the name of the Secret.
        taken: the keys that the Secret has already.
        keep_empty: maps that get empty stay, since something may be merged into them.
        literal: Flux takes `literal` in `valuesFrom`, and a value as it is with it.
        lists: a `targetPath` may lead into a list that is inline.
        patch: the object is a patch: null removes what the patched object has under the same key.
        readers: the objects that refer to this one, in all environments.
    """

    node: Mapping = field(repr=False)
    paths: tuple[Path, ...]
    secret: str
    taken: frozenset[str] = frozenset()
    keep_empty: bool = True
    patch: bool = False
    readers: tuple[Reader, ...] = field(default=(), repr=False)
    literal: bool = False
    lists: bool = True


class Place(Protocol):
    """A kind of manifest that values can be taken out of.

    Attributes:
        shown: its name in messages.
        root: where its values are; a KEY may start below it.
        at_reader: the Secret belongs to the object that reads the values, not to the one that has them.
    """

    shown: ClassVar[str]
    root: ClassVar[Path]
    at_reader: ClassVar[bool]

    def holds(self, node: Mapping) -> bool:
        """Whether an object is of this kind."""

    def literals(self, node: Mapping) -> Sequence[LiteralValue]:
        """The values that are written in the object and could be extracted."""

    def secret_name(self, node: Mapping) -> str:
        """The name of a Secret for the object's values."""

    def extract(self, wanted: Wanted) -> Extraction:
        """Plan to replace values by references.

        Raises:
            UsageError: a path is not a value that can be extracted, with the reason.
        """


@dataclass(frozen=True, slots=True)
class MovedValue:
    """A value that was extracted, as it is reported; see `Moved`.

    Attributes:
        key: of the value in the manifest, such as `spec.values.auth.password`.
        secret_key: in the Secret.
    """

    key: str
    line: int
    secret_key: str
    how: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """One manifest and the Secret that got its values.

    Attributes:
        path: of the manifest, as shown.
        object: kind and name, such as `HelmRelease grafana`.
        values: that moved.
        secret: the name of the Secret.
        secret_path: its file, as shown.
        created: that file is new.
        readers: other files that refer to the Secret now, as shown.
        kustomizations: files that list the new file now, as shown.
        environments: in which Flux applies it; empty if Flux doesn't reach the manifest.
        recipients: who can read the Secret.
        in_history: git has the plain values in a commit or in the index.
        warnings: what the user should know.
    """

    path: str
    object: str
    values: tuple[MovedValue, ...]
    secret: str
    secret_path: str
    created: bool
    readers: tuple[str, ...] = ()
    kustomizations: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    in_history: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """A value that was not extracted, with the reason."""

    path: str
    key: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that could be extracted; the value itself is not shown."""

    path: str
    object: str
    key: str
    line: int


@dataclass(frozen=True, slots=True)
class ExtractResult:
    """What `extract` did.

    Attributes:
        files: one per object.
        left: values that were asked for and stay.
        candidates: what could be extracted, if no key was named.
        warnings: about all of them: what Flux would apply as ciphertext, or not get.
        dry_run: nothing was written.
    """

    files: tuple[Extracted, ...] = ()
    left: tuple[Left, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """1 if values stay that were asked for."""
        return 1 if self.left else 0
