"""What a tree consists of: which files it has, which of them are secrets, and what kustomize patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.external.model import EXTERNAL_KINDS
from fluxsecrets.marks import OLD_STATE_NAME, is_kustomization
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.repo.discover import SecretFile, SecretKind, Spread, discover
from fluxsecrets.repo.environments import load_environments, unknown_environment
from fluxsecrets.repo.kustomize.kustomizationfile import PatchEntry
from fluxsecrets.repo.kustomize.reading import load_kustomization
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, normalise
from fluxsecrets.sealed.model import KIND as SEALED
from fluxsecrets.sops.formats import format_for_path

from .filtered import filtered_files
from .patches import changes_secrets
from .sources import Source
from .standins import may_stand_in

KINDS = (SEALED, *EXTERNAL_KINDS)


@dataclass(frozen=True, slots=True)
class Patches:
    """What kustomize's patches are about.

    Attributes:
        files: patches in files of their own; true for those whose `target` may be a Secret.
        objects: kinds and names of SealedSecrets and ExternalSecrets that they change; "" for all names.
    """

    files: Mapping[str, bool] = field(default_factory=dict)
    objects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A tree before it is written.

    Attributes:
        source: the state.
        paths: the files that it has.
        secrets: those that are secrets, encrypted or not.
        patches: what kustomize patches.
    """

    source: Source
    paths: tuple[str, ...] = field(repr=False)
    secrets: Mapping[str, SecretFile] = field(repr=False)
    patches: Patches = field(repr=False)

    @property
    def tree(self) -> Tree:
        """Its files."""
        return self.source.tree

    def sizes(self) -> Iterator[int]:
        """The sizes of its files in bytes; of links and unreadable files 0."""
        for path in self.paths:
            try:
                yield self.tree.size(path) or 0
            except FluxsecretsError:
                yield 0


def plan(source: Source, environment: str | None) -> Plan:
    """Find out what a tree consists of.

    Args:
        source: the state.
        environment: only its files, and those that belong to no environment; None for all.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, or there is no such environment.
        GitError: git failed.
    """
    tree = source.tree
    paths = _paths(source, environment)
    # The contents of a commit come from one process of git, which others can't share.
    spread: Spread = partial(run_jobs, chunk=32) if source.state is None else map
    found = {each.path: each for each in discover(tree, paths=frozenset(paths), spread=spread)}
    hidden = {path: _hidden(path) for path in filtered_files(tree, paths) if path not in found}
    return Plan(source, paths, found | hidden, _patches(tree))


def judged_together(plans: Sequence[Plan]) -> tuple[Plan, ...]:
    """Return plans in which a file is a secret if it is encrypted in another one.

    The commit that encrypts a file is compared with the one before, where its values are plain text.
    """
    encrypted = {path: each for plan in plans for path, each in plan.secrets.items() if each.encrypted}
    return tuple(replace(each, secrets={**_before(each, encrypted), **each.secrets}) for each in plans)


def _before(plan: Plan, encrypted: Mapping[str, SecretFile]) -> dict[str, SecretFile]:
    return {
        path: SecretFile(
            path, SecretKind.ENCRYPTED_AT_HEAD, encrypted[path].format, "encrypted in another commit"
        )
        for path in plan.paths
        if path in encrypted and path not in plan.secrets
    }


def _hidden(path: str) -> SecretFile:
    return SecretFile(path, SecretKind.NAMED, format_for_path(path), "git stores it encrypted")


def _paths(source: Source, environment: str | None) -> tuple[str, ...]:
    tree = source.tree
    paths = [path for path in tree.paths if _belongs(path)]
    if environment is None:
        return tuple(paths)
    settings = load_settings(tree)
    found = {each.name: each for each in load_environments(tree, settings)}
    if environment not in found:
        error = unknown_environment(tree, environment, tuple(found))
        error.path = error.path if source.state is None else source.name
        raise error
    chosen = found.pop(environment)
    left = {path for each in found.values() for path in each.files} - chosen.files
    return tuple(path for path in paths if path not in left)


def _belongs(path: str) -> bool:
    """Whether git would make such a path; a crafted commit may hold others."""
    parts = path.split("/")
    return (
        normalise(path) == path
        and parts[0] != OLD_STATE_NAME
        and all(each.lower() != ".git" for each in parts)
    )


def _patches(tree: Tree) -> Patches:
    """Read the kustomization files that may patch a Secret, or what stands for one."""
    files: dict[str, bool] = {}
    objects: dict[tuple[str, str], None] = {}
    for path in filter(is_kustomization, tree.paths):
        for entry in _entries(tree, path):
            kind = entry.target.kind if entry.target is not None else None
            if entry.path is not None:
                path_of = entry.path.path
                files[path_of] = files.get(path_of, False) or changes_secrets(kind)
            objects |= dict.fromkeys(_objects(tree, entry))
    return Patches(files, tuple(objects))


def _entries(tree: Tree, path: str) -> tuple[PatchEntry, ...]:
    if b"patch" not in _read(tree, path):
        return ()
    try:
        return load_kustomization(tree, path).edits
    except FluxsecretsError:
        return ()  # kustomize can't read it either


def _objects(tree: Tree, entry: PatchEntry) -> Iterator[tuple[str, str]]:
    if entry.target is not None and entry.target.kind in KINDS:
        yield entry.target.kind, ""
    elif entry.target is None:
        data = entry.inline.encode() if entry.inline is not None else b""
        if entry.path is not None:
            data = _read(tree, entry.path.path)
        if may_stand_in(data):
            try:
                manifests = read_manifests(data, "", tree.limits).manifests
            except FluxsecretsError:
                return
            yield from ((each.kind, each.name or "") for each in manifests if each.kind in KINDS)


def _read(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path) if path in tree.files and tree.size(path) is not None else b""
    except FluxsecretsError:
        return b""
