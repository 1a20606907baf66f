"""What the rules judge: a repository's secrets, the rules for them, its environments and its people.

Everything is gathered once, by the operation; rules only look. Nothing here is changed by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.repo.discover import SecretFile
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.keyhistory import FormerReader, RemovedKey
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sops.config import CreationRule, SopsConfig
from fluxsecrets.sops.document import Document, Mapping, Path
from fluxsecrets.sops.metadata import Metadata

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A `.sops.yaml`.

    Attributes:
        path: relative to the root.
        config: what it says; None where it is invalid.
        error: why it is invalid, or None.
    """

    path: str
    config: SopsConfig | None
    error: FluxsecretsError | None = None

    @property
    def folder(self) -> str:
        """The folder that its paths are relative to, `""` for the root."""
        return self.path.rpartition("/")[0]

    def relative(self, path: str) -> str:
        """A file's path as the rules see it."""
        return path.removeprefix(f"{self.folder}/") if self.folder else path


@dataclass(frozen=True, slots=True)
class Secret:
    """A file that is to be protected, or is.

    Attributes:
        file: what discovery says of it.
        environments: names of those that reach it, sorted.
        config: the `.sops.yaml` that is nearest above it, or None.
        rule: the creation rule that applies, or None where none does.
        document: it, parsed; encrypted values are ciphertexts. None where it cannot be read.
        opened: its maps with the values decrypted; None where it is plain, or was not opened.
        error: why it cannot be read, or does not open although it should: its MAC is wrong, say.
        size: in bytes; None where it cannot be looked at.
        stored_as: the format that it is encrypted in, or None.
        marks: the formats whose markers Flux finds in it.
    """

    file: SecretFile
    environments: tuple[str, ...]
    config: ConfigFile | None
    rule: CreationRule | None
    document: Document | None
    opened: tuple[Mapping, ...] | None = field(default=None, repr=False)
    error: FluxsecretsError | None = None
    size: int | None = None
    stored_as: str | None = None
    marks: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Relative to the root."""
        return self.file.path

    @property
    def metadata(self) -> Metadata | None:
        """Its `sops` block, where it is encrypted and could be read."""
        return self.document.metadata if self.document is not None else None

    @property
    def plain_parts(self) -> tuple[Mapping, ...] | None:
        """Its maps with plain values: decrypted, or as they stand in a file that is not encrypted."""
        if self.opened is not None:
            return self.opened
        if self.document is None or self.document.metadata is not None:
            return None
        return self.document.parts


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A `keys/NAME.pub`.

    Attributes:
        path: relative to the root.
        name: its file's name.
        recipients: what stands in it.
    """

    path: str
    name: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Values of a file that somebody knows whose key was taken out.

    Attributes:
        path: the file.
        key: the key that was taken out.
        places: where the values stand, with their lines.
    """

    path: str
    key: RemovedKey
    places: tuple[tuple[Path, int], ...]


@dataclass(frozen=True, slots=True)
class SealingCertificate:
    """A sealing certificate of an environment.

    Attributes:
        environment: its name.
        path: of the certificate, relative to the root.
        certificate: it, or None where it cannot be read.
        error: why not, or None.
    """

    environment: str
    path: str
    certificate: Certificate | None
    error: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A repository, as far as the rules look at it.

    Attributes:
        tree: its files.
        settings: its `.fluxsecrets.yaml`.
        today: the day on which ages are judged.
        environments: all of them, by name.
        configs: every `.sops.yaml`, by path.
        secrets: every file that is to be protected, by path.
        public_keys: those in `keys/`.
        names: recipient -> name, for messages.
        with_keys: values were decrypted where identities open them.
        scanned: what `scan` finds in the files that are to be protected.
        scanned_files: these files.
        excused: those in which `scan` finds only what is allowed or known to the baseline.
        removed: keys that were taken out of `keys/` and `.sops.yaml`, the last one first.
        known: what those know who had them.
        former: whom encrypted files are not for any more.
        changed: the day of the last commit that changed a file, for public keys and SealedSecrets.
        sealing: the sealing certificates that the settings name.
        before: of encrypted files that were changed since the last commit, how they were then.
    """

    tree: Tree
    settings: Settings
    today: date
    environments: tuple[Environment, ...]
    configs: tuple[ConfigFile, ...]
    secrets: tuple[Secret, ...]
    public_keys: tuple[PublicKey, ...] = ()
    names: MappingABC[str, str] = field(default_factory=dict)
    with_keys: bool = False
    scanned: tuple[Finding, ...] = ()
    scanned_files: frozenset[str] = frozenset()
    excused: frozenset[str] = frozenset()
    removed: tuple[RemovedKey, ...] = ()
    known: tuple[KnownValues, ...] = ()
    former: tuple[FormerReader, ...] = ()
    changed: MappingABC[str, date] = field(default_factory=dict)
    sealing: tuple[SealingCertificate, ...] = ()
    before: MappingABC[str, Document] = field(default_factory=dict, repr=False)
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What is made of these facts for several rules; made by the first that asks."""
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    def encrypted(self) -> Sequence[tuple[Secret, Metadata]]:
        """The files that are encrypted, with their `sops` blocks."""
        return [
            (secret, secret.document.metadata)
            for secret in self.secrets
            if secret.document is not None and secret.document.metadata is not None
        ]

    def environment(self, name: str) -> Environment:
        """The environment of a name, which must be there."""
        return next(item for item in self.environments if item.name == name)
