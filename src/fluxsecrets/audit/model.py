"""What facts are about: the files of a repository that matter to its secrets, as they were read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.repo.discover import SecretFile
from fluxsecrets.repo.keyhistory import RemovedKey
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sops.config import CreationRule, SopsConfig, rule_for
from fluxsecrets.sops.document import Document, Path
from fluxsecrets.sops.document import Mapping as Map
from fluxsecrets.sops.metadata import Metadata


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

    def rule(self, path: str) -> CreationRule | None:
        """The creation rule for a file; None where none applies, or the rules can't be read."""
        return rule_for(self.config, self.relative(path)) if self.config is not None else None


class Opening(NamedTuple):
    """What became of opening an encrypted file.

    Attributes:
        parts: its maps with the values decrypted; None if it is plain, or was not opened.
        error: why it does not open although it should: its MAC is wrong, for example.
        undecided: nobody can tell whether it opens: a service gave no answer, or an identity stayed locked.
    """

    parts: tuple[Map, ...] | None = None
    error: FluxsecretsError | None = None
    undecided: bool = False

    def __repr__(self) -> str:
        """Without the values."""
        return f"Opening(error={self.error!r})"


@dataclass(frozen=True, eq=False)
class Secret:
    """A file that is to be protected, or is.

    Attributes:
        config: the `.sops.yaml` that is nearest above it, or None.
        rule: the creation rule that applies, or None where none does.
        document: it, parsed; encrypted values are ciphertexts. None where it cannot be read.
        fault: why it cannot be read, or None.
        size: in bytes; None where it cannot be looked at.
        stored_as: the format that it is encrypted in, or None.
        marks: the formats whose markers Flux finds in it.
        reach, open: look up which environments reach it, and open it; asked when a rule first needs that.
    """

    file: SecretFile
    config: ConfigFile | None
    rule: CreationRule | None
    document: Document | None
    fault: FluxsecretsError | None = None
    size: int | None = None
    stored_as: str | None = None
    marks: frozenset[str] = frozenset()
    reach: Callable[[], tuple[str, ...]] = field(default=tuple, repr=False)
    open: Callable[[], Opening] = field(default=Opening, repr=False)

    @cached_property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments that reach it, sorted."""
        return self.reach()

    @cached_property
    def _opening(self) -> Opening:
        return self.open()

    @property
    def opened(self) -> tuple[Map, ...] | None:
        """Its maps with the values decrypted; None where it is plain, or was not opened."""
        return self._opening.parts

    @property
    def undecided(self) -> bool:
        """Whether nobody can tell if it opens; see `Opening`."""
        return self._opening.undecided

    @property
    def error(self) -> FluxsecretsError | None:
        """Why it cannot be read, or does not open although it should."""
        return self.fault or self._opening.error

    @property
    def path(self) -> str:
        """Relative to the root."""
        return self.file.path

    @property
    def metadata(self) -> Metadata | None:
        """Its `sops` block, where it is encrypted and could be read."""
        return self.document.metadata if self.document is not None else None


@dataclass(frozen=True, slots=True)
class KnownValues:
    """Values of a file that somebody knows whose key was taken out.

    Attributes:
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
        path: of the certificate, relative to the root.
        certificate: it, or None where it cannot be read.
        error: why not, or None.
    """

    environment: str
    path: str
    certificate: Certificate | None
    error: FluxsecretsError | None = None
