"""The content of an environment: its Kustomizations, and how each Secret is protected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.flux.release import Release, find_release
from fluxsecrets.ops.run.names import names_of, read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import discover
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.environments import (
    Environment,
    list_environments,
    load_environments,
    shared_files,
    unknown_environment,
)
from fluxsecrets.repo.envnames import as_name
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import dig, is_reference
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.othertools import OtherUse, find_uses, notes_of
from fluxsecrets.repo.perobject import PerObject
from fluxsecrets.repo.references import Provision, Use, provisions, uses
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.survey import Suggestion, Survey, survey
from fluxsecrets.repo.tree import Note, Tree, open_tree
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import parse_metadata


class Protection(StrEnum):
    """What protects a Secret's values from readers of the repository."""

    SOPS = "sops"
    SEALED = "sealed"
    EXTERNAL = "external"
    CLUSTER = "cluster"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """One Secret, or one file, of an environment.

    Attributes:
        name, namespace: of the Secret; the namespace may be None. A file outside Flux has no name.
        protection: of its values; `cluster` is created there and in no file, `plain` is not protected.
        path, line: where it is written or used; the file as the user would name it.
        files: the source files of a generated Secret.
        recipients: names or shortened keys of its recipients.
        shared: other environments with this file.
    """

    name: str | None
    namespace: str | None
    protection: Protection
    path: str
    line: int | None
    files: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownKustomization:
    """One Kustomization of an environment, in dependency order.

    Attributes:
        name, namespace: None for a root that nothing in the repository syncs.
        parent: index in the list of the Kustomization that applies it; None for the root.
        folder: the folder that it applies, or None if it is not followed.
        decryption: the name of its decryption Secret; "" for the controller's own keys; None without any.
        service_account: the one whose role it decrypts with, for keys that services hold; or None.
        suspended, remote: Flux skips it; it is applied to another cluster.
    """

    name: str | None
    namespace: str | None
    parent: int | None
    folder: str | None
    decryption: str | None
    service_account: str | None
    depends_on: tuple[str, ...]
    suspended: bool
    remote: bool
    reason: str | None
    path: str | None
    line: int | None
    secrets: tuple[ShownSecret, ...]


@dataclass(frozen=True, slots=True)
class ShownEnvironment:
    """An environment.

    Attributes:
        kustomizations: the root first, each after its dependencies.
        outside: its files that Flux does not apply.
        missing: Secrets that are used, but that nothing in the repository creates.
        release: the version of Flux of its cluster, and what says so; None where nothing does.
    """

    name: str
    root: str
    kustomizations: tuple[ShownKustomization, ...]
    outside: tuple[ShownSecret, ...] = ()
    missing: tuple[ShownSecret, ...] = ()
    notes: tuple[Note, ...] = ()
    others: tuple[str, ...] = field(default=(), compare=False)
    release: Release | None = None

    @property
    def secrets(self) -> Iterator[ShownSecret]:
        """The Secrets of all Kustomizations."""
        return (secret for each in self.kustomizations for secret in each.secrets)

    def count(self, protection: Protection) -> int:
        """Return the number of Secrets with a protection."""
        return sum(secret.protection is protection for secret in self.secrets)


def show_environments(session: Session, name: str | None = None) -> tuple[ShownEnvironment, ...]:
    """Return all environments of the repository, or the named one. This needs no identity.

    Raises:
        ConfigError: the name is unknown, or the settings are invalid.
        GitError: git can't work in the repository.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    settings = load_settings(tree)
    if name is not None:
        names = tuple(root.name for root in list_environments(tree, settings))
        if name not in names:
            raise unknown_environment(tree, name, names)
    return shown_environments(session, tree, load_environments(tree, settings), name)


def shown_environments(
    session: Session, tree: Tree, environments: tuple[Environment, ...], name: str | None = None
) -> tuple[ShownEnvironment, ...]:
    """Return environments that were found before; with all of them, it is known which files are shared.

    Args:
        session: the run.
        tree: the repository.
        environments: all of them.
        name: of the only one that is returned; None returns all.
    """
    wanted = tuple(each for each in environments if name in (None, each.name))
    viewer = _Viewer(session, tree, environments, wanted, read_public_keys(tree.root))
    return tuple(map(viewer.environment, wanted))


@dataclass(frozen=True, slots=True)
class Suggested:
    """Environments for `.fluxsecrets.yaml`.

    Attributes:
        environments: those that it does not name.
        seen: what there is instead, if no environment was found.
        begun: it has a list of environments already.
        unmodelled: what tools other than Flux make of files.
    """

    environments: tuple[Suggestion, ...]
    seen: Survey | None
    begun: bool
    unmodelled: tuple[Note, ...] = ()


def suggest_environments(session: Session) -> Suggested:
    """Return environments to be named in the settings: those that were found, or folders that may be some.

    Raises:
        ConfigError: the settings are invalid.
        GitError: git can't work in the repository.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    settings = load_settings(tree)
    named = {each.name for each in settings.environments}
    roots = list_environments(tree, settings)
    if not roots:
        seen = survey(tree)
        return Suggested(seen.suggestions, seen, begun=False, unmodelled=seen.others)
    found = (Suggestion(as_name(each.name), each.path, "") for each in roots if each.name not in named)
    return Suggested(tuple(found), None, bool(named), notes_of(find_uses(tree)))


def look_around(session: Session) -> Survey:
    """Return what a repository without environments has instead.

    Raises:
        GitError: git can't work in the repository.
    """
    return survey(open_tree(session.cwd, limits=session.limits))


class _Viewer:
    """Reads the Secrets of environments, each file once."""

    def __init__(
        self,
        session: Session,
        tree: Tree,
        environments: tuple[Environment, ...],
        wanted: tuple[Environment, ...],
        names: Mapping[str, str],
    ) -> None:
        self.session = session
        self.tree = tree
        self.environments = environments
        self.names = names
        self.settings = load_settings(tree)
        self.uses = find_uses(tree)
        self.files: dict[str, tuple[Protection, tuple[str, ...]]] = {}
        self.uses_of = PerObject(uses)
        self.provisions_of = PerObject(provisions)
        self.shared_by = shared_files(environments)
        self.to_protect = _to_protect(tree, wanted)

    def environment(self, environment: Environment) -> ShownEnvironment:
        applied = environment.graph.applied
        objects = [item for each in applied for item in each.objects]
        wanted = [(item, use) for item in objects for use in self.uses_of(item) if use.kind == "Secret"]
        used = {(use.namespace, use.name) for _, use in wanted}
        made = {
            (each.namespace, each.name)
            for item in objects
            for each in self.provisions_of(item)
            if each.kind == "Secret" and each.how != "cluster"
        }
        left_to_operators = used - made
        # Of several with the same key, the first one counts
        places = {each.key: index for index, each in reversed([*enumerate(applied)])}
        return ShownEnvironment(
            environment.name,
            environment.root_path,
            tuple(self.kustomization(environment, each, places, left_to_operators) for each in applied),
            tuple(
                self.file(environment, path)
                for path in sorted(environment.outside | (environment.placed & self.to_protect))
            ),
            tuple(self.missing(environment, wanted)),
            tuple(
                Note(self.shown(note.path), note.line, note.message, note.warning)
                for note in (*environment.notes, *notes_of(self.uses_in(environment)))
            ),
            tuple(each.name for each in self.environments if each.name != environment.name),
            self.release(environment),
        )

    def uses_in(self, environment: Environment) -> Iterator[OtherUse]:
        return (use for use in self.uses if use.path in environment.files)

    def release(self, environment: Environment) -> Release | None:
        found = find_release(environment.graph, environment.name, self.settings, self.session.flux_version)
        return None if found is None or found.file is None else replace(found, file=self.shown(found.file))

    def kustomization(
        self,
        environment: Environment,
        applied: Applied,
        places: Mapping[tuple[str | None, str] | None, int],
        left_to_operators: set[tuple[str | None, str]],
    ) -> ShownKustomization:
        item = applied.kustomization
        parent = places.get(applied.parent) if applied.key is not None else None
        decryption = item.decryption if item is not None else None
        return ShownKustomization(
            name=item.name if item is not None else None,
            namespace=item.namespace if item is not None else None,
            parent=parent,
            folder=applied.folder,
            decryption=None if decryption is None else decryption.secret or "",
            service_account=None if decryption is None else decryption.service_account,
            depends_on=tuple(
                f"{namespace}/{name}" if namespace not in (None, item.namespace) else name
                for namespace, name in item.depends_on
            )
            if item is not None
            else (),
            suspended=item.suspend if item is not None else False,
            remote=item.remote if item is not None else False,
            reason=applied.reason,
            path=self.shown(item.file) if item is not None else None,
            line=item.line if item is not None else None,
            secrets=tuple(self.secrets(environment, applied, left_to_operators)),
        )

    def secrets(
        self, environment: Environment, applied: Applied, left_to_operators: set[tuple[str | None, str]]
    ) -> Iterator[ShownSecret]:
        for item in applied.objects:
            for made in self.provisions_of(item):
                # An operator's possible Secret counts if something uses it and nothing else creates it.
                key = (made.namespace, made.name)
                if made.kind == "Secret" and (made.how != "cluster" or key in left_to_operators):
                    yield self.secret(environment, item, made)

    def secret(self, environment: Environment, item: Object, made: Provision) -> ShownSecret:
        protection, recipients = self.protection(item, made)
        files = item.generated.files if item.generated is not None else ()
        return ShownSecret(
            made.name,
            made.namespace,
            protection,
            self.shown(item.file),
            made.line,
            tuple(self.shown(path) for path in files),
            recipients,
            self.shared(environment, (item.file, *files)),
        )

    def protection(self, item: Object, made: Provision) -> tuple[Protection, tuple[str, ...]]:
        if made.how == "generated" and item.generated is not None:
            looks = [self.look(path) for path in item.generated.files]
            if item.generated.literals or any(each is not Protection.SOPS for each, _ in looks):
                return Protection.PLAIN, ()
            return Protection.SOPS, tuple(dict.fromkeys(name for _, names in looks for name in names))
        if made.how == "sops":
            block = dig(item.data, "sops")
            return Protection.SOPS, self.recipients(block if isinstance(block, dict) else {}, item.file)
        if made.how == "plain" and not _holds_values(item):
            # For example a token that the cluster fills in, or a reference that something there resolves
            return (Protection.EXTERNAL if made.keys else Protection.CLUSTER), ()
        return _PROTECTIONS.get(made.how, Protection.PLAIN), ()

    def look(self, path: str) -> tuple[Protection, tuple[str, ...]]:
        """Read a file that is a value, or only values."""
        if path not in self.files:
            self.files[path] = self._look(path)
        return self.files[path]

    def _look(self, path: str) -> tuple[Protection, tuple[str, ...]]:
        try:
            data = self.tree.read(path)
            name = detect_encryption(data, path)
            if name is None:
                return Protection.PLAIN, ()
            metadata = make_format(name).parse(data, self.session.limits).metadata
        except FluxsecretsError:
            return Protection.PLAIN, ()
        groups = metadata.recipients if metadata is not None else ()
        return Protection.SOPS, names_of(groups, self.names_for(path))

    def recipients(self, block: Mapping[str, object], path: str) -> tuple[str, ...]:
        try:
            return names_of(parse_metadata(block).recipients, self.names_for(path))
        except FluxsecretsError:
            return ()

    def names_for(self, path: str) -> Mapping[str, str]:
        """Return names from the rule for a file, then those from `keys/`."""
        try:
            rule = self.session.rule_for(self.tree.root / path)
        except FluxsecretsError:
            return self.names
        return {**(rule.names if rule is not None else {}), **self.names}

    def file(self, environment: Environment, path: str) -> ShownSecret:
        protection, recipients = self.look(path)
        shared = self.shared(environment, (path,))
        return ShownSecret(
            None, None, protection, self.shown(path), None, recipients=recipients, shared=shared
        )

    def missing(self, environment: Environment, wanted: list[tuple[Object, Use]]) -> Iterator[ShownSecret]:
        """Return Secrets that are certainly used but in no file: the cluster must get them elsewhere."""
        made = {
            (each.namespace, each.name)
            for _, item in environment.graph.objects
            for each in self.provisions_of(item)
            if each.kind == "Secret"
        }
        nowhere = {name for namespace, name in made if namespace is None}
        seen: set[tuple[str | None, str]] = set()
        for item, use in wanted:
            key = (use.namespace, use.name)
            if use.likely or use.optional or "${" in use.name or key in seen:
                continue
            if key in made or use.name in nowhere or use.namespace is None:
                continue
            seen.add(key)
            place = self.shown(item.file)
            yield ShownSecret(use.name, use.namespace, Protection.CLUSTER, place, use.line)

    def shared(self, environment: Environment, paths: tuple[str, ...]) -> tuple[str, ...]:
        names = {name for path in paths for name in self.shared_by.get(path, ())}
        return tuple(sorted(names - {environment.name}))

    def shown(self, path: str) -> str:
        return self.session.shown(self.tree.root / path)


def _to_protect(tree: Tree, environments: tuple[Environment, ...]) -> frozenset[str]:
    """Return the files that are to be protected among those that are there by their place."""
    placed = frozenset[str]().union(*(each.placed for each in environments))
    return frozenset(each.path for each in discover(tree, paths=placed)) if placed else placed


def _holds_values(item: Object) -> bool:
    """Whether a Secret's values are in plain text, in its manifest or in a patch."""
    if item.manifest is not None and item.manifest.has_data:
        return True
    parts = [dig(item.data, part) for part in ("data", "stringData")] if item.patched_by else []
    values = [value for part in parts if isinstance(part, dict) for value in part.values()]
    return any(value not in (None, "") and not is_reference(value) for value in values)


_PROTECTIONS = {
    "sealed": Protection.SEALED,
    "external": Protection.EXTERNAL,
    "certificate": Protection.CLUSTER,
    "cluster": Protection.CLUSTER,
}
