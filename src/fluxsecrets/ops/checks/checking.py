"""`encrypt --check`: files that don't follow the rules, without allowed plain files."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from fluxsecrets.ops.files.encrypt import EncryptRequest, encrypt_selected
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.repo.tree import Tree

OFFENDING = frozenset({Outcome.WOULD_ENCRYPT, Outcome.DIFFERS, Outcome.INVALID})
"""The outcomes, beside errors, for which `--check` fails."""


def check_encrypted(session: Session, request: EncryptRequest) -> BatchResult:
    """Return what `encrypt` would do, listing only files that don't follow the rules.

    Raises:
        UsageError, GitError, ConfigError, FileAccessError: see `select`.
    """
    selection = select(session, request.paths, request.environment, request.input_type)
    batch = encrypt_selected(session, selection, replace(request, check=True))
    batch = _without_allowed(session, selection.targets, batch)
    return replace(batch, listed=offenders(batch))


def _without_allowed(session: Session, targets: Sequence[Target], batch: BatchResult) -> BatchResult:
    """The results, in which a plain file is `allowed` where all that `scan` finds in it is.

    Allowances and the baseline are `scan`'s, so that what satisfies it satisfies the check as well. A file
    that could not be encrypted, because no rule matches it, may be allowed too; one that is encrypted
    already and damaged may not.

    Raises:
        ConfigError: `.fluxsecrets.yaml` or the baseline is invalid.
    """
    plain = [
        (target, result)
        for target, result in zip(targets, batch.files, strict=True)
        if result.outcome is Outcome.WOULD_ENCRYPT
        or (result.outcome is Outcome.FAILED and target.problem is None and not _encrypted(target))
    ]
    allowed = allowed_files(session, [target.path for target, _ in plain])
    stays = {id(result) for target, result in plain if os.path.realpath(target.path) in allowed}
    return replace(
        batch,
        files=tuple(
            FileResult(each.path, Outcome.ALLOWED, each.values) if id(each) in stays else each
            for each in batch.files
        ),
    )


def allowed_files(session: Session, paths: Collection[Path], tree: Tree | None = None) -> frozenset[str]:
    """Return the real paths of plain files that allowances or the baseline excuse as a whole.

    Args:
        session: the run.
        paths: the files.
        tree: that of the working directory; opened unless given.

    Raises:
        ConfigError: `.fluxsecrets.yaml` or the baseline is invalid.
    """
    if not paths:
        return frozenset()
    from .scan import scan
    from .scanmodel import ScanRequest, excused

    request = ScanRequest(session.cwd, paths=tuple(map(os.fspath, paths)))
    if tree is not None:
        request = request._replace(repository=tree.repository, listed=tree.listed)
    found = scan(request)
    return frozenset(os.path.realpath(found.root / path) for path in excused(found))


def offenders(batch: BatchResult) -> tuple[FileResult, ...]:
    """The files that don't follow the rules."""
    return tuple(each for each in batch.files if each.outcome in OFFENDING or each.outcome is Outcome.FAILED)


def _encrypted(target: Target) -> bool:
    """Whether a file is known to be encrypted; a named file was not looked at."""
    return target.encrypted or target.named
