"""Convert files in place, with everything that refers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
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
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.manifests.comments import CommentMode
from fluxsecrets.ops.manifests.manifestfiles import ANY_KIND, ManifestFiles, find_manifests
from fluxsecrets.ops.manifests.placement import Place, Placement, read_placement
from fluxsecrets.ops.policy.policy import Overrides, blaming_rule, policy_for
from fluxsecrets.ops.run.names import names_of, post_quantum_warnings, read_public_keys
from fluxsecrets.ops.run.onefile import refuse_interrupted, refuse_read_only
from fluxsecrets.ops.run.record import note_file
from fluxsecrets.ops.run.results import BatchResult, FileResult, MovedResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files
from fluxsecrets.ops.sealing.certificates import NamedCertificate, announced_certificate, environments_with
from fluxsecrets.ops.sealing.seal import SealOptions, is_secret_part, seal_content
from fluxsecrets.repo.discover import read_generators
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.secretobject import Secret, read_secret
from fluxsecrets.sealed.certificates import Certificate
from fluxsecrets.sealed.keys import any_opens
from fluxsecrets.sealed.scopes import Scope
from fluxsecrets.sops.formats import format_for_path, make_format

from .content import ExternalContent, Revealed, Ways, external_content, refuse_lists, refuse_others, reveal
from .decryption import add_decryption
from .forms import Form
from .keys import place_values
from .naming import renamed, with_sops_marker
from .references import rename_references
from .remote import PlannedPush, Push, StoreOptions, Stores, plan_pushes, push_values


@dataclass(frozen=True, slots=True)
class ConvertRequest:
    """What to convert, and how: the parameters of the command.

    Attributes:
        cert: file or URL of the certificate to seal for, or None for the environment's.
        key_template: or None for the one of the store's kind.
        provider: the store's kind, if no manifest has it.
        mount, region, project, vault: the store's settings, if no manifest has them.
    """

    form: str | None
    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    cert: str | None = None
    private_keys: tuple[Path, ...] = ()
    scope: str | None = None
    store: str | None = None
    store_kind: str = "ClusterSecretStore"
    key_template: str | None = None
    refresh: str = "1h"
    push: bool = False
    overwrite: bool = False
    provider: str | None = None
    mount: str | None = None
    region: str | None = None
    project: str | None = None
    vault: str | None = None
    comments: str = CommentMode.CAREFUL
    plain_others: bool = False
    keep_names: bool = False
    decryption_secret: str | None = None
    for_others: bool = False
    dry_run: bool = False


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


def convert(session: Session, request: ConvertRequest) -> BatchResult:
    """Convert Secrets in place. All files are prepared before the first one changes.

    Raises:
        UsageError: nothing was named, or an interrupted operation must be completed first.
        UnprotectedError: values in a store would be overwritten, and the request does not allow it.
        FluxsecretsError: files, certificates, keys or stores can't be read or written.
    """
    if request.form is None:
        raise UsageError("the target form is missing", hint=f"--to is one of {', '.join(Form)}")
    files = find_manifests(
        session, request.paths, request.environment, ANY_KIND, everything=request.everything
    )
    refuse_interrupted((files.tree.root / "-",))
    converter = _converter(session, files, Form(request.form), request)
    conversion = converter.prepare()
    for planned in conversion.pushes:
        if session.note is not None:
            session.note(f"{'would push to' if request.dry_run else 'pushing to'} {planned.described()}")
    results = conversion.results
    if request.dry_run:
        results = _as_plan(results)
    else:
        converter.carry_out(conversion)
    return BatchResult((*files.failed, *results), (*files.notes, *conversion.notes))


def _converter(session: Session, files: ManifestFiles, form: Form, request: ConvertRequest) -> Converter:
    found: NamedCertificate | None = None
    same, opens = frozenset[str](), False
    cert, environment = request.cert, request.environment
    if form is Form.SEALED:
        found = announced_certificate(
            session, files.tree, cert=cert, environment=environment, files=files.paths
        )
        same = environments_with(session, files.tree, found)
        opens = any_opens(load_keys(session, request.private_keys, required=False), found.certificate.key)
    if form is Form.EXTERNAL and not request.store:
        raise UsageError("--to external needs a store", hint="name it with --store NAME")
    options = ConvertOptions(
        form,
        found.certificate if found is not None else None,
        Scope(request.scope) if request.scope else None,
        Reference(request.store_kind, request.store) if request.store else None,
        request.key_template,
        request.refresh,
        request.push,
        request.overwrite,
        CommentMode(request.comments),
        request.plain_others,
        request.keep_names,
        request.decryption_secret,
        environment,
        request.for_others,
        opens,
    )
    stores = Stores(session.environ, files.tree, StoreOptions(request.provider, _store_settings(request)))
    ways = Ways(cache(lambda: load_keys(session, request.private_keys)), stores.open)
    return Converter(session, files, options, ways, stores, read_placement(files.tree), same)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A prepared conversion; nothing is written yet.

    Attributes:
        notes: other changes, and what to do by hand.
        pushes: the values for the stores.
    """

    results: tuple[FileResult, ...]
    notes: tuple[str, ...]
    pushes: tuple[PlannedPush, ...]
    workspace: Workspace = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Done:
    """The new content of one file."""

    path: str
    new_path: str
    old: bytes = field(repr=False)
    new: bytes = field(repr=False)
    result: FileResult
    pushes: tuple[Push, ...] = ()
    creates: tuple[str, ...] = ()


class _Converted(NamedTuple):
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
class Converter:
    """A run of `convert`, with everything that it looks up once.

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
    def _generated(self) -> Mapping[str, object]:
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

    def prepare(self) -> Conversion:
        """Prepare new contents for all files, and for files that refer to them.

        Raises:
            UsageError, StoreError: pushed values clash, or a store can't be read.
        """
        results: list[FileResult] = []
        done: list[_Done] = []
        for path in self.files.paths:
            found = self._file(path)
            if isinstance(found, _Done):
                done.append(found)
                results.append(found.result)
            elif found is not None:
                results.append(found)
        workspace = Workspace(self.files.tree)
        for each in done:
            workspace.write(each.new_path, each.new, old=each.old if each.new_path == each.path else None)
            if each.new_path != each.path:
                workspace.remove(each.path, old=each.old)
        notes = [
            f"{self._shown(each.path)} becomes {each.new_path.rpartition('/')[2]}"
            for each in done
            if each.new_path != each.path
        ]
        renames = {each.path: each.new_path for each in done if each.new_path != each.path}
        notes += rename_references(workspace, renames, self._shown)
        if self.options.to is Form.SOPS:
            applied = [item for each in done for item in self._applied(each.path)]
            notes += add_decryption(
                workspace, applied, self.placement.applied, self.options.decryption_secret, self._shown
            )
        pushes = [push for each in done for push in each.pushes]
        planned = plan_pushes(self.stores, pushes) if self.options.push and pushes else ()
        notes += list(self.stores.notes)
        notes += dict.fromkeys(line for each in done for line in each.creates)
        if self.options.environment is not None and self.options.to is not Form.SOPS:
            notes += self._generator_note()
        return Conversion(tuple(results), tuple(notes), planned, workspace)

    def carry_out(self, conversion: Conversion) -> None:
        """Push values, then change files. If a store refuses, no file changes.

        Raises:
            UnprotectedError: values in a store would be overwritten, and the request does not allow it.
            StoreError, FileAccessError, UsageError: a push or a change failed.
        """
        clashes = [each for each in conversion.pushes if each.changed]
        if clashes and not self.options.overwrite:
            raise UnprotectedError(
                "values in the store differ and would be overwritten",
                details=[each.described() for each in clashes],
                hint="check them, then add --overwrite",
            )
        changes = conversion.workspace.changes()
        results = [Prepared(result) for result in conversion.results]
        operation = Operation("convert", place_of_tree(self.files.tree), changes)
        written: list[PlannedPush] = []
        pushed = False
        try:
            push_values(conversion.pushes, written)
            pushed = True
            write_files(self.session, results, operation)
        except FluxsecretsError as error:
            if not pushed:
                error.hint = _continuing(error.hint)
            error.details = (*error.details, *_written_lines(written))
            raise
        except BaseException:  # the user or the system ends the run: this is the last chance to say it
            for line in _written_lines(written):
                if self.session.note is not None:
                    self.session.note(line)
            raise

    def _shown(self, path: str) -> str:
        return self.session.shown(self.files.tree.root / path)

    def _generator_note(self) -> list[str]:
        """Return a note about an environment's other secrets, which only SOPS supports."""
        name = self.options.environment
        read = [path for path in self._generated if name in self.placement.environments(path)]
        if not read:
            return []
        files = "1 file" if len(read) == 1 else f"{len(read)} files"
        shown = ", ".join(map(self._shown, sorted(read)))
        return [f"{files} that secretGenerators read stay unchanged: {shown}"]

    # One file

    def _file(self, path: str) -> _Done | FileResult | None:
        shown = self._shown(path)
        named = path in self.files.named
        try:
            if path in self._generated:
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

    def _content(self, path: str, shown: str, data: bytes, *, named: bool) -> _Done | FileResult | None:
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
        return _Done(path, new_path, data, new.data, result, new.pushes, new.creates)

    def _converted(self, path: str, new_path: str, revealed: Revealed) -> _Converted:
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
            return _Converted(sealed.data, _moved(sealed.values, sealed.warnings, places=places_of))
        if to is Form.EXTERNAL:
            return self._external(path, revealed, places)
        plain = revealed.plain.text.replaced({})
        values = sum(len(each.values) for each in _secrets(revealed))
        if to is Form.PLAIN:
            return _Converted(plain, _moved(values))
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
        return _Converted(encrypted.data, _moved(encrypted.values, warnings, recipients=who))

    def _external(self, path: str, revealed: Revealed, places: Mapping[int, Place]) -> _Converted:
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
        return _Converted(content.data, moved, pushes, creates)

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

    def _applied(self, path: str) -> list[Applied]:
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


def _store_settings(request: ConvertRequest) -> dict[str, str]:
    given = {
        "mount": request.mount,
        "region": request.region,
        "project": request.project,
        "vault": request.vault,
    }
    return {name: text for name, text in given.items() if text is not None}


def _as_plan(results: Sequence[FileResult]) -> tuple[FileResult, ...]:
    """Return the results as those of a dry run."""
    planned = tuple(
        replace(each, outcome=Outcome.WOULD_CONVERT) if each.outcome is Outcome.CONVERTED else each
        for each in results
    )
    for result in planned:
        note_file(result)
    return planned


def _moved(
    values: int,
    warnings: tuple[str, ...] = (),
    *,
    recipients: tuple[str, ...] = (),
    places: tuple[str, ...] = (),
) -> MovedResult:
    return MovedResult("", Outcome.CONVERTED, values, recipients, warnings, places=places)


def _written_lines(written: Sequence[PlannedPush]) -> list[str]:
    """Return a line for each key that has new values in a store, though the run did not end well."""
    return [f"already written: {each.place}" for each in written]


def _continuing(hint: str | None) -> str:
    again = "no file was changed; run the same command again to continue: values that are there stay"
    return again if hint is None else f"{hint}; {again}"


def _secrets(revealed: Revealed) -> list[Secret]:
    return [read_secret(part) for part in revealed.plain.text.parts if is_secret_part(part)]
