"""Convert files in place, with everything that refers to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from fluxsecrets.errors import (
    FluxsecretsError,
    UnprotectedError,
    UsageError,
)
from fluxsecrets.external.model import Reference
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.manifests.comments import CommentMode
from fluxsecrets.ops.manifests.manifestfiles import ANY_KIND, ManifestFiles, find_manifests
from fluxsecrets.ops.manifests.placement import read_placement
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.record import note_file
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files
from fluxsecrets.ops.sealing.certificates import NamedCertificate, announced_certificate, environments_with
from fluxsecrets.sealed.keys import any_opens
from fluxsecrets.sealed.scopes import Scope

from .content import Ways
from .decryption import add_decryption
from .forms import Form
from .onefile import ConvertedFile, ConvertOptions, FileConverter
from .references import rename_references
from .remote import PlannedPush, StoreOptions, Stores, plan_pushes, push_values


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
    conversion = _prepare(converter)
    for planned in conversion.pushes:
        if session.note is not None:
            session.note(f"{'would push to' if request.dry_run else 'pushing to'} {planned.described()}")
    results = conversion.results
    if request.dry_run:
        results = _as_plan(results)
    else:
        _carry_out(converter, conversion)
    return BatchResult((*files.failed, *results), (*files.notes, *conversion.notes))


def _converter(session: Session, files: ManifestFiles, form: Form, request: ConvertRequest) -> FileConverter:
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
    return FileConverter(session, files, options, ways, stores, read_placement(files.tree), same)


@dataclass(frozen=True, slots=True)
class _Conversion:
    """A prepared conversion; nothing is written yet.

    Attributes:
        notes: other changes, and what to do by hand.
        pushes: the values for the stores.
    """

    results: tuple[FileResult, ...]
    notes: tuple[str, ...]
    pushes: tuple[PlannedPush, ...]
    workspace: Workspace = field(repr=False)


def _prepare(converter: FileConverter) -> _Conversion:
    """Prepare new contents for all files, and for files that refer to them.

    Raises:
        UsageError, StoreError: pushed values clash, or a store can't be read.
    """
    results: list[FileResult] = []
    done: list[ConvertedFile] = []
    for path in converter.files.paths:
        found = converter.convert(path)
        if isinstance(found, ConvertedFile):
            done.append(found)
            results.append(found.result)
        elif found is not None:
            results.append(found)
    workspace = Workspace(converter.files.tree)
    for each in done:
        workspace.write(each.new_path, each.new, old=each.old if each.new_path == each.path else None)
        if each.new_path != each.path:
            workspace.remove(each.path, old=each.old)
    notes = [
        f"{converter.shown(each.path)} becomes {each.new_path.rpartition('/')[2]}"
        for each in done
        if each.new_path != each.path
    ]
    renames = {each.path: each.new_path for each in done if each.new_path != each.path}
    notes += rename_references(workspace, renames, converter.shown)
    if converter.options.to is Form.SOPS:
        applied = [item for each in done for item in converter.applied(each.path)]
        notes += add_decryption(
            workspace,
            applied,
            converter.placement.applied,
            converter.options.decryption_secret,
            converter.shown,
        )
    pushes = [push for each in done for push in each.pushes]
    planned = plan_pushes(converter.stores, pushes) if converter.options.push and pushes else ()
    notes += list(converter.stores.notes)
    notes += dict.fromkeys(line for each in done for line in each.creates)
    if converter.options.environment is not None and converter.options.to is not Form.SOPS:
        notes += _generator_note(converter)
    return _Conversion(tuple(results), tuple(notes), planned, workspace)


def _carry_out(converter: FileConverter, conversion: _Conversion) -> None:
    """Push values, then change files. If a store refuses, no file changes.

    Raises:
        UnprotectedError: values in a store would be overwritten, and the request does not allow it.
        StoreError, FileAccessError, UsageError: a push or a change failed.
    """
    clashes = [each for each in conversion.pushes if each.changed]
    if clashes and not converter.options.overwrite:
        raise UnprotectedError(
            "values in the store differ and would be overwritten",
            details=[each.described() for each in clashes],
            hint="check them, then add --overwrite",
        )
    changes = conversion.workspace.changes()
    results = [Prepared(result) for result in conversion.results]
    operation = Operation("convert", place_of_tree(converter.files.tree), changes)
    written: list[PlannedPush] = []
    pushed = False
    try:
        push_values(conversion.pushes, written)
        pushed = True
        write_files(converter.session, results, operation)
    except FluxsecretsError as error:
        if not pushed:
            error.hint = _continuing(error.hint)
        error.details = (*error.details, *_written_lines(written))
        raise
    except BaseException:  # the user or the system ends the run: this is the last chance to say it
        for line in _written_lines(written):
            if converter.session.note is not None:
                converter.session.note(line)
        raise


def _generator_note(converter: FileConverter) -> list[str]:
    """Return a note about an environment's other secrets, which only SOPS supports."""
    name = converter.options.environment
    read = [path for path in converter.generated if name in converter.placement.environments(path)]
    if not read:
        return []
    files = "1 file" if len(read) == 1 else f"{len(read)} files"
    shown = ", ".join(map(converter.shown, sorted(read)))
    return [f"{files} that secretGenerators read stay unchanged: {shown}"]


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


def _written_lines(written: Sequence[PlannedPush]) -> list[str]:
    """Return a line for each key that has new values in a store, though the run did not end well."""
    return [f"already written: {each.place}" for each in written]


def _continuing(hint: str | None) -> str:
    again = "no file was changed; run the same command again to continue: values that are there stay"
    return again if hint is None else f"{hint}; {again}"
