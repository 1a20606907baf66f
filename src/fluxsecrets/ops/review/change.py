"""What is known of a change. Each fact is found when a kind first asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from fluxsecrets.audit.facts import secrets_by_path
from fluxsecrets.audit.model import Secret
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.checks.scanmodel import ScanResult
from fluxsecrets.ops.compare.compare import compare
from fluxsecrets.ops.compare.masking import Masker
from fluxsecrets.ops.compare.model import FileDiff, Version
from fluxsecrets.ops.compare.names import Names
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.ranges import Range
from fluxsecrets.repo.states import FileChange
from fluxsecrets.sops.formats import format_for_path
from fluxsecrets.sops.recipients import RecipientKey, recipient_key

from .fluxchange import FluxChange, flux_change
from .scanned import scanned
from .sides import Side

_MANAGED = (b"SealedSecret", b"ExternalSecret", b"SecretStore", b"PushSecret")
"""What a file with secrets of a controller has in its text."""


class Compared(NamedTuple):
    """A changed file that is a secret before or after the change, or has SealedSecrets or ExternalSecrets.

    Attributes:
        before, after: what is known of it as a secret; None if that state does not have it as one.
    """

    change: FileChange
    before: Secret | None
    after: Secret | None
    diff: FileDiff

    @property
    def path(self) -> str:
        """Where it is, or was."""
        return self.change.path


@dataclass(frozen=True, eq=False)
class Change:
    """A change.

    Attributes:
        files: what differs, by path.
        unseen: what could not be looked at; facts and kinds add to it.
    """

    session: Session = field(repr=False)
    repository: Repository
    range: Range
    before: Side
    after: Side
    files: tuple[FileChange, ...]
    with_keys: bool
    unseen: list[str] = field(default_factory=list)

    @cached_property
    def names(self) -> Names:
        """Names of recipients: those that the state before has, and those that only the change claims."""
        return Names.between(self.before.facts.names, self.after.facts.names)

    @cached_property
    def compared(self) -> tuple[Compared, ...]:
        """The changed files that have secrets, by path."""
        return tuple(self._compared())

    @cached_property
    def known(self) -> frozenset[RecipientKey]:
        """Everybody whom a rule, `keys/` or a changed file names in the state before."""
        facts = self.before.facts
        people = [
            one
            for item in facts.configs
            if item.config
            for rule in item.config.rules
            for one in rule.recipients
        ]
        people += [one for _, metadata in facts.encrypted() for group in metadata.recipients for one in group]
        return frozenset(map(recipient_key, people)) | frozenset(_of_keys(self.before))

    def ruled_before(self, path: str) -> frozenset[RecipientKey]:
        """Everybody whom the rule for a file names in the state before."""
        rule = self.before.facts.rule_for(path)
        return frozenset(map(recipient_key, rule.recipients)) if rule is not None else frozenset()

    @cached_property
    def secret_paths(self) -> frozenset[str]:
        """The changed files that are secrets before or after."""
        return frozenset((*secrets_by_path(self.before.facts), *secrets_by_path(self.after.facts)))

    @cached_property
    def scanned(self) -> ScanResult | None:
        """What `scan` finds in the change; None if there is nothing to scan, or it failed."""
        return None if isinstance(self._scanned, FluxsecretsError) else self._scanned

    @cached_property
    def not_scanned(self) -> tuple[FluxsecretsError, ...]:
        """Why files, or the whole change, could not be scanned for plain text."""
        found = self._scanned
        if isinstance(found, FluxsecretsError):
            return (found,)
        return tuple(found.errors) if found is not None else ()

    @cached_property
    def _scanned(self) -> ScanResult | FluxsecretsError | None:
        return scanned(self.repository, self.range, self.files)

    @cached_property
    def flux(self) -> FluxChange:
        """What Flux would do with the environments that the change touches."""
        moved = {each.old_path: each.path for each in self.files if each.old_path not in (None, each.path)}
        return flux_change(self.before, self.after, {old: new for old, new in moved.items() if old})

    def environments(self, *paths: str | None) -> tuple[str, ...]:
        """Return the names of the environments that a file belongs to, before or after the change."""
        found = {name for path in paths if path is not None for name in self._environments.get(path, ())}
        return tuple(sorted(found))

    def environments_of(self, change: FileChange) -> tuple[str, ...]:
        """Return the names of the environments of a changed file."""
        return self.environments(change.path, change.old_path)

    @cached_property
    def environment_names(self) -> tuple[str, ...]:
        """The environments before or after the change."""
        return tuple(sorted({*self.before.facts.environment_names, *self.after.facts.environment_names}))

    @cached_property
    def _environments(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for side in (self.before, self.after):
            for environment in side.facts.environments:
                for path in environment.files | environment.generator_files.keys():
                    found.setdefault(path, set()).add(environment.name)
        return found

    def _compared(self) -> Iterator[Compared]:
        first, second = (secrets_by_path(side.facts) for side in (self.before, self.after))
        masker = self.masker
        for change in self.files:
            old = change.old_path if change.before is not None else None
            new = change.path if change.after is not None else None
            one, two = first.get(old or ""), second.get(new or "")
            data = [side.read(path) for side, path in ((self.before, old), (self.after, new))]
            if one is None and two is None and not any(map(_is_managed, data)):
                continue
            versions = (_version(old, data[0], one), _version(new, data[1], two))
            for path, content in ((old, data[0]), (new, data[1])):
                if path is not None and content is None:
                    self.unseen.append(f"{path} was not compared: it is a link, too large, or can't be read")
            if versions == (None, None):
                continue
            diff = compare(self.session, *versions, masker=masker, names=self.names, with_keys=self.with_keys)
            yield Compared(change, one, two, diff)

    @cached_property
    def masker(self) -> Masker:
        """Makes the tokens that tell whether two values are equal."""
        return Masker()


def _version(path: str | None, data: bytes | None, secret: Secret | None) -> Version | None:
    if path is None or data is None:
        return None
    format_ = secret.stored_as or secret.file.format if secret is not None else format_for_path(path)
    return Version(path, data, format_, secret=secret is not None)


def _is_managed(data: bytes | None) -> bool:
    return data is not None and any(word in data for word in _MANAGED)


def _of_keys(side: Side) -> Iterator[RecipientKey]:
    from fluxsecrets.sops.recipients import age, read_recipient

    for key in side.facts.public_keys:
        for text in key.recipients:
            try:
                yield recipient_key(read_recipient(text) or age(text))
            except FluxsecretsError:
                continue
