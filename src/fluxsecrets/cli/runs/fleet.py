"""What `fluxsecrets scan --repos` does: the scan of many repositories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError
from fluxsecrets.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:  # most scans are of one repository
    from fluxsecrets.ops.checks.scanmodel import ScanResult
    from fluxsecrets.ops.fleet.cluster import Cluster
    from fluxsecrets.ops.fleet.task import RepositoryTask
    from fluxsecrets.ops.fleet.wire import RepositoryResult


@dataclass(frozen=True, slots=True)
class Fleet:
    """Which repositories, and where they are scanned."""

    repos: Path | None = None
    dask: str | None = None
    dask_ca: Path | None = None
    dask_cert: Path | None = None
    dask_key: Path | None = None

    def refuse_contradiction(self, others: list[str]) -> None:
        """Refuse options that don't go together.

        Args:
            others: given options that are about one repository.

        Raises:
            UsageError: some don't.
        """
        if self.repos is None:
            if any((self.dask, self.dask_ca, self.dask_cert, self.dask_key)):
                raise UsageError("--dask scans many repositories", hint="name them with --repos")
            return
        if others:
            raise UsageError(f"--repos can't be combined with {others[0]}", hint=f"leave out {others[0]}")
        if self.dask is None and any((self.dask_ca, self.dask_cert, self.dask_key)):
            raise UsageError(
                "certificates are for --dask", hint="name the scheduler with --dask tls://HOST:PORT"
            )

    def cluster(self) -> Cluster | None:
        """Return the cluster, or None for this machine."""
        if self.dask is None:
            return None
        from fluxsecrets.ops.fleet.cluster import Cluster

        return Cluster(self.dask, self.dask_ca, self.dask_cert, self.dask_key)


def scan_many(
    fleet: Fleet,
    out: Output,
    *,
    history: bool,
    partial_history: bool,
    use_baseline: bool,
    config: Path | None,
) -> ScanResult:
    """Scan the repositories, and say of each what was found as soon as it is known.

    Raises:
        UsageError: there is no repository, or the cluster's address is invalid.
        FluxsecretsError: the cluster does not answer.
    """
    from fluxsecrets.ops.fleet.scan import FleetRequest, scan_repositories

    assert fleet.repos is not None  # noqa: S101 - the caller asked for it
    request = FleetRequest(
        Path.cwd(), fleet.repos, history, partial_history, use_baseline, config, fleet.cluster()
    )

    def watch(
        coming: Iterator[tuple[RepositoryTask, RepositoryResult]], total: int
    ) -> Iterator[tuple[RepositoryTask, RepositoryResult]]:
        for task, result in out.progress(coming, total, "repositories"):
            _say(out, task, result)
            yield task, result

    return scan_repositories(request, watch)


def _say(out: Output, task: RepositoryTask, result: RepositoryResult) -> None:
    from fluxsecrets.report.text import counted

    found = [counted(len(result.findings), "secret")] if result.findings else []
    found += [counted(len(result.problems), "error")] if result.problems else []
    if found:
        out.note(f"{task.path}: {', '.join(found)}")
