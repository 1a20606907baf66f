"""Plan a new environment, and check it as if it were there; nothing is written."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import sha256

from fluxsecrets.errors import ConfigError, FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.marks import KEYS_FOLDER, SETTINGS_NAME, is_ciphertext, is_kustomization
from fluxsecrets.ops.convert.decryption import brings_secrets, usual_secret
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.people.keystore import Keeping, Store
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, discover
from fluxsecrets.repo.environments import Environment, load_environments, unknown_environment
from fluxsecrets.repo.manifests import child
from fluxsecrets.repo.settings import Settings, load_settings, parse_settings
from fluxsecrets.repo.tree import Tree, open_tree, with_planned
from fluxsecrets.sops.document import Data
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat

from .check import check_shape
from .clusterkey import cluster_key
from .copies import Copies, Copy, Filling
from .draft import Draft
from .examples import built_objects, with_example
from .model import AddRequest, Cluster, Decryption, NewEnvironment, PlannedFile, PlannedSecret
from .naming import Naming, check_name, files_to_copy, new_path, word_pair
from .rules import plan_rules
from .settings import add_settings
from .values import Slot, decoded


def plan_environment(session: Session, request: AddRequest) -> NewEnvironment:
    """Work out a new environment, and check it as if it were there.

    Raises:
        UsageError: a name is missing or cannot be taken, or an operation was interrupted.
        ConfigError: there is no environment to make it from, rules could not be added, or the copy would
            not be what the old one is.
        FileAccessError: a file is in the way, or cannot be read.
        UnprotectedError: a value of a secret could not be taken out.
        DataKeyError: values are to be copied, and no identity at hand opens a file.
    """
    if not request.name or not request.source:
        raise UsageError(
            "name the new environment, and the one to make it from",
            hint="such as: fluxsecrets env add staging --from production",
        )
    tree = open_tree(session.cwd, limits=session.limits)
    refuse_interrupted((tree.root / "-",))
    settings = load_settings(tree)
    environments = load_environments(tree, settings)
    names = tuple(each.name for each in environments)
    if request.source not in names:
        raise unknown_environment(tree, request.source, names)
    check_name(request.name, names)
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
        self.draft = Draft(session, tree)
        self.made: dict[tuple[str, bytes], str] = {}
        self.unused = {glob for glob, _ in request.generate}

    def plan(self) -> NewEnvironment:
        naming = self.naming()
        secrets = {each.path: each for each in discover(self.tree)}
        for path in naming.files:
            error = secrets[path].error if path in secrets else None
            if error is not None:
                raise error.in_file(self.draft.shown(path))
        cluster, identity = cluster_key(self.session, self.request, naming, self.settings, self.public)
        shared = tuple(
            path
            for path in sorted(self.source.graph.files | self.source.outside | self.source.placed)
            if path in secrets and path not in naming.files
        )
        copies = self.copy(naming, secrets)
        holders = [copy for copy in copies if copy.slots and not copy.literals]
        if not cluster.old and (holders or shared):
            self.draft.warnings.append(
                f"the key of {self.source.name}'s cluster is unknown, so everyone who can read "
                f"{self.source.name} reads {self.request.name} too: name it as cluster_recipients in "
                f"{SETTINGS_NAME}, then try again"
            )
        rules, granted = plan_rules(self.draft, naming, cluster, secrets, holders, shared)
        settings = self.add_settings(naming, cluster)
        planned = [self.secret(naming, copy) for copy in copies if copy.slots]
        for glob in sorted(self.unused):
            self.draft.warnings.append(f"no secret has a key {glob!a}: nothing was generated for it")
        decryption = tuple(self.add_decryption(naming))
        if cluster.new not in self.public:
            public = f"{KEYS_FOLDER}/{cluster.name}.pub"
            self.draft.write(public, f"{cluster.new}\n".encode(), old=None, mode=0o644)
        root = new_path(self.source.root_path, naming.old, naming.new)
        after = with_planned(self.tree, self.draft.new)
        new = check_shape(after, settings, self.source, root, naming)
        apart = self.apart(after, new, settings, copies)

        origins = {new: old for old, new in naming.files.items()}
        return NewEnvironment(
            name=self.request.name,
            root=root,
            word=naming.new,
            source=self.source.name,
            files=tuple(
                PlannedFile(
                    self.draft.shown(path), origins.get(path), self.draft.old[path], self.draft.new[path]
                )
                for path in sorted(self.draft.new)
            ),
            secrets=tuple(planned),
            apart=tuple(map(self.draft.shown, apart)),
            rules=rules,
            decryption=decryption,
            shared=tuple(map(self.draft.shown, shared)),
            granted=tuple(map(self.draft.shown, granted)),
            renamed=tuple(each for copy in copies for each in copy.renamed),
            recipient=cluster.new,
            key_name=cluster.name,
            warnings=tuple(dict.fromkeys(self.draft.warnings)),
            tree=self.tree,
            changes=self.draft.changes(),
            identity=identity,
            keeping=Keeping(None, Store(self.request.store), self.request.output),
        )

    # Names.

    def naming(self) -> Naming:
        source, name = self.source, self.request.name
        old, new = word_pair(source.name, source.root_path, name)
        files = files_to_copy(self.tree, source, self.others, old, new)
        for path in [path for path in files if self.tree.size(path) is None]:
            self.draft.warnings.append(
                f"{self.draft.shown(path)} is a symbolic link: create its counterpart by hand"
            )
            del files[path]
        if not any(path.startswith(f"{source.root_path}/") for path in files):
            raise ConfigError(
                f"no file below {source.root_path} belongs to {source.name} alone",
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
                f"a file is already there{more}",
                path=self.draft.shown(taken[0]),
                hint="move it away, or choose another name",
            )

    # Files.

    def copy(self, naming: Naming, secrets: Mapping[str, SecretFile]) -> tuple[Copy, ...]:
        copies = Copies(self.session, self.tree, naming, self.request.copy_values)
        built = built_objects(self.source)
        found = []
        for old in naming.files:
            try:
                copy = copies.copy(old, secrets.get(old))
            except FluxsecretsError as error:
                raise error.in_file(self.draft.shown(old)) from None
            data = copy.data
            if is_kustomization(old):
                data = with_example(data, built.get(old, ()), self.source.name, naming.words)
            mode = stat.S_IMODE((self.tree.root / old).stat().st_mode)
            self.draft.write(copy.path, data, old=None, mode=mode)
            found.append(copy)
        if any(copy.has_encrypted_sealed for copy in found) and self.request.copy_values:
            self.draft.warnings.append(
                "values of SealedSecrets cannot be copied: only their cluster opens them"
            )
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
            self.draft.new[copy.path] = data
        return PlannedSecret(self.draft.shown(copy.path), to_fill, len(values), copy.has_encrypted_sealed)

    def generated(self, spec: str, slot: Slot, copy: Copy) -> str:
        """A new value; where the old one is known, the same one for each place that had it."""
        old = copy.values.get(slot.index, slot.value)
        if not isinstance(old, str) or is_ciphertext(old):
            return generate(spec)
        digest = sha256(old.encode() if not slot.base64 else decoded(old)).digest()
        return self.made.setdefault((spec, digest), generate(spec))

    def apart(
        self, after: Tree, new: Environment, settings: bytes | None, copies: tuple[Copy, ...]
    ) -> list[str]:
        """The new files of secrets that `encrypt --env` would not find."""
        globs = self.settings.secrets if settings is None else parse_settings(settings).secrets
        own = new.files | frozenset(new.generator_files)
        paths = [copy.path for copy in copies if copy.slots and not copy.literals]
        found = {each.path for each in discover(after, paths=paths, extra=globs)} & own
        return [path for path in paths if path not in found]

    # Decryption and settings.

    def add_decryption(self, naming: Naming) -> Iterator[Decryption]:
        """Give `decryption` to the Kustomizations of the new environment that bring Secrets and have none."""
        name = naming.words(usual_secret(self.source.graph.applied))
        for each in self.source.graph.applied:
            item = each.kustomization
            if not brings_secrets(each) or (item is not None and item.decryption is not None):
                continue
            manifest = each.item.manifest if each.item is not None else None
            path = naming.files.get(item.file) if item is not None else None
            if item is None or manifest is None or path is None or path.endswith("/gotk-sync.yaml"):
                folder = self.draft.shown(new_path(each.folder or "", naming.old, naming.new))
                self.draft.warnings.append(
                    f"the Kustomization that syncs {folder} has no `decryption`: "
                    "without it Flux applies Secrets as ciphertext"
                )
                continue
            block: Data = {"provider": "sops", "secretRef": {"name": name}}
            format_, limits = YamlFormat(), self.session.limits
            document = format_.parse(self.draft.new[path], limits)
            if child(document.parts[manifest.index], "spec", "decryption") is None:
                self.draft.new[path] = set_value(
                    format_, document, ("spec", "decryption"), block, limits, part=manifest.index
                )
                yield Decryption(self.draft.shown(path), naming.words(item.name), name)

    def add_settings(self, naming: Naming, cluster: Cluster) -> bytes | None:
        own = self.settings.environment(self.source.name)
        if own is None and not any(naming.words(glob) != glob for glob in self.settings.secrets):
            return None
        data = self.tree.read(SETTINGS_NAME)
        new = add_settings(data, self.settings, naming, cluster.new, self.tree.limits)
        if own is not None and own.sealing_certificates:
            self.draft.warnings.append(
                f"name the sealing certificates of {self.request.name}'s cluster in {SETTINGS_NAME}"
            )
        if new != data:
            self.draft.write(SETTINGS_NAME, new, old=data)
        return new
