"""The new environment's files: copies with other names in them, and without the values of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_kustomization
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Overrides, policy_for
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile, SecretKind
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.values import Value

from .naming import Naming, Renamed
from .values import Blank, Slot, blank, blank_literals, blank_sealed, encoded, fill, refuse_inline_secrets


@dataclass(frozen=True, slots=True)
class Filling:
    """A value to put in.

    Attributes:
        value: it; base64 already where it was copied from under `data`.
        encode: it stands under `data` of a Secret and is not base64 yet.
    """

    value: Value = field(repr=False)
    encode: bool = False

    @property
    def text(self) -> Value:
        """As it is written."""
        return encoded(self.value) if self.encode and isinstance(self.value, str) else self.value


@dataclass(frozen=True, slots=True)
class Copy:
    """One copied file.

    Attributes:
        origin, path: old and new path.
        data: the new content; no value of a secret is in it.
        slots: where values were.
        values: those that are to be copied, by their slot's index. Not in the repr.
        renamed: what should be looked over.
        readable: the same with the comments that were encrypted, for encrypting alone; None where `data`
            has all there is.
        opened: what was decrypted for it, which may not be plain in the new file.
        literals: the slots are literals of a kustomization file, which cannot be encrypted.
        has_encrypted_sealed: SealedSecrets became Secrets.
    """

    origin: str
    path: str
    data: bytes = field(repr=False)
    format: str = "yaml"
    slots: tuple[Slot, ...] = ()
    values: Mapping[int, Value] = field(default_factory=dict, repr=False)
    renamed: tuple[Renamed, ...] = ()
    literals: bool = False
    has_encrypted_sealed: bool = False
    readable: bytes | None = field(default=None, repr=False)
    opened: OpenedFile | None = field(default=None, repr=False)

    def encrypted(self, session: Session, tree: Tree, values: Mapping[int, Filling]) -> bytes:
        """The file with values put in, encrypted by the rule for its new path.

        Raises:
            ConfigError: no rule is for it.
            FluxsecretsError: see `encryption.encrypt_content`.
        """
        try:
            texts = {index: filling.text for index, filling in values.items()}
            text = self.data if self.readable is None else self.readable
            plain = fill(text, self.format, texts, session.limits)
            policy = policy_for(session, tree.root / self.path, Overrides())
            return encrypt_content(
                make_format(self.format, policy.stores),
                plain,
                policy,
                session.providers,
                now=session.now(),
                limits=session.limits,
                previous=self.opened,
                new_key=True,
            ).data
        except FluxsecretsError as error:
            raise error.in_file(session.shown(tree.root / self.path)) from None


class Copies:
    """Makes copies of one environment's files."""

    def __init__(self, session: Session, tree: Tree, naming: Naming, copy_values: bool) -> None:
        self.session = session
        self.tree = tree
        self.naming = naming
        self.copy_values = copy_values

    def copy(self, path: str, verdict: SecretFile | None) -> Copy:
        """A file's copy.

        `verdict` says why the file is a secret; it is None for other files.

        Raises:
            FluxsecretsError: it cannot be read, or a value could not be taken out.
        """
        data = self.tree.read(path)
        if verdict is not None:
            return self.secret(path, data, verdict)
        limits = self.session.limits
        found = Blank(data, ())
        literals = False
        if is_kustomization(path):
            refuse_inline_secrets(data, path, limits)
            found, literals = blank_literals(data, limits), True
        elif path.lower().endswith(MANIFEST_SUFFIXES):
            refuse_inline_secrets(data, path, limits)
            sealed = blank_sealed(data, path, limits)
            if sealed is not None:
                new, renamed = self.named(sealed.data, path)
                return Copy(path, self.naming.files[path], new, slots=sealed.slots, renamed=renamed,
                            has_encrypted_sealed=True)  # fmt: skip
        new, renamed = self.named(found.data, path)
        return Copy(path, self.naming.files[path], new, slots=found.slots, renamed=renamed, literals=literals)

    def secret(self, path: str, data: bytes, verdict: SecretFile) -> Copy:
        """The copy of a file that is a secret; see `copy`."""
        limits, format_name = self.session.limits, verdict.format
        found = blank(data, format_name, limits, every_value=verdict.kind is not SecretKind.MANIFEST)
        values = {slot.index: slot.value for slot in found.slots}
        opened: OpenedFile | None = None
        readable: bytes | None = None
        text = found.data
        sealed = None if make_format(format_name).levels else blank_sealed(text, path, limits)
        if self.copy_values and verdict.encrypted and sealed is None:
            opened = open_file(make_format(format_name), data, self.session.providers, limits)
            readable, values = self.filled(opened, format_name, found)
        slots = found.slots
        if sealed is not None:
            # Positions in the file are others now: all of it has to be filled in by hand.
            text, values = sealed.data, {}
            slots = (*(Slot(-1, slot.key, slot.base64, None) for slot in slots), *sealed.slots)
        new, renamed = self.named(text, path)
        return Copy(
            path,
            self.naming.files[path],
            new,
            format_name,
            slots,
            values if self.copy_values else {},
            renamed,
            has_encrypted_sealed=sealed is not None,
            readable=None if readable is None else self.named(readable, path)[0],
            opened=opened,
        )

    def filled(self, opened: OpenedFile, format_name: str, found: Blank) -> tuple[bytes, dict[int, Value]]:
        """An encrypted file's text without values, but with its comments; and the values."""
        format_ = opened.format
        plain = opened.text()
        leaves = list(format_.parse(plain, self.session.limits).leaves)
        values = {slot.index: leaves[slot.index].value for slot in found.slots}
        blanks = list(format_.parse(found.data, self.session.limits).leaves)
        emptied = {slot.index: blanks[slot.index].value for slot in found.slots}
        return fill(plain, format_name, emptied, self.session.limits), values

    def named(self, data: bytes, path: str) -> tuple[bytes, tuple[Renamed, ...]]:
        """A text with the new names; data that is not text stays as it is."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return data, ()
        if "\0" in text:
            return data, ()
        new, renamed = self.naming.text(text, path)
        return new.encode("utf-8"), renamed
