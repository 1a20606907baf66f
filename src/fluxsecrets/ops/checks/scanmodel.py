"""What a scan is asked, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fluxsecrets.findings import RuleInfo
    from fluxsecrets.findings.allow import AllowedFinding, Remark
    from fluxsecrets.findings.baseline import BaselineEntry, Written
    from fluxsecrets.repo.git import Repository
    from fluxsecrets.repo.git.survey import Period
    from fluxsecrets.repo.tree import Note
    from fluxsecrets.scan.blob import Blob
    from fluxsecrets.scan.sources.staged import Begun

    from .excuses import Excuse

    Watch = Callable[[Iterator[Any], int], Iterator[Any]]


class Source(Enum):
    """Where files come from."""

    PATHS = auto()
    STAGED = auto()
    COMMITS = auto()
    STDIN = auto()


class ScanRequest(NamedTuple):
    """What to scan.

    Attributes:
        cwd: absolute path that paths are relative to.
        source: where files come from.
        paths: files and folders; none means the whole repository, or what the source has.
        environment: name of the environment whose files are meant, or None.
        commits: arguments for `git rev-list`, where the source is commits.
        branches: names of branches, all commits of which are meant.
        period: only commits that were made in it.
        watch: what results are passed through, with how many there will be; it may show progress.
        baseline: the baseline's path; None for the repository's own where it has one.
        use_baseline: False scans as if there were none.
        for_commit: files of the work tree stand for what is committed, and are judged as that is.
        partial_history: take the commits that a shallow clone has for all there are.
        jobs: processes; None for as many as there are CPUs.
        use_cache: pass over contents of commits in which earlier runs found nothing.
        config: a configuration of gitleaks or betterleaks whose rules and allowlists count too, or None.
        repository: the one to scan; that of `cwd` unless given.
        listed: what git lists in its work tree, where the caller knows it.
        begun: what git has begun to read of what is staged, where the caller knows the repository.
    """

    cwd: Path
    source: Source = Source.PATHS
    paths: tuple[str, ...] = ()
    environment: str | None = None
    commits: tuple[str, ...] = ()
    content: bytes = b""
    filename: str | None = None
    baseline: Path | None = None
    use_baseline: bool = True
    update_baseline: bool = False
    for_commit: bool = False
    partial_history: bool = False
    jobs: int | None = None
    use_cache: bool = True
    config: Path | None = None
    repository: Repository | None = None
    branches: tuple[str, ...] = ()
    period: Period | None = None
    watch: Watch | None = None
    listed: tuple[str, ...] | None = None
    begun: Begun | None = None

    def __repr__(self) -> str:
        """Without the content."""
        return f"ScanRequest({self.source}, {self.paths!r}, {len(self.content)} bytes)"


class StagedCiphertexts(NamedTuple):
    """A staged file that has ciphertexts.

    Attributes:
        blob: id of its content.
        content: that as it was scanned; None where git has to be asked for it.
    """

    path: str
    blob: str
    content: Blob | None = None


class ScanResult(NamedTuple):
    """What was found.

    Attributes:
        known: those that the baseline has.
        remarks: allowances that are expired, unused or invalid.
        gone: entries of the baseline that are not found any more.
        errors: files that could not be read or judged, and other reasons why this is not all.
        written: what was written to it, or None.
        excuses: what let findings pass, and came with the same commits.
        nothing: why no file was looked at, or "".
        rules: rules of the team that ran beside the built-in ones.
        repositories: how many were scanned, if several were asked for.
        ciphertexts: staged files that have some.
        notes: what other tools make of the files, and is not analysed.
        unnamed: files of other tools that have no effect: the setting that could name each, and its name.
    """

    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...]
    remarks: tuple[Remark, ...]
    gone: tuple[BaselineEntry, ...]
    errors: tuple[FluxsecretsError, ...]
    files: int
    root: Path
    baseline: Path | None = None
    written: Written | None = None
    excuses: tuple[Excuse, ...] = ()
    nothing: str = ""
    rules: tuple[RuleInfo, ...] = ()
    repositories: int | None = None
    unnamed: tuple[tuple[str, str], ...] = ()
    ciphertexts: tuple[StagedCiphertexts, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def clean(self) -> bool:
        """Everything was looked at, and nothing was found."""
        return not self.findings and not self.errors

    @property
    def exit_code(self) -> int:
        """2 takes precedence over 1: an unread file may hold anything."""
        return 2 if self.errors else 1 if self.findings else 0

    @property
    def silent(self) -> bool:
        """The result has nothing to report."""
        return self.clean and not self.remarks and not self.excuses


def excused(result: ScanResult) -> frozenset[str]:
    """The files in which something was found, all of which is allowed or known to the baseline."""
    set_aside = (*result.known, *(item.finding for item in result.allowed))
    open_ = {finding.location.path for finding in result.findings}
    open_ |= {error.path for error in result.errors if error.path is not None}
    return frozenset(finding.location.path for finding in set_aside) - open_
