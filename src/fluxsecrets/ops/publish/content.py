"""What of a file goes to its destination: the file as it is, a copy for others, or its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

from fluxsecrets.errors import DataKeyError, NotEncryptedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import OpenedFile, check_encrypted, open_parsed, parse, refuse_leftovers
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy, blaming_rule
from fluxsecrets.ops.policy.strangers import accepted, judge
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.config import CreationRule, SopsConfig
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format, make_format
from fluxsecrets.sops.metadata import Metadata

from .destinations import Destination, Found, Upload
from .values import published_values

NOT_OPENED = "none of your identities can open it, so its MAC was not checked"


@dataclass(frozen=True, slots=True)
class Handling:
    """How files are treated where the two programs differ.

    Attributes:
        compare: compare a file's own block with its creation rule, before it is published as it is.
        accept_recipients: go on where it protects less.
        keep_selector: a recreation rule without a selector keeps the file's; else sops's default is used.
        order: kinds of keys to try first, or None.
        names: recipient -> name, from the repository's public keys.
    """

    compare: bool = True
    accept_recipients: bool = False
    keep_selector: bool = True
    order: tuple[str, ...] | None = None
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """What goes to a destination.

    Attributes:
        data: the file or its values; None for a copy, which is made when it is known to be needed.
        recipients: names of those who can open what is published; empty for values.
        values: how many values it has, or None if the file was not opened.
        source: what a copy is made from, as a hash.
        copy: makes the copy, and says what the user should know.
    """

    data: bytes | None = field(repr=False)
    recipients: tuple[str, ...]
    values: int | None
    warnings: tuple[str, ...] = ()
    source: str = ""
    copy: Callable[[], tuple[bytes, tuple[str, ...]]] | None = field(default=None, repr=False)

    def is_at(self, found: Found) -> bool:
        """Whether this is what is at the destination already.

        A copy has another data key each time. So the object says what it was made from, and the mark covers
        the object's own bytes: one that was written by another program has none that fits.
        """
        if found.data is None:
            return False
        if self.data is not None:
            return found.data == self.data
        return found.mark == _mark(self.source, found.data)

    def upload(self) -> tuple[Upload, tuple[str, ...]]:
        """Return what to upload, and warnings.

        Raises:
            RecipientError: a recipient can't be encrypted for.
            UnprotectedError: something that is encrypted in the file would be plain text.
        """
        if self.copy is None:
            return Upload(self.data or b""), ()
        data, warnings = self.copy()
        return Upload(data, _mark(self.source, data)), warnings


def _mark(source: str, data: bytes) -> str:
    return sha256(f"{source} {sha256(data).hexdigest()}".encode()).hexdigest()


def read_content(
    session: Session,
    target: Target,
    config: SopsConfig,
    recreation: CreationRule | None,
    handling: Handling,
    *,
    destination: Destination,
) -> Content:
    """Read a file and check it.

    Args:
        session: the run.
        target: the file.
        config: the configuration with its destination rule.
        recreation: for whom a copy is encrypted; None publishes the file itself.
        handling: see there.
        destination: where it goes.

    Raises:
        NotEncryptedError, IntegrityError: it is plain text, or was changed.
        DataKeyError: it has to be opened, and can't be.
        UnprotectedError: it is encrypted for others than its creation rule names.
        FormatError, MetadataError, LimitError, FileAccessError: it can't be read.
    """
    data = read_file(target.path, limit=session.limits.size).data
    format_ = make_format(target.format, config.stores)
    document = parse(format_, data, session.limits)
    metadata = _encrypted(document, format_)
    open_it = partial(open_parsed, format_, document, session.providers, order=handling.order)
    if destination.takes_values:
        opened = open_it()
        data = published_values(document, opened.parts, exact=destination.keeps_integers)
        return Content(data, (), opened.values, opened.warnings)
    if recreation is not None:
        return _copy(session, open_it(), data, config, recreation, handling)
    return _as_it_is(session, target.path, data, document, metadata, open_it, handling)


def _encrypted(document: Document, format_: Format) -> Metadata:
    """Return the file's `sops` block. Nothing plain leaves: no identity is needed to see that.

    Raises:
        NotEncryptedError, IntegrityError: the file, or a value that should be encrypted, is plain text.
    """
    metadata = document.metadata
    if metadata is None:
        refuse_leftovers(document)
        raise NotEncryptedError(
            "the file is plain text, which is never published",
            hint="encrypt it with `fluxsecrets encrypt FILE`",
        )
    check_encrypted(document, single_value=format_.single_value)
    return metadata


def _as_it_is(
    session: Session,
    path: Path,
    data: bytes,
    document: Document,
    metadata: Metadata,
    open_it: Callable[[], OpenedFile],
    handling: Handling,
) -> Content:
    warnings: list[str] = []
    values = None
    try:
        opened = open_it()
        values = opened.values
        warnings += opened.warnings
    except DataKeyError:  # who publishes need not be able to read
        warnings.append(NOT_OPENED)
    if handling.compare:
        differences = judge(session, path, metadata, document)
        warnings += accepted(differences, handling.names, accept=handling.accept_recipients)
    return Content(data, names_of(metadata.recipients, handling.names), values, tuple(warnings))


def _copy(
    session: Session,
    opened: OpenedFile,
    data: bytes,
    config: SopsConfig,
    recreation: CreationRule,
    handling: Handling,
) -> Content:
    own = opened.metadata
    policy = Policy(
        groups=recreation.key_groups,
        shamir_threshold=recreation.shamir_threshold,
        selector=recreation.selector or (own.selector if handling.keep_selector else None),
        mac_only_encrypted=recreation.mac_only_encrypted,
        names=recreation.names,
        stores=config.stores,
        rule=recreation,
        config_path=config.path,
    )

    def copy() -> tuple[bytes, tuple[str, ...]]:
        with blaming_rule(policy):
            encrypted = encrypt_content(
                opened.format,
                opened.text(),
                policy,
                session.providers,
                now=session.now(),
                limits=session.limits,
                kubernetes=False,  # a bucket is not only for Flux; the file's own selector is right for it
                previous=opened,
                new_key=True,
            )
        return encrypted.data, encrypted.warnings

    protection = (policy.groups, policy.shamir_threshold, policy.selector, policy.mac_only_encrypted)
    source = sha256(data + sha256(repr(protection).encode()).digest()).hexdigest()
    names = names_of(recreation.key_groups, {**handling.names, **recreation.names})
    return Content(None, names, opened.values, opened.warnings, source, copy)
