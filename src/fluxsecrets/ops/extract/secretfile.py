"""The Secret that gets extracted values: its file, new or one that is there, encrypted from the start."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.errors import AlreadyEncryptedError, FluxsecretsError, NotEncryptedError, UsageError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.convert.naming import with_sops_marker
from fluxsecrets.ops.files.content import encrypt_content, open_file
from fluxsecrets.ops.files.onlycopy import others_only
from fluxsecrets.ops.files.reencrypt import encrypt_again, open_content
from fluxsecrets.ops.policy.policy import Overrides, policy_for
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import refuse_read_only
from fluxsecrets.repo.manifests import may_hold_secret, read_manifests
from fluxsecrets.repo.tree import Tree, parent
from fluxsecrets.sops.document import Data, find, to_data
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.block import render_block

MAPS = ("data", "stringData")


@dataclass(frozen=True, slots=True)
class Written:
    """The Secret's file with the new keys.

    Attributes:
        encrypted: its new content.
        plain: the same in plain text, for what is proved about it; never written. Not in the repr.
        recipients: names of those who can read it.
    """

    encrypted: bytes = field(repr=False)
    plain: bytes = field(repr=False)
    recipients: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SecretFile:
    """A Secret in a file, which exists or is going to.

    Attributes:
        path: of the file, relative to the root.
        part: its YAML document, from 0; None for a new file.
        keys: that it has.
    """

    session: Session = field(repr=False)
    tree: Tree = field(repr=False)
    path: str
    name: str
    namespace: str | None
    part: int | None = None
    keys: frozenset[str] = frozenset()

    @property
    def created(self) -> bool:
        """Whether the file is new."""
        return self.part is None

    @cached_property
    def target(self) -> Target:
        """The existing file as a target."""
        return select(self.session, [str(self.tree.root / self.path)]).targets[0]

    @cached_property
    def content(self) -> FileContent:
        """The existing file's content, as it must still be when it is written."""
        return read_file(self.target.path, limit=self.session.limits.size)

    def written(self, values: Mapping[str, str], *, kept: bool) -> Written:
        """Return the file with more values.

        Args:
            values: by key; the Secret has none of these keys.
            kept: git has the plain text of the values.

        Raises:
            ConfigError: no creation rule applies to a new file.
            UnprotectedError: nobody here could read the values again, or they would stay plain.
            DataKeyError, ...: an existing file can't be opened or changed; see `reencrypt.open_target`.
        """
        return self._new(values, kept=kept) if self.part is None else self._extended(values, self.part)

    def _new(self, values: Mapping[str, str], *, kept: bool) -> Written:
        session = self.session
        policy = policy_for(session, self.tree.root / self.path, Overrides())
        metadata: dict[str, Data] = {"name": self.name}
        if self.namespace is not None:
            metadata["namespace"] = self.namespace
        data: Data = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": dict(values),
        }
        plain = "".join(f"{line}\n" for line in render_block(data, 2)).encode()
        made = encrypt_content(
            YamlFormat(),
            plain,
            policy,
            session.providers,
            now=session.now(),
            limits=session.limits,
            check=refuse_invalid,
        )
        others = others_only(
            session, policy.groups, policy.shamir_threshold, dict(policy.names), lambda: kept
        )
        return Written(made.data, plain, names_of(policy.groups, policy.names), (*made.warnings, *others))

    def _extended(self, values: Mapping[str, str], part: int) -> Written:
        refuse_read_only(self.content)
        opened = open_content(self.session, self.target, self.content)
        format_, limits = opened.file.format, self.session.limits
        plain = opened.file.text()
        for key, value in values.items():
            document = format_.parse(plain, limits)
            plain = set_value(format_, document, ("stringData", key), value, limits, part=part)
        made = encrypt_again(self.session, opened, plain)
        again = open_file(format_, made.data, self.session.providers, limits)
        for key in values:
            node = find(again.opened.document.parts[part], ("stringData", key))
            if node is None or to_data(node) == values[key]:
                raise NotEncryptedError(
                    f"the selector of the file leaves stringData.{key} in plain text",
                    path=self.target.shown,
                    hint="name another Secret with --secret NAME",
                )
        warnings = tuple(dict.fromkeys((*opened.warnings, *made.warnings)))
        return Written(made.data, plain, names_of(opened.policy.groups, opened.policy.names), warnings)


def choose_secret(
    session: Session,
    tree: Tree,
    manifest: str,
    name: str,
    namespace: str | None,
    to: str | None,
    planned: Collection[str] = (),
) -> SecretFile:
    """Return the file of the Secret for extracted values.

    A Secret of that name in the folder of the manifest is extended. Otherwise a file is made there, with a
    name that a creation rule matches.

    Args:
        session: the run.
        tree: the repository.
        manifest: the path of the manifest, relative to the root.
        name: of the Secret.
        namespace: of the manifest's object, as it is written there.
        to: the file that the user named, relative to the root, or None.
        planned: the files of other Secrets that this run writes.

    Raises:
        UsageError: another object of this run writes the file; or the named file exists and does not have
            the Secret.
        NotEncryptedError: the Secret exists, in plain text.
    """
    places = (
        [to] if to is not None and to in tree.files else [] if to is not None else _beside(tree, manifest)
    )
    for path in places:
        found = _secret_in(session, tree, path, name, namespace)
        if found is not None:
            return _not_planned(found, planned)
    if to is not None:
        if to in tree.files or (tree.root / to).exists():
            raise UsageError(
                f"{session.shown(tree.root / to)} exists and has no Secret {name}",
                hint="name a new file, or the Secret that it has with --secret NAME",
            )
        return _not_planned(SecretFile(session, tree, to, name, namespace), planned)
    path = _new_path(session, tree, manifest, name)
    return _not_planned(SecretFile(session, tree, path, name, namespace), planned)


def _not_planned(found: SecretFile, planned: Collection[str]) -> SecretFile:
    if found.path in planned:
        raise UsageError(
            f"two objects would write their values to {found.session.shown(found.tree.root / found.path)}",
            hint="extract one after the other, with --secret NAME for the second",
        )
    return found


def _beside(tree: Tree, manifest: str) -> list[str]:
    folder = parent(manifest)
    return [
        path
        for path in tree.below(folder)
        if parent(path) == folder and path.lower().endswith(MANIFEST_SUFFIXES)
    ]


def _secret_in(
    session: Session, tree: Tree, path: str, name: str, namespace: str | None
) -> SecretFile | None:
    try:
        data = tree.read(path)
        if not may_hold_secret(data):
            return None
        manifests = read_manifests(data, path, tree.limits).secrets
    except FluxsecretsError:
        return None
    for each in manifests:
        if each.name != name or each.namespace not in (namespace, None):
            continue
        shown = session.shown(tree.root / path)
        if each.in_list:
            raise AlreadyEncryptedError(
                f"the Secret {name} is in a List", path=shown, hint="name another one with --secret NAME"
            )
        if not each.has_sops:
            raise NotEncryptedError(
                f"the Secret {name} is in plain text",
                path=shown,
                hint=f"encrypt it first: `fluxsecrets encrypt {shown}`",
            )
        keys = frozenset(
            key
            for field_name in MAPS
            if isinstance(values := to_data(each.node).get(field_name), dict)  # type: ignore[union-attr]
            for key in values
        )
        return SecretFile(session, tree, path, name, namespace, each.index, keys)
    return None


def _new_path(session: Session, tree: Tree, manifest: str, name: str) -> str:
    """A path for a new Secret: the first of the usual names that a creation rule matches."""
    folder = parent(manifest)
    paths = [
        path
        for path in (posixpath.join(folder, each) for each in _names(name, _beside(tree, manifest)))
        if path not in tree.files and not (tree.root / path).exists()
    ]
    ruled = (path for path in paths if session.rule_for(tree.root / path) is not None)
    return next(ruled, paths[0])


def _names(name: str, beside: Iterable[str]) -> Iterator[str]:
    plain = f"{name}.yaml"
    marked = with_sops_marker(plain)
    marks = any(".sops." in path.rpartition("/")[2] for path in beside)
    yield from (marked, plain) if marks else (plain, marked)
    yield from (f"{name}-secret.yaml", f"{name}-secrets.yaml", f"secret-{name}.yaml")
    yield from (f"{name}.enc.yaml", f"{name}.secret.yaml", "secret.yaml", "secrets.yaml")


def add_to(workspace: Workspace, secret: SecretFile, written: Written) -> None:
    """Note the file's new content."""
    old = None if secret.created else secret.content.data
    workspace.write(secret.path, written.encrypted, old=old)
