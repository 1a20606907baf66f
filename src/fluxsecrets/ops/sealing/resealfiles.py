"""Seal files again in one operation. Values that can't be opened are reported, and stay unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.manifests.manifestfiles import SEALED, find_manifests
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.results import BatchResult, FileResult, MovedResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import Operation, place_of_tree, replacing, write_files
from fluxsecrets.sealed.scopes import parse_scope

from .certificates import announced_certificate
from .reseal import Resealing, reseal_content


@dataclass(frozen=True, slots=True)
class ResealRequest:
    """What to seal again, and how: the parameters of the command.

    Attributes:
        cert: file or URL of the certificate, or None for the environment's.
        scope, name, namespace: override the SealedSecrets' own, or None.
        renew: also seal values again that already fit this certificate and place.
    """

    paths: tuple[str, ...] = ()
    environment: str | None = None
    everything: bool = False
    cert: str | None = None
    private_keys: tuple[Path, ...] = ()
    scope: str | None = None
    name: str | None = None
    namespace: str | None = None
    renew: bool = False
    dry_run: bool = False


def reseal(session: Session, request: ResealRequest) -> BatchResult:
    """Seal SealedSecrets again in place. All files are prepared before the first one is replaced.

    Raises:
        UsageError: nothing was named, or an interrupted operation must be completed first.
        CertificateError, IdentityError: no certificate or no private key was found.
        FluxsecretsError: the files, certificates or keys can't be read.
    """
    files = find_manifests(session, request.paths, request.environment, SEALED, everything=request.everything)
    refuse_interrupted((files.tree.root / "-",))
    found = announced_certificate(
        session, files.tree, cert=request.cert, environment=request.environment, files=files.paths
    )
    resealing = Resealing(
        found.certificate,
        load_keys(session, request.private_keys),
        parse_scope(request.scope) if request.scope is not None else None,
        request.name,
        request.namespace,
        request.renew,
    )
    jobs = files.targets(session)
    preparing = prepare_resealing(session, jobs, resealing, write=not request.dry_run)
    prepared = tuple(session.watched(preparing, len(jobs), "sealing anew"))
    results = write_files(session, prepared, Operation("reseal", place_of_tree(files.tree)))
    told = (*files.failed, *(each for each in results if each.outcome is not Outcome.LEFT))
    return BatchResult(told, files.notes)


def prepare_resealing(
    session: Session, targets: Sequence[Target], resealing: Resealing, *, write: bool = True
) -> Iterator[Prepared]:
    """Prepare new contents for all files. Nothing is written.

    Without `write`, this only reports what would happen.

    Returns:
        One result per file, in order, as each one is ready.
    """
    return run_jobs(partial(_prepare, session, resealing, write), targets)


def _prepare(session: Session, resealing: Resealing, write: bool, target: Target) -> Prepared:
    path, shown = target.path, target.shown
    try:
        content = read_file(path, limit=session.limits.size)
        done = reseal_content(content.data, resealing, session.limits)
        if not done.values and not done.kept:
            if target.named:
                raise FormatError("it contains no SealedSecret", hint="name files with SealedSecrets")
            return Prepared(FileResult(shown, Outcome.LEFT))
        if done.data == content.data:
            return Prepared(FileResult(shown, Outcome.UNCHANGED))
        outcome = Outcome.RESEALED if write else Outcome.WOULD_RESEAL
        change = replacing(content, done.data)
        result = MovedResult(shown, outcome, done.values, after="sealed", kept=done.kept)
        return Prepared(result, change if write else None)
    except FluxsecretsError as error:
        error.path = error.path if error.path != str(path) else shown
        return Prepared(FileResult(shown, Outcome.FAILED, error=error.in_file(shown)))
