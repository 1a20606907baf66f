"""The scan of one repository, as a task: plain data in, JSON out, and never an exception."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError, GitError
from fluxsecrets.findings import Finding
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, ScanResult, Source
from fluxsecrets.ops.run.parallel import alone
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.discovery import bare_repository, is_bare
from fluxsecrets.scan.cachefile import cache_folder
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.sources.commits import HISTORY

from .wire import RepositoryResult, encode, problem

_ONE_AT_A_TIME = Lock()
"""A worker may have threads; a scan has its process for itself."""

_TREE = "HEAD^{tree}"


class RepositoryTask(NamedTuple):
    """One repository to scan; all fields are plain data.

    Attributes:
        path: as the user named it.
        place: its absolute path.
        history: scan all commits instead of the files.
        config: absolute path of a configuration of gitleaks, or None.
        rules: what the built-in rules of the one who asks are known by.
    """

    path: str
    place: str
    history: bool = False
    partial_history: bool = False
    use_baseline: bool = True
    config: str | None = None
    rules: str = ""


def run_task(fields: tuple[object, ...]) -> str:
    """Return what came of a repository, as JSON; an error is in it, too.

    Args:
        fields: those of a `RepositoryTask`, which travel without the class.
    """
    with _ONE_AT_A_TIME:
        try:
            return encode(scan_repository(_same_rules(RepositoryTask(*fields))))  # type: ignore[arg-type]
        except FluxsecretsError as error:
            return encode(RepositoryResult(problems=(problem(error),)))
        except Exception as error:  # noqa: BLE001 - a text of it may hold a value
            name = type(error).__name__
            failure = FluxsecretsError(
                f"the scan failed with {name}", hint="run `fluxsecrets scan` in this repository"
            )
            return encode(RepositoryResult(problems=(problem(failure),)))


@cache
def rules_identity() -> str:
    """Return what the built-in rules of this process are known by."""
    from hashlib import blake2b

    from fluxsecrets.scan.patterns import patterns

    return blake2b(repr(patterns()).encode(), digest_size=16).hexdigest()


def _same_rules(task: RepositoryTask) -> RepositoryTask:
    if task.rules != rules_identity():
        raise FluxsecretsError(
            "the worker has another version of fluxsecrets, with other rules",
            hint="install the same version here and on all workers",
        )
    return task


def scan_repository(task: RepositoryTask) -> RepositoryResult:
    """Return what came of a repository.

    Raises:
        FluxsecretsError: it could not be scanned at all.
    """
    place = Path(task.place)
    repository = _repository(place)
    bare = repository.root == repository.git_dir
    commits = HISTORY if task.history else (_TREE,) if bare else ()
    if bare and not repository.has_head() and not task.history:
        return RepositoryResult(nothing="the repository has no commit")
    request = ScanRequest(
        cwd=repository.root,
        source=Source.COMMITS if commits else Source.PATHS,
        commits=commits,
        use_baseline=task.use_baseline,
        partial_history=task.partial_history,
        config=None if task.config is None else Path(task.config),
        repository=repository,
    )
    with alone():
        return _result(scan(request, _engine()), without_commit=commits == (_TREE,))


@cache
def _engine() -> Engine:
    """The compiled rules, which serve all repositories that this process scans."""
    return Engine(cache_folder(os.environ))


def _repository(place: Path) -> Repository:
    if is_bare(place) and not os.path.lexists(place / ".git"):
        return bare_repository(place)
    found = find_repository(place) if place.is_dir() else None
    if found is None or not found.root.samefile(place):
        raise GitError("this is not a git repository", hint="name its top folder, or a bare clone")
    return found


def _result(result: ScanResult, *, without_commit: bool) -> RepositoryResult:
    found = RepositoryResult(
        findings=result.findings,
        known=result.known,
        allowed=result.allowed,
        remarks=result.remarks,
        gone=result.gone,
        problems=tuple(map(problem, result.errors)),
        files=result.files,
        excuses=result.excuses,
        rules=result.rules,
        nothing=result.nothing,
    )
    if not without_commit:
        return found
    from dataclasses import replace

    def bare(finding: Finding) -> Finding:
        return finding._replace(location=finding.location._replace(commit=None), history=None)

    return found._replace(
        findings=tuple(map(bare, found.findings)),
        known=tuple(map(bare, found.known)),
        allowed=tuple(replace(item, finding=bare(item.finding)) for item in found.allowed),
    )
