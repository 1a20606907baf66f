"""One result of the scans of many repositories, with the repository in every place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding, Location
from fluxsecrets.ops.checks.scanmodel import ScanResult

from .cluster import Cluster, checked, run_on_cluster
from .find import find_repositories
from .local import run_here
from .task import RepositoryTask, rules_identity
from .wire import Problem, RepositoryResult, error

Item = TypeVar("Item")


class FleetRequest(NamedTuple):
    """What to scan.

    Attributes:
        cwd: absolute path that paths are relative to.
        repositories: a file with a path per line, or a folder of clones.
        history: scan all commits of each repository instead of its files.
        partial_history: take the commits that shallow clones have for all there are.
        use_baseline: False scans as if no repository had a baseline.
        config: a configuration of gitleaks or betterleaks whose rules and allowlists count too, or None.
        cluster: where to run, or None for this machine.
    """

    cwd: Path
    repositories: Path
    history: bool = False
    partial_history: bool = False
    use_baseline: bool = True
    config: Path | None = None
    cluster: Cluster | None = None


Watch = Callable[
    [Iterator[tuple[RepositoryTask, RepositoryResult]], int],
    Iterable[tuple[RepositoryTask, RepositoryResult]],
]


def scan_repositories(request: FleetRequest, watch: Watch | None = None) -> ScanResult:
    """Scan repositories; one that cannot be scanned is an error in the result, and the others go on.

    Args:
        request: what to scan.
        watch: gets the results as they come, and how many there will be, and passes them on.

    Raises:
        UsageError: there is no repository, or the address of the cluster is invalid.
        FluxsecretsError: the cluster does not answer.
    """
    cluster = None if request.cluster is None else checked(request.cluster)
    paths = find_repositories(request.repositories, request.cwd)
    rules = rules_identity()
    tasks = [
        RepositoryTask(
            path,
            os.fspath(request.cwd / path),
            request.history,
            request.partial_history,
            request.use_baseline,
            None if request.config is None else os.fspath(request.cwd / request.config),
            rules,
        )
        for path in paths
    ]
    coming = run_here(tasks) if cluster is None else run_on_cluster(tasks, cluster)
    found = dict(watch(coming, len(tasks)) if watch is not None else coming)
    return _joined([(task.path, found[task]) for task in tasks], request.cwd)


def _joined(results: list[tuple[str, RepositoryResult]], cwd: Path) -> ScanResult:
    named = [(_in_repository(result, name), result) for name, result in results]
    files = sum(result.files for _, result in results)
    problems = (_error(name, each) for name, result in results for each in result.problems)
    return ScanResult(
        findings=_all(each.findings for each, _ in named),
        known=_all(each.known for each, _ in named),
        allowed=_all(each.allowed for each, _ in named),
        remarks=_all(each.remarks for each, _ in named),
        gone=_all(each.gone for each, _ in named),
        errors=tuple(problems),
        files=files,
        root=cwd,
        excuses=_all(each.excuses for each, _ in named),
        nothing="" if files else "there is no file to scan in these repositories",
        rules=tuple(dict.fromkeys(_all(each.rules for each, _ in named))),
        repositories=len(results),
    )


def _all(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(item for part in parts for item in part)


def _error(name: str, found: Problem) -> FluxsecretsError:
    inside = found.path is not None and not Path(found.path).is_absolute()
    return error(found._replace(path=f"{name}/{found.path}" if inside else name))


def _in_repository(result: RepositoryResult, name: str) -> RepositoryResult:
    """The result with the repository before each path, as commands in the working directory name files."""

    def place(location: Location) -> Location:
        return location._replace(path=f"{name}/{location.path}", repository=name)

    def finding(found: Finding) -> Finding:
        history = found.history
        if history is not None:
            history = history._replace(paths=tuple(f"{name}/{path}" for path in history.paths))
        related = tuple(map(place, found.related))
        return found._replace(location=place(found.location), related=related, history=history)

    return result._replace(
        findings=tuple(map(finding, result.findings)),
        known=tuple(map(finding, result.known)),
        allowed=tuple(
            replace(item, finding=finding(item.finding), path=f"{name}/{item.path}")
            for item in result.allowed
        ),
        remarks=tuple(replace(each, path=f"{name}/{each.path}") for each in result.remarks),
        gone=tuple(replace(each, path=f"{name}/{each.path}") for each in result.gone),
        excuses=tuple(
            each._replace(path=f"{name}/{each.path}", excused=f"{name}/{each.excused}")
            for each in result.excuses
        ),
    )
