"""Files sealed anew, all in one operation; what does not open is told of, and stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.manifests.manifestfiles import ManifestFiles
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.results import FileResult, MovedResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.writer import replacing

from .reseal import Resealing, reseal_content

Job = tuple[Path, str, bool]
"""The file, how it is shown, and whether the user named it."""


def reseal_jobs(session: Session, files: ManifestFiles) -> Sequence[Job]:
    """Files as jobs."""
    root = files.tree.root.resolve()
    return [(root / path, session.shown(files.tree.root / path), path in files.named) for path in files.paths]


def prepare_resealing(
    session: Session, jobs: Sequence[Job], resealing: Resealing, *, write: bool = True
) -> Iterator[Prepared]:
    """New contents for all files; nothing is written.

    Args:
        session: the run.
        jobs: the files.
        resealing: what their SealedSecrets become.
        write: False only says what would happen.

    Returns:
        One a file, in order, as they are done.
    """
    return run_jobs(partial(_prepare, session, resealing, write), jobs)


def _prepare(session: Session, resealing: Resealing, write: bool, job: Job) -> Prepared:
    path, shown, named = job
    try:
        content = read_file(path, limit=session.limits.size)
        done = reseal_content(content.data, resealing, session.limits)
        if not done.values and not done.kept:
            if named:
                raise FormatError("there is no SealedSecret in it", hint="name files with SealedSecrets")
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
