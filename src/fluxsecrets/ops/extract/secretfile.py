"""The Secret that gets extracted values: its file, new or one that is there, encrypted from the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fluxsecrets.errors import FluxsecretsError, FormatError, NotEncryptedError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.files.onlycopy import others_only
from fluxsecrets.ops.files.reencrypt import encrypt_again, open_content
from fluxsecrets.ops.policy.policy import Overrides, policy_for
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.onefile import refuse_read_only
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Data, Document, Entry, Node, find, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Limits, encode_edited
from fluxsecrets.sops.formats.changing import set_value
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.block import render_block


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that a Secret gets.

    Attributes:
        comments: texts, to stand above it. Not in the repr: they may tell something of the value.
    """

    key: str
    text: str = field(repr=False)
    comments: tuple[str, ...] = field(default=(), repr=False)


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

    def written(self, values: Sequence[NewKey], *, kept: bool) -> Written:
        """Return the file with more values.

        Args:
            values: the Secret has none of these keys.
            kept: git has the plain text of the values.

        Raises:
            ConfigError: no creation rule applies to a new file.
            UnprotectedError: nobody here could read the values again, or they would stay plain.
            DataKeyError, ...: an existing file can't be opened or changed; see `reencrypt.open_target`.
        """
        try:
            return self._new(values, kept=kept) if self.part is None else self._extended(values, self.part)
        except FluxsecretsError as error:
            raise error.in_file(self.session.shown(self.tree.root / self.path)) from None

    def _new(self, values: Sequence[NewKey], *, kept: bool) -> Written:
        session = self.session
        policy = policy_for(session, self.tree.root / self.path, Overrides())
        metadata: dict[str, Data] = {"name": self.name}
        if self.namespace is not None:
            metadata["namespace"] = self.namespace
        data: Data = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {each.key: each.text for each in values},
        }
        text = "".join(f"{line}\n" for line in render_block(data, 2)).encode()
        plain = with_comments(text, 0, values, session.limits)
        made = encrypt_content(
            YamlFormat(),
            plain,
            policy,
            session.providers,
            now=session.now(),
            limits=session.limits,
            check=_refuse_invalid,
        )
        others = others_only(
            session, policy.groups, policy.shamir_threshold, dict(policy.names), lambda: kept
        )
        return Written(made.data, plain, names_of(policy.groups, policy.names), (*made.warnings, *others))

    def _extended(self, values: Sequence[NewKey], part: int) -> Written:
        refuse_read_only(self.content)
        opened = open_content(self.session, self.target, self.content)
        format_, limits = opened.file.format, self.session.limits
        plain = opened.file.text()
        for each in values:
            document = format_.parse(plain, limits)
            plain = set_value(format_, document, ("stringData", each.key), each.text, limits, part=part)
        if format_.comment_sign:
            plain = with_comments(plain, part, values, limits)
        made = encrypt_again(self.session, opened, plain)
        again = open_file(format_, made.data, self.session.providers, limits)
        for each in values:
            node = find(again.opened.document.parts[part], ("stringData", each.key))
            if node is None or to_data(node) == each.text:
                raise NotEncryptedError(
                    f"the selector of the file leaves stringData.{each.key} in plain text",
                    path=self.target.shown,
                    hint="name another Secret with --secret NAME",
                )
        warnings = tuple(dict.fromkeys((*opened.warnings, *made.warnings)))
        return Written(made.data, plain, names_of(opened.policy.groups, opened.policy.names), warnings)


def _refuse_invalid(document: Document) -> None:
    """Refuse a new Secret that Kubernetes would not take: its name comes from the manifest."""
    try:
        refuse_invalid(document)
    except FormatError as error:
        error.hint = "choose another name with --secret NAME, or correct the manifest"
        raise


def with_comments(plain: bytes, part: int, values: Iterable[NewKey], limits: Limits) -> bytes:
    """Return a Secret in YAML with comments above keys of its `stringData`, if they fit there."""
    for each in values:
        document = YamlFormat().parse(plain, limits)
        entry = _entry(document.parts[part].get("stringData"), each.key)
        if entry is None or not each.comments:
            continue
        start = document.source.rfind("\n", 0, entry.start) + 1
        indent = document.source[start : entry.start]
        newline = "\r\n" if "\r\n" in document.source else "\n"
        lines = "".join(f"{indent}# {text}{newline}" for text in each.comments)
        if not indent.strip():
            plain = encode_edited(
                document.source, [(start, start, lines)], bom=bool(getattr(document.layout, "bom", False))
            )
    return plain


def _entry(node: Node | None, key: str) -> Entry | None:
    entries = node.entries if isinstance(node, MapNode) else ()
    return next((each for each in entries if isinstance(each, Entry) and each.key == key), None)


def add_to(workspace: Workspace, secret: SecretFile, written: Written) -> None:
    """Note the file's new content."""
    old = None if secret.created else secret.content.data
    workspace.write(secret.path, written.encrypted, old=old)
