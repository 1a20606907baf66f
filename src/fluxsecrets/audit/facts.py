"""What the rules judge: a repository's secrets, the rules for them, its environments and its people.

Rules only look. A fact is read once, when the first rule asks for it: a single rule costs what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, partial
from typing import Any, TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.marks import (
    flux_markers,
    folders_above,
    is_public_key,
    is_rules_file,
)
from fluxsecrets.repo.discover import SecretFile, Spread, discover
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.environments import (
    Environment,
    EnvironmentRoot,
    find_environment,
    list_environments,
    load_environments,
)
from fluxsecrets.repo.git.branch import Branch
from fluxsecrets.repo.git.worktree import changed_since_head
from fluxsecrets.repo.keyhistory import (
    FormerReader,
    RemovedKey,
    data_keys_since,
    last_changed,
    removed_keys,
)
from fluxsecrets.repo.offboarding import Leaver, read_leavers, still_gone, with_leavers
from fluxsecrets.repo.publickeys import PublicKey, public_keys
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.config import CreationRule, parse_config
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, RecipientKey, age, read_recipient, recipient_key

from .model import ConfigFile, KnownValues, Opening, SealingCertificate, Secret

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Readers:
    """Readers that need an operation, each called when a fact first needs it.

    Attributes:
        open: decrypt a parsed file; nothing where the audit runs without keys.
        data_key: open a `sops` block; None where no identity at hand can, or the audit runs without keys.
        malformed: why a recipient can't be used, or None. Nobody is asked.
        spread: run a function over many items, in several processes where that pays.
        names: recipient -> name of the public keys in `keys/`.
        former: whom encrypted files, by path, are not for any more.
        known: what those know whose keys were taken out.
        scan: what `scan` finds in some files, and those in which all of it is allowed or known.
        partial_history: take the commits that a shallow clone has for all there are.
    """

    parse: Callable[[Format, bytes], Document]
    open: Callable[[Format, Document, str], Opening]
    data_key: Callable[[Metadata], DataKey | None]
    malformed: Callable[[Recipient], FluxsecretsError | None]
    spread: Spread
    names: Callable[[], Mapping[str, str]]
    former: Callable[[Mapping[str, bytes]], tuple[FormerReader, ...]]
    known: Callable[[Facts], Iterable[KnownValues]]
    scan: Callable[[frozenset[str]], tuple[tuple[Finding, ...], frozenset[str]]]
    partial_history: bool = False


@dataclass(frozen=True, eq=False)
class Facts:
    """What the rules may ask about a repository. Each fact is read when a rule first asks for it.

    Attributes:
        settings: its `.fluxsecrets.yaml`.
        read: the readers that need an operation.
        older: encrypted files as they were before; None takes the last commit's.
        flux_version: of Flux in all clusters; None where the settings or the repository say it.
        only: the name of the one environment that is looked at; None looks at the whole repository.
        given: the environments, where they were read before.
        files: the only files that are judged; None for those of the environment, or all.
    """

    tree: Tree
    settings: Settings
    today: date
    read: Readers = field(repr=False)
    older: Mapping[str, Document] | None = field(default=None, repr=False)
    flux_version: str | None = None
    only: str | None = None
    given: tuple[Environment, ...] | None = None
    files: frozenset[str] | None = None
    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """All of them, by name; or the only one that is looked at.

        Raises:
            ConfigError: there is no environment of that name.
        """
        if self.given is not None:
            return self.given
        if self.only is not None:
            return (find_environment(self.tree, self.only, self.settings),)
        return load_environments(self.tree, self.settings)

    @cached_property
    def roots(self) -> tuple[EnvironmentRoot, ...]:
        """Where all environments of the repository begin, by name."""
        return self.once("roots", lambda: list_environments(self.tree, self.settings))

    @property
    def environment_names(self) -> tuple[str, ...]:
        """The names of all environments of the repository, sorted."""
        return tuple(root.name for root in self.roots)

    @cached_property
    def whole(self) -> Facts:
        """The facts of the whole repository, for what an environment alone does not show."""
        return self if self.only is None else replace(self, only=None, _made={})

    @cached_property
    def configs(self) -> tuple[ConfigFile, ...]:
        """Every `.sops.yaml`, by path."""
        found = {item.folder: item for item in _configs(self.tree)}
        return tuple(found[folder] for folder in sorted(found))

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        """Every file that is to be protected, by path; of an environment alone, its files."""
        return tuple(
            self._secret(item, _nearest(self._configs_by_folder, item.path))
            for item in discover(
                self.tree, paths=self._own_paths, extra=self.settings.secrets, spread=self.read.spread
            )
            if item.path not in self.tree.files or not is_rules_file(item.path)
        )

    @cached_property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """Those in `keys/`."""
        return public_keys(self.tree)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Recipient -> name, for messages."""
        return with_leavers({**_anchors(self.configs), **self.read.names()}, self.leavers)

    @cached_property
    def leavers(self) -> tuple[Leaver, ...]:
        """Those who left and did not come back, by their records in `offboarding/`."""
        return still_gone(self._records[0], self._named.keys())

    @cached_property
    def returned(self) -> tuple[tuple[Leaver, tuple[tuple[str, int | None], ...]], ...]:
        """Those who left by their records, and whom a rule or `keys/` names, with the paths and lines."""
        return tuple(
            (each, tuple(self._named[recipient_key(each.recipient)]))
            for each in self._records[0]
            if recipient_key(each.recipient) in self._named and not each.environments
        )

    @cached_property
    def _named(self) -> Mapping[RecipientKey, list[tuple[str, int | None]]]:
        """Where each recipient is named: the paths and lines of rules and public keys."""
        found: dict[RecipientKey, list[tuple[str, int | None]]] = {}
        if not self._records[0]:
            return found
        for item in self.configs:
            for rule in item.config.rules if item.config is not None else ():
                for recipient in rule.recipients:
                    found.setdefault(recipient_key(recipient), []).append((item.path, rule.line))
        for key in self.public_keys:
            for text in key.recipients:
                recipient = read_recipient(text) or age(text)
                found.setdefault(recipient_key(recipient), []).append((key.path, None))
        return found

    @property
    def broken_records(self) -> tuple[FluxsecretsError, ...]:
        """Why records of people who left can't be read."""
        return self._records[1]

    @cached_property
    def _records(self) -> tuple[tuple[Leaver, ...], tuple[FluxsecretsError, ...]]:
        return read_leavers(self.tree.root)

    @cached_property
    def with_keys(self) -> bool:
        """Values were decrypted, since identities open some."""
        return any(secret.opened is not None for secret in self.secrets)

    @cached_property
    def scanned_files(self) -> frozenset[str]:
        """The files that are to be protected."""
        return frozenset((*(secret.path for secret in self.secrets), *_sealed(self.environments)))

    @property
    def scanned(self) -> tuple[Finding, ...]:
        """What `scan` finds in these files, allowed or not."""
        return self._scan[0]

    @property
    def excused(self) -> frozenset[str]:
        """Those of these files in which `scan` finds only what is allowed or known to the baseline."""
        return self._scan[1]

    @cached_property
    def branch(self) -> Branch | None:
        """The history of HEAD; None outside of a repository."""
        repository = self.tree.repository
        return None if repository is None else Branch(repository, partial=self.read.partial_history)

    @cached_property
    def removed(self) -> tuple[RemovedKey, ...]:
        """Keys that were taken out of `keys/` and `.sops.yaml`, the last one first."""
        return _removed(self.tree, self.branch)

    @cached_property
    def known(self) -> tuple[KnownValues, ...]:
        """What those know who had them."""
        return tuple(self.read.known(self)) if self.removed else ()

    @cached_property
    def former(self) -> tuple[FormerReader, ...]:
        """Whom encrypted files are not for any more."""
        if self.tree.repository is None:
            return ()
        found = self.read.former({secret.path: self.tree.read(secret.path) for secret, _ in self.encrypted()})
        # Their records settle what no identity at hand can tell. What the ciphertexts prove stays.
        settled = {(recipient_key(each.recipient), path) for each in self.leavers for path in each.settled}
        return tuple(
            replace(each, now=False)
            if each.now is None and (recipient_key(each.recipient), each.path) in settled
            else each
            for each in found
        )

    @cached_property
    def changed(self) -> Mapping[str, date]:
        """The day of the last commit that changed a file, for public keys and SealedSecrets."""
        if self.branch is None:
            return {}
        wanted = {*(key.path for key in self.public_keys), *_sealed(self.environments)}
        return last_changed(self.branch, wanted)

    @cached_property
    def data_keys(self) -> Mapping[str, date]:
        """The day on which each encrypted file had its data key already, as early as the repository shows.

        That is the first commit with the data key, or the time in the file if that is earlier. A later change
        of the file does not make its data key younger.
        """
        encrypted = self.encrypted()
        changed = {secret.path: metadata.changed for secret, metadata in encrypted}
        if self.branch is None:
            return changed
        files = {path: self.tree.read(path) for path in changed}
        since = data_keys_since(self.branch, files)
        return {path: min(day, since.get(path, day)) for path, day in changed.items()}

    @cached_property
    def sealing(self) -> tuple[SealingCertificate, ...]:
        """The sealing certificates that the settings name."""
        return tuple(_sealing(self.tree, self.settings))

    @cached_property
    def before(self) -> Mapping[str, Document]:
        """Of encrypted files that were changed since the last commit, how they were then."""
        return self._at_head() if self.older is None else self.older

    def is_read(self, fact: str) -> bool:
        """Whether a rule asked for a fact so far."""
        return fact in vars(self)

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What is made of these facts for several rules; made by the first that asks."""
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    def encrypted(self) -> Sequence[tuple[Secret, Metadata]]:
        """The files that are encrypted, with their `sops` blocks."""
        return self._encrypted

    @cached_property
    def _encrypted(self) -> Sequence[tuple[Secret, Metadata]]:
        return [
            (secret, secret.document.metadata)
            for secret in self.secrets
            if secret.document is not None and secret.document.metadata is not None
        ]

    def rule_for(self, path: str) -> CreationRule | None:
        """The creation rule for a file, whether it exists or not; None if none applies or can be read."""
        return _rule(self.config_for(path), path)

    def config_for(self, path: str) -> ConfigFile | None:
        """The `.sops.yaml` whose rules count for a file, or None."""
        return _nearest(self._configs_by_folder, path)

    @cached_property
    def _configs_by_folder(self) -> Mapping[str, ConfigFile]:
        return {item.folder: item for item in self.configs}

    def environment(self, name: str) -> Environment:
        """The environment of a name, which must be there."""
        return next(item for item in self.environments if item.name == name)

    @cached_property
    def _reached(self) -> Mapping[str, tuple[str, ...]]:
        return _reached(self.whole.environments)

    @property
    def _own_paths(self) -> frozenset[str] | None:
        """The files that are looked at; None for all."""
        if self.only is None or self.files is not None:
            return self.files
        return frozenset(path for each in self.environments for path in (*each.files, *each.generator_files))

    @cached_property
    def _scan(self) -> tuple[tuple[Finding, ...], frozenset[str]]:
        return self.read.scan(self.scanned_files)

    def _secret(self, item: SecretFile, config: ConfigFile | None) -> Secret:
        made = partial(
            Secret,
            item,
            config,
            _rule(config, item.path),
            reach=lambda: self._reached.get(item.path, ()),
        )
        try:
            data = self.tree.read(item.path)
        except FluxsecretsError as problem:
            return made(None, item.error or problem.in_file(item.path))
        known = partial(
            made,
            size=len(data),
            stored_as=detect_encryption(data, item.path),
            marks=flux_markers(data),
        )
        try:
            format_ = make_format(item.format)
            document = self.read.parse(format_, data)
        except FluxsecretsError as problem:
            return known(None, item.error or problem.in_file(item.path))
        return known(document, item.error, open=lambda: self.read.open(format_, document, item.path))

    def _at_head(self) -> dict[str, Document]:
        if self.tree.repository is None:
            return {}
        encrypted = {secret.path: secret.file.format for secret, _ in self.encrypted()}
        changed = changed_since_head(self.tree.repository, encrypted)
        formats = {path: name for path, name in encrypted.items() if path in changed}
        found = {}
        for path, data in self.tree.repository.read_head_blobs(formats).contents.items():
            with suppress(FluxsecretsError):
                document = self.read.parse(make_format(formats[path]), data)
                if document.metadata is not None:
                    found[path] = document
        return found


def secrets_by_path(facts: Facts) -> Mapping[str, Secret]:
    """Every file that is to be protected, by path."""
    return facts.once("by path", lambda: {secret.path: secret for secret in facts.secrets})


def encrypted_by_path(facts: Facts) -> Mapping[str, Metadata]:
    """The `sops` blocks of the files that are encrypted, by path."""
    return facts.once("blocks by path", lambda: {secret.path: block for secret, block in facts.encrypted()})


def _reached(environments: Sequence[Environment]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for environment in environments:
        for path in sorted(environment.files | environment.generator_files.keys()):
            found.setdefault(path, []).append(environment.name)
    return {path: tuple(sorted(names)) for path, names in found.items()}


def _configs(tree: Tree) -> list[ConfigFile]:
    found = []
    for path in tree.paths:
        if not is_rules_file(path):
            continue
        try:
            found.append(ConfigFile(path, parse_config(tree.read(path), path=path)))
        except FluxsecretsError as error:
            found.append(ConfigFile(path, None, error.in_file(path)))
    return found


def _anchors(configs: Iterable[ConfigFile]) -> dict[str, str]:
    names: dict[str, str] = {}
    for item in configs:
        for rule in item.config.rules if item.config is not None else ():
            names.update(rule.names)
    return names


def _sealed(environments: Iterable[Environment]) -> Iterator[str]:
    """The files with SealedSecrets."""
    for environment in environments:
        for _, item in environment.graph.objects:
            if item.kind == "SealedSecret":
                yield item.file


def _removed(tree: Tree, branch: Branch | None) -> tuple[RemovedKey, ...]:
    """The keys that were taken out of the files that name recipients."""
    if branch is None:
        return ()
    now = {}
    for path in tree.paths:
        if is_rules_file(path) or is_public_key(path):
            with suppress(FluxsecretsError):
                now[path] = tree.read(path).decode("utf-8", "replace")
    return removed_keys(branch, now) if now else ()


def _sealing(tree: Tree, settings: Settings) -> Iterator[SealingCertificate]:
    """The sealing certificates that the settings name."""
    for environment in settings.environments:
        for path in environment.sealing_certificates:
            try:
                found = parse_certificate(tree.read(path))
            except FluxsecretsError as error:
                yield SealingCertificate(environment.name, path, None, error)
            else:
                yield SealingCertificate(environment.name, path, found)


def _nearest(configs: Mapping[str, ConfigFile], path: str) -> ConfigFile | None:
    return next((configs[folder] for folder in folders_above(path) if folder in configs), None)


def _rule(config: ConfigFile | None, path: str) -> CreationRule | None:
    return config.rule(path) if config is not None else None
