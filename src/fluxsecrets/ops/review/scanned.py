"""New plain text in a change, found by `scan`."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, ScanResult, Source
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.ranges import Range
from fluxsecrets.repo.states import INDEX, NOTHING, WORK_TREE, FileChange


def scanned(
    repository: Repository, range_: Range, files: tuple[FileChange, ...]
) -> ScanResult | FluxsecretsError | None:
    """Scan what a change brings; each commit of a range, since history keeps what a later one removes.

    Returns:
        The result; the error if it could not be scanned; None if there is nothing to scan.
    """
    paths = tuple(each.path for each in files if each.after is not None)
    if range_.after in (INDEX, WORK_TREE, range_.before) and not paths:
        return None
    if range_.after == INDEX:
        request = ScanRequest(repository.root, Source.STAGED, repository=repository)
    elif range_.after == WORK_TREE:
        request = ScanRequest(repository.root, paths=paths, repository=repository)
    else:
        commits = (range_.after,) if range_.before == NOTHING else (f"{range_.before}..{range_.after}",)
        request = ScanRequest(
            repository.root, Source.COMMITS, commits=commits, repository=repository, partial_history=True
        )
    try:
        return scan(request)
    except FluxsecretsError as error:
        return error
