"""One file in another form: its new content, and what a store has to get. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from fluxsecrets.errors import (
    ConfigError,
    FileAccessError,
    FluxsecretsError,
    FormatError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.external.layout import Placed
from fluxsecrets.external.model import Reference
from fluxsecrets.external.stores import StoreKind, refused_manifest
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.files.onlycopy import GitCopies, others_only, sealed_only
from fluxsecrets.ops.manifests.comments import CommentMode
from fluxsecrets.ops.manifests.manifestfiles import ManifestFiles
from fluxsecrets.ops.manifests.placement import Place, Placement
from fluxsecrets.ops.policy.policy import Overrides, blaming_rule, policy_for
from fluxsecrets.ops.run.names import names_of, post_quantum_warnings, read_public_keys
from fluxsecrets.ops.run.onefile import refuse_read_only
from fluxsecrets.ops.run.results import FileResult, MovedResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.seal import SealOptions, is_secret_part, seal_content
from fluxsecrets.repo.discover import read_generators
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.secretobject import Secret, read_secret
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.scopes import Scope
from fluxsecrets.sops.formats import format_for_path, make_format

from .content import ExternalContent, Revealed, Ways, external_content, refuse_lists, refuse_others, reveal
from .forms import Form
from .keys import place_values
from .naming import renamed, with_sops_marker
from .remote import Push, Stores


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """How to convert Secrets.

    Attributes:
        scope: of SealedSecrets, or None for the one in their annotations.
        plain_others: other objects that SOPS encrypts may become plain text.
        decryption_secret: name of the Secret with the cluster's identity, or None.
        for_others: allow replacing the only copy with a file that nobody here can open.
        controller_key: the certificate's private key is available.
    """

    to: Form
    certificate: Certificate | None = None
    scope: Scope | None = None
    store: Reference | None = None
    key_template: str | None = None
    refresh: str = "1h"
    push: bool = False
    overwrite: bool = False
    comments: CommentMode = CommentMode.CAREFUL
    plain_others: bool = False
    keep_names: bool = False
    decryption_secret: str | None = None
    environment: str | None = None
    for_others: bool = False
    controller_key: bool = False


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """The new content of one file.

    Attributes:
        pushes: the values for a store.
        creates: what the user has to create in a store, one line for each key.
    """

    path: str
    new_path: str
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    result: FileResult
    pushes: tuple[Push, ...] = ()
    creates: tuple[str, ...] = ()


class _Content(NamedTuple):
    """A content in its new form.

    Attributes:
        pushes: the values for a store.
        creates: what the user has to create in a store, one line for each key.
    """

    data: bytes
    result: MovedResult
    pushes: tuple[Push, ...] = ()
    creates: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileConverter:
    """Converts files one by one, with everything that a run looks up once.

    Attributes:
        allowed: other environments whose controller has the same certificate.
    """

    session: Session
    files: ManifestFiles
    options: ConvertOptions
    ways: Ways
    stores: Stores
    placement: Placement
    allowed: frozenset[str] = frozenset()

    @cached_property
    def generated(self) -> Mapping[str, object]:
        """The files that generators read, by path."""
        return read_generators(self.files.tree)[0]

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return read_public_keys(self.files.tree.root)

    @cached_property
    def _copies(self) -> GitCopies:
        return GitCopies()

    def _is_in_git(self, path: str) -> bool:
        """Whether HEAD or the index has the file's current content."""
        return self._copies.has(self.files.tree.repository, self.files.tree.read(path))

    def _is_kept(self, path: str, revealed: Revealed) -> bool:
        """Whether a file's content stays somewhere, unchanged or in plain text."""
        if self.options.for_others or self._is_in_git(path):
            return True
        return self._copies.has(self.files.tree.repository, revealed.plain.text.replaced({}))

    def shown(self, path: str) -> str:
        """A path as messages show it."""
        return self.session.shown(self.files.tree.root / path)

    def convert(self, path: str) -> ConvertedFile | FileResult | None:
        """Make a file's new content; a file that fails or stays says why, and one without Secrets is None."""
        shown = self.shown(path)
        named = path in self.files.named
        try:
            if path in self.generated:
                if named:
                    raise FormatError(
                        "a secretGenerator reads it, and that works with SOPS only",
                        hint="replace the generator with a Secret manifest first",
                    )
                return self._left(shown, "a secretGenerator reads it")
            real = self.files.tree.root.resolve() / path
            content = read_file(real, limit=self.session.limits.size)
            refuse_read_only(content)
            return self._content(path, shown, content.data, named=named)
        except FluxsecretsError as error:
            if error.path is None or error.path == str(self.files.tree.root.resolve() / path):
                error.path = shown
            return FileResult(shown, Outcome.FAILED, error=error)

    def _content(
        self, path: str, shown: str, data: bytes, *, named: bool
    ) -> ConvertedFile | FileResult | None:
        to = self.options.to
        refuse_lists(data, path)
        revealed = reveal(self.session, data, path, to, self.ways)
        if not revealed.forms:
            if named:
                raise FormatError("it contains no Secret in any form", hint="name a file with one")
            return None
        if revealed.count == 0:
            return FileResult(shown, Outcome.UNCHANGED)
        shared = (
            self.placement.shared(path, self.options.environment, self.allowed) if to is Form.SEALED else None
        )
        if shared is not None and self.options.environment is not None:
            return self._left(shown, shared)
        if not self.options.plain_others:
            refuse_others(revealed)
        new_path = self._new_path(path)
        new = self._converted(path, new_path, revealed)
        result = replace(
            new.result,
            path=shown,
            warnings=new.result.warnings if shared is None else (*new.result.warnings, shared),
            before=tuple(str(form) for form in revealed.forms if form is not to),
            after=str(to),
            renamed=new_path.rpartition("/")[2] if new_path != path else None,
            handovers=revealed.handovers,
        )
        return ConvertedFile(path, new_path, data, new.data, result, new.pushes, new.creates)

    def _converted(self, path: str, new_path: str, revealed: Revealed) -> _Content:
        to, options = self.options.to, self.options
        places = self.placement.of(path)
        if to is Form.SEALED:
            assert options.certificate is not None  # noqa: S101 - the request was checked before
            seal = SealOptions(
                options.certificate,
                options.scope,
                comments=options.comments,
                places=places,
                leave_empty=True,
                allow_invalid=True,  # another form does not make it worse
            )
            sealed = seal_content(revealed.plain, seal)
            assert sealed is not None  # noqa: S101 - there is a Secret in it
            if not options.controller_key:
                sealed_only(lambda: self._is_kept(path, revealed), "commit the file first")
            places_of = tuple(str(scope) for scope in sealed.scopes)
            return _Content(sealed.data, _moved(sealed.values, sealed.warnings, places=places_of))
        if to is Form.EXTERNAL:
            return self._external(path, revealed, places)
        plain = revealed.plain.text.replaced({})
        values = sum(len(each.values) for each in _secrets(revealed))
        if to is Form.PLAIN:
            return _Content(plain, _moved(values))
        session = self.session
        policy = policy_for(session, self.files.tree.root / new_path, Overrides())
        with blaming_rule(policy):
            encrypted = encrypt_content(
                make_format(format_for_path(new_path), policy.stores),
                plain,
                policy,
                session.providers,
                now=session.now(),
                limits=session.limits,
                previous=revealed.plain.opened,
                new_key=True,
            )
        names = {**self._names, **policy.names}
        others = others_only(
            session, policy.groups, policy.shamir_threshold, names, lambda: self._is_kept(path, revealed)
        )
        warnings = (
            *encrypted.warnings,
            *post_quantum_warnings(policy.groups, policy.shamir_threshold, self._names),
            *others,
        )
        who = names_of(policy.groups, names)
        return _Content(encrypted.data, _moved(encrypted.values, warnings, recipients=who))

    def _external(self, path: str, revealed: Revealed, places: Mapping[int, Place]) -> _Content:
        options = self.options
        store = options.store
        if store is None:
            raise ConfigError("no store is named", hint="add --store NAME")
        kind = self.stores.kind(store)
        if options.push and kind.name and kind.open is None:
            raise refused_manifest(kind)
        if not options.push and not self._is_in_git(path):
            raise UnprotectedError(
                "its values would be lost: they are not pushed, and git does not have this content",
                hint="commit the file first" if kind.open is None else "add --push, or commit the file first",
            )
        namespaces = {each for place in places.values() for each in place.namespaces}
        environment = self._environment(path)
        found = external_content(
            revealed.plain,
            store=store,
            place=lambda secret: self._places(secret, kind, namespaces, environment),
            comments=options.comments,
            refresh=options.refresh,
        )
        pushes = tuple(Push(store, key, values) for key, values in found.pushes.items())
        content = found.content
        warnings = content.warnings
        if not options.push:
            warnings = (*warnings, "nothing was pushed: its values are only in git's history")
        shown = tuple(found.pushes) if not kind.single else ()
        moved = _moved(content.values, warnings, places=shown)
        creates = _creates(kind, found) if kind.name and kind.open is None else ()
        return _Content(content.data, moved, pushes, creates)

    def _environment(self, path: str) -> str:
        """Return the environment for a file's keys in the store, or "".

        Raises:
            UsageError: several environments use the file, and each would need its own key.
        """
        used = self.placement.environments(path)
        if len(used) > 1 and "{environment}" in (self.options.key_template or ""):
            raise UsageError(
                f"{' and '.join(used)} share this file, and with {{environment}} in --key-template each "
                "would need another key in it",
                hint="leave out {environment} for this file, or give each environment a file of its own",
            )
        return self.options.environment or (used[0] if len(used) == 1 else "")

    def _places(
        self, secret: Secret, kind: StoreKind, namespaces: set[str], environment: str
    ) -> dict[str, Placed]:
        given = next(iter(namespaces)) if len(namespaces) == 1 else ""
        places = {
            "namespace": secret.namespace or given,
            "name": secret.name,
            "environment": environment,
        }
        return place_values(secret, kind, self.options.key_template, places)

    def _new_path(self, path: str) -> str:
        if self.options.keep_names:
            return path
        new = renamed(path, self.options.to)
        if self.options.to is Form.SOPS and new != path and not self._has_rule(new):
            marked = with_sops_marker(new)
            new = marked if self._has_rule(marked) else new
        if new != path and (self.files.tree.root / new).exists():
            raise FileAccessError(
                f"its new name would be {new}, but that file exists",
                hint="move one of them, or add --keep-names",
            )
        return new

    def _has_rule(self, path: str) -> bool:
        return self.session.rule_for(self.files.tree.root / path) is not None

    def applied(self, path: str) -> list[Applied]:
        """What applies a file, in each environment."""
        return [item for place in self.placement.of(path).values() for item in place.applied]

    @staticmethod
    def _left(shown: str, reason: str) -> FileResult:
        return FileResult(shown, Outcome.LEFT, warnings=(f"unchanged: {reason}",))


def _creates(kind: StoreKind, found: ExternalContent) -> tuple[str, ...]:
    """Return what to create in a store that nobody here can push to. No values."""
    lines = []
    for key, values in found.pushes.items():
        names = [f"{name} in base64" if (key, name) in found.encoded else name for name in values]
        lines.append(f"create in {kind.title}: {key}: {', '.join(names)}")
    return tuple(lines)


def _moved(
    values: int,
    warnings: tuple[str, ...] = (),
    *,
    recipients: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
) -> MovedResult:
    return MovedResult("", Outcome.CONVERTED, values, recipients, warnings, places=places)


def _secrets(revealed: Revealed) -> list[Secret]:
    return [read_secret(part) for part in revealed.plain.text.parts if is_secret_part(part)]
