"""Works out a new environment; reads a lot, and writes nothing."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import ConfigError, FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.ops.convert.decryption import usual_secret
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.run.changes import merged
from fluxsecrets.ops.run.journal import FileChange
from fluxsecrets.ops.run.names import KEYS_FOLDER, read_public_keys
from fluxsecrets.ops.run.people import names_cluster
from fluxsecrets.ops.run.session import CONFIG_NAME, Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.kustomize import is_kustomization_name
from fluxsecrets.repo.manifests import child
from fluxsecrets.repo.references import provisions
from fluxsecrets.repo.settings import SETTINGS_NAME, Settings
from fluxsecrets.repo.tree import Tree, with_planned
from fluxsecrets.sops.cipher import looks_encrypted
from fluxsecrets.sops.document import Data
from fluxsecrets.sops.envelope import check_recipients
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.recipients import age as parse_age

from .check import check_shape
from .copies import Copies, Copy, Filling
from .examples import built_objects, with_example
from .model import AddRequest, NewEnvironment, PlannedFile, PlannedSecret
from .naming import Naming, files_to_copy, new_path, word_pair
from .rules import Cluster, RuleRequest, add_rules
from .settings import add_settings
from .values import Slot, decoded

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity


def work_out(
    session: Session,
    request: AddRequest,
    tree: Tree,
    settings: Settings,
    environments: tuple[Environment, ...],
) -> NewEnvironment:
    """Plan a new environment, and check it; raises as `plan.plan_environment` does.

    Args:
        session: the run.
        request: what is asked for; its source is one of the environments.
        tree: the repository.
        settings: its settings.
        environments: all that there are.
    """
    (source,) = (each for each in environments if each.name == request.source)
    return _Planner(session, request, tree, settings, source, environments).plan()


class _Planner:
    """Collects what is written."""

    def __init__(
        self,
        session: Session,
        request: AddRequest,
        tree: Tree,
        settings: Settings,
        source: Environment,
        environments: tuple[Environment, ...],
    ) -> None:
        self.session = session
        self.request = request
        self.tree = tree
        self.settings = settings
        self.source = source
        self.others = tuple(each for each in environments if each is not source)
        self.public = read_public_keys(tree.root)
        self.warnings: list[str] = []
        self.old: dict[str, bytes | None] = {}
        self.new: dict[str, bytes] = {}
        self.modes: dict[str, int | None] = {}
        self.made: dict[tuple[str, bytes], str] = {}
        self.unused = {glob for glob, _ in request.generate}

    def plan(self) -> NewEnvironment:
        naming = self.naming()
        secrets = {each.path: each for each in discover(self.tree)}
        for path in naming.files:
            error = secrets[path].error if path in secrets else None
            if error is not None:
                raise error.in_file(self.shown(path))
        identity, cluster = self.cluster(naming)
        shared = tuple(
            path
            for path in sorted(self.source.graph.files | self.source.outside)
            if path in secrets and path not in naming.files
        )
        copies = self.copy(naming, secrets)
        holders = [copy for copy in copies if copy.slots and not copy.literals]
        if not cluster.old and (holders or shared):
            self.warnings.append(
                f"which key is that of {self.source.name}'s cluster cannot be told, so that whoever reads "
                f"{self.source.name} reads {self.request.name} too: name it as cluster_recipients in "
                f"{SETTINGS_NAME}, then try again"
            )
        rules, granted = self.add_rules(naming, cluster, secrets, holders, shared)
        settings = self.add_settings(naming, cluster)
        planned = [self.secret(naming, copy) for copy in copies if copy.slots]
        for glob in sorted(self.unused):
            self.warnings.append(f"no key of a secret is called {glob!a}: nothing was generated for it")
        decryption = tuple(self.add_decryption(naming))
        self.add_public_key(cluster)
        root = new_path(self.source.root_path, naming.old, naming.new)
        check_shape(with_planned(self.tree, self.new), settings, self.source, root, naming)
        origins = {new: old for old, new in naming.files.items()}
        return NewEnvironment(
            name=self.request.name,
            root=root,
            word=naming.new,
            source=self.source.name,
            source_root=self.source.root_path,
            files=tuple(
                PlannedFile(self.shown(path), origins.get(path), self.old[path], self.new[path])
                for path in sorted(self.new)
            ),
            secrets=tuple(planned),
            rules=rules,
            decryption=decryption,
            shared=tuple(map(self.shown, shared)),
            granted=tuple(map(self.shown, granted)),
            renamed=tuple(each for copy in copies for each in copy.renamed),
            recipient=cluster.new,
            key_name=cluster.name,
            made=identity is not None,
            warnings=tuple(dict.fromkeys(self.warnings)),
            _tree=self.tree,
            _changes=self.changes(),
            _identity=identity,
            _keeping=self.request.keeping,
        )

    def shown(self, path: str) -> str:
        return self.session.shown(self.tree.root / path)

    def write(self, path: str, data: bytes, *, old: bytes | None, mode: int | None = None) -> None:
        self.old.setdefault(path, old)
        self.new[path] = data
        self.modes.setdefault(path, mode)

    def changes(self) -> tuple[FileChange, ...]:
        root = self.tree.root.resolve()
        return merged(
            [
                FileChange(root / path, data, self.old[path], self.modes[path])
                for path, data in self.new.items()
                if data != self.old[path]
            ]
        )

    # Names.

    def naming(self) -> Naming:
        source, name = self.source, self.request.name
        old, new = word_pair(source.name, source.root_path, name)
        files = files_to_copy(self.tree, source, self.others, old, new)
        for path in [path for path in files if self.tree.size(path) is None]:
            self.warnings.append(f"{self.shown(path)} is a symbolic link: make its like by hand")
            del files[path]
        if not any(path.startswith(f"{source.root_path}/") for path in files):
            raise ConfigError(
                f"nothing below {source.root_path} is {source.name}'s alone",
                hint="an environment is added from one that has a folder of its own",
            )
        self.refuse_taken(files)
        objects = [item for _, item in source.graph.objects]
        return Naming(
            self.tree,
            old,
            new,
            source.name,
            name,
            files,
            frozenset(
                text
                for item in objects
                if item.file not in files
                for _, text in item.all_names
                if old in text
            ),
            frozenset(item.name for item in objects if item.file in files),
        )

    def refuse_taken(self, files: Mapping[str, str]) -> None:
        for new in files.values():
            resolve_inside(self.tree.root / new, self.tree.root)  # no link leads out of the repository
        taken = [new for new in files.values() if os.path.lexists(self.tree.root / new)]
        if taken:
            more = f", and {len(taken) - 1} more" if len(taken) > 1 else ""
            raise FileAccessError(
                f"there is a file in the way already{more}",
                path=self.shown(taken[0]),
                hint="move it away, or choose another name",
            )

    # The identity.

    def cluster(self, naming: Naming) -> tuple[AgeIdentity | None, Cluster]:
        old = self.old_recipients(naming)
        name = self.key_name(naming, old)
        if self.request.recipient is not None:
            recipient = parse_age(self.request.recipient)
            check_recipients(((recipient,),), self.session.providers)
            text = recipient.id
            if text in old:
                raise UsageError(
                    f"that is the key of {self.source.name}'s own cluster",
                    hint="leave out --recipient, and a new one is made",
                )
            return None, Cluster(old, text, self.public.get(text, name))
        from fluxsecrets.keys.generate import generate_identity

        identity = generate_identity(datetime.now(UTC))
        return identity, Cluster(old, identity.recipient, name)

    def old_recipients(self, naming: Naming) -> tuple[str, ...]:
        """The public keys of the old cluster: as the settings say, or by their names."""
        own = self.settings.environment(self.source.name)
        if own is not None and own.cluster_recipients:
            return own.cluster_recipients
        named = dict(self.public)
        for path in naming.files:
            applied = self.session.rules_for(self.tree.root / path)
            if applied is not None and applied.matches and applied.matches[-1].matched:
                named = {**applied.matches[-1].rule.names, **named}
        return tuple(text for text, name in named.items() if names_cluster(name, self.source.name))

    def key_name(self, naming: Naming, old: Iterable[str]) -> str:
        taken = set(self.public.values())
        named = (naming.words(self.public[text]) for text in old if text in self.public)
        candidates = (*named, f"cluster-{self.request.name}", self.request.name)
        for name in candidates:
            if name not in taken and not os.path.lexists(self.tree.root / KEYS_FOLDER / f"{name}.pub"):
                return name
        raise UsageError(
            f"{KEYS_FOLDER}/{candidates[-1]}.pub is there already",
            hint=f"use that key with --recipient, or remove {KEYS_FOLDER}/{candidates[-1]}.pub",
        )

    def add_public_key(self, cluster: Cluster) -> None:
        if cluster.new not in self.public:
            path = f"{KEYS_FOLDER}/{cluster.name}.pub"
            self.write(path, f"{cluster.new}\n".encode(), old=None, mode=0o644)

    # Files.

    def copy(self, naming: Naming, secrets: Mapping[str, SecretFile]) -> tuple[Copy, ...]:
        copies = Copies(self.session, self.tree, naming, self.request.copy_values)
        built = built_objects(self.source)
        found = []
        for old in naming.files:
            try:
                copy = copies.copy(old, secrets.get(old))
            except FluxsecretsError as error:
                raise error.in_file(self.shown(old)) from None
            data = copy.data
            if is_kustomization_name(old):
                data = with_example(data, built.get(old, ()), self.source.name, naming.words)
            mode = stat.S_IMODE((self.tree.root / old).stat().st_mode)
            self.write(copy.path, data, old=None, mode=mode)
            found.append(copy)
        if any(copy.has_encrypted_sealed for copy in found) and self.request.copy_values:
            self.warnings.append("values of SealedSecrets cannot be copied: only their cluster opens them")
        return tuple(found)

    def secret(self, naming: Naming, copy: Copy) -> PlannedSecret:
        """Put in values where some were asked for, and encrypt the file then."""
        values: dict[int, Filling] = {}
        for slot in copy.slots:
            glob, spec = next(
                (each for each in self.request.generate if fnmatch.fnmatchcase(slot.key, each[0])), ("", None)
            )
            if slot.index < 0 or copy.literals:
                continue
            if spec is not None:
                self.unused.discard(glob)
                values[slot.index] = Filling(self.generated(spec, slot, copy), encode=slot.base64)
            elif slot.index in copy.values:
                values[slot.index] = Filling(copy.values[slot.index])
        to_fill = tuple(slot.key for slot in copy.slots if slot.index not in values)
        if values:
            data = copy.encrypted(self.session, self.tree, values)
            self.new[copy.path] = data
        return PlannedSecret(self.shown(copy.path), to_fill, len(values), copy.has_encrypted_sealed)

    def generated(self, spec: str, slot: Slot, copy: Copy) -> str:
        """A new value; where the old one is known, the same one for each place that had it."""
        old = copy.values.get(slot.index, slot.value)
        if not isinstance(old, str) or looks_encrypted(old):
            return generate(spec)
        digest = sha256(old.encode() if not slot.base64 else decoded(old)).digest()
        return self.made.setdefault((spec, digest), generate(spec))

    # Decryption, rules and settings.

    def add_decryption(self, naming: Naming) -> Iterator[str]:
        """Give `decryption` to the Kustomizations of the new environment that bring Secrets and have none."""
        name = naming.words(usual_secret(self.source.graph.applied))
        for each in self.source.graph.applied:
            item = each.kustomization
            if not _brings_secrets(each) or (item is not None and item.decryption is not None):
                continue
            manifest = each.item.manifest if each.item is not None else None
            path = naming.files.get(item.file) if item is not None else None
            if item is None or manifest is None or path is None or path.endswith("/gotk-sync.yaml"):
                folder = self.shown(new_path(each.folder or "", naming.old, naming.new))
                self.warnings.append(
                    f"what syncs {folder} has no `decryption`: without it Flux applies Secrets as ciphertext"
                )
                continue
            block: Data = {"provider": "sops", "secretRef": {"name": name}}
            format_, limits = YamlFormat(), self.session.limits
            document = format_.parse(self.new[path], limits)
            if child(document.parts[manifest.index], "spec", "decryption") is None:
                self.new[path] = set_value(
                    format_, document, ("spec", "decryption"), block, limits, part=manifest.index
                )
                renamed = naming.words(item.name)
                yield f"{self.shown(path)}: the Kustomization {renamed} gets the Secret {name}"

    # Rules and settings.

    def add_rules(
        self,
        naming: Naming,
        cluster: Cluster,
        secrets: Mapping[str, SecretFile],
        holders: Iterable[Copy],
        shared: tuple[str, ...],
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Add to each `.sops.yaml` that is for these files; what is new, and the shared files it concerns."""
        by_config: dict[Path | None, list[Copy]] = {}
        for copy in holders:
            by_config.setdefault(self.config_of(copy.origin), []).append(copy)
        for path in shared:
            by_config.setdefault(self.config_of(path), [])
        sentences: list[str] = []
        granted: list[str] = []
        for config, own in by_config.items():
            if config is None:
                if own:
                    where = self.shown(own[0].path)
                    self.warnings.append(f"no {CONFIG_NAME} is for {where}: it cannot be encrypted")
                continue
            relative = self.relative(config)
            if relative is None:
                self.warnings.append(f"{config} lies outside of the repository: add the rules by hand")
                continue
            if relative in naming.files:
                self.copy_rules(naming, relative, cluster)
                continue
            done, more = self.extend_rules(naming, cluster, secrets, relative, own, shared)
            sentences += done
            granted += more
        return tuple(sentences), tuple(granted)

    def config_of(self, path: str) -> Path | None:
        return self.session.find_config((self.tree.root / path).parent)

    def relative(self, path: Path) -> str | None:
        try:
            return path.relative_to(self.tree.root).as_posix()
        except ValueError:
            return None

    def copy_rules(self, naming: Naming, relative: str, cluster: Cluster) -> None:
        """A `.sops.yaml` that is copied itself: its paths were renamed, the key has to follow."""
        from fluxsecrets.sops.config import parse_config

        path = naming.files[relative]
        data = self.new[path]
        for text in cluster.old:
            data = data.replace(text.encode(), cluster.new.encode())
        self.new[path] = data
        self.session.plan_config(self.tree.root / path, parse_config(data, path=self.shown(path)))

    def extend_rules(
        self,
        naming: Naming,
        cluster: Cluster,
        secrets: Mapping[str, SecretFile],
        relative: str,
        own: Iterable[Copy],
        shared: tuple[str, ...],
    ) -> tuple[list[str], list[str]]:
        config = self.tree.root / relative
        folder = relative.rpartition("/")[0]

        def inside(path: str) -> str:
            return path[len(folder) + 1 :] if folder else path

        def applies(path: str) -> bool:
            return path.startswith(f"{folder}/" if folder else "") and self.config_of(path) == config

        mine = [path for path in shared if applies(path)]
        request = RuleRequest(
            files={inside(old): inside(new) for old, new in naming.files.items() if applies(old)},
            secrets=tuple(inside(copy.path) for copy in own),
            shared=tuple(map(inside, mine)),
            others=tuple(inside(path) for path in secrets if path not in shared and applies(path)),
            old=naming.old,
            new=naming.new,
        )
        data = self.tree.read(relative)
        new = add_rules(data, self.shown(relative), request, cluster)
        for path in new.uncovered:
            self.warnings.append(f"no creation rule is for {path}, as for its like in {self.source.name}")
        if new.data != data:
            self.write(relative, new.data, old=data)
        self.session.plan_config(config, new.config)
        granted = [path for path in mine if self.is_granted(new.config, inside(path), cluster)]
        return [f"{self.shown(relative)}:{line}: {what}" for line, what in new.changes], granted

    @staticmethod
    def is_granted(config: object, path: str, cluster: Cluster) -> bool:
        from fluxsecrets.sops.config import SopsConfig, rule_for

        assert isinstance(config, SopsConfig)  # noqa: S101 - for the type only
        rule = rule_for(config, path)
        return rule is not None and any(each.id == cluster.new for each in rule.recipients)

    def add_settings(self, naming: Naming, cluster: Cluster) -> bytes | None:
        own = self.settings.environment(self.source.name)
        if own is None and not any(naming.words(glob) != glob for glob in self.settings.secrets):
            return None
        data = self.tree.read(SETTINGS_NAME)
        new = add_settings(data, self.settings, naming, cluster.new, self.tree.limits)
        if own is not None and own.sealing_certificates:
            self.warnings.append(
                f"name the sealing certificates of {self.request.name}'s cluster in {SETTINGS_NAME}"
            )
        if new != data:
            self.write(SETTINGS_NAME, new, old=data)
        return new


def _brings_secrets(applied: Applied) -> bool:
    """Whether Secrets that are files here come about by a Kustomization, so that it has to decrypt."""
    return any(
        made.kind == "Secret"
        and (made.how in ("sops", "generated") or (item.manifest is not None and item.manifest.has_data))
        for item in applied.objects
        for made in provisions(item)
    )
