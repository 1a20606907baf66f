"""What `fluxsecrets scan` does."""

from __future__ import annotations

import sys
from pathlib import Path

from fluxsecrets import __version__
from fluxsecrets.cli.baseline import Baseline
from fluxsecrets.cli.output import Output, warn_of_dead_hooks
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, ScanResult, Source
from fluxsecrets.records import dataclass, replace
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.scan import found_by_scan

from .fleet import Fleet, scan_many

TYPE_CHECKING = False
if TYPE_CHECKING:  # most scans are of files
    from fluxsecrets.repo.git.survey import Period

_LONGEST_INPUT = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Where:
    """What to scan."""

    paths: tuple[str, ...] = ()
    environment: str | None = None
    staged: bool = False
    commits: str | None = None
    unpushed: bool = False
    history: bool = False
    branches: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    def chosen(self) -> list[str]:
        """The options that name another source than files."""
        given = {
            "--staged": self.staged,
            "--range": self.commits is not None,
            "--unpushed": self.unpushed,
            "--history": self.history,
            "--branch": bool(self.branches),
        }
        found = [name for name, on in given.items() if on]
        return found or (["--history"] if self.since is not None or self.until is not None else [])

    def period(self) -> Period | None:
        """When the commits were made that count, or None for all.

        Raises:
            UsageError: a date isn't one, or nothing can be between them.
        """
        if self.since is None and self.until is None:
            return None
        if self.staged:
            raise UsageError(
                "--since and --until are about commits, and --staged is not", hint="leave one of them out"
            )
        from datetime import datetime

        from fluxsecrets.repo.git.survey import Period
        from fluxsecrets.scan.sources import dates

        now = datetime.now().astimezone()
        start = None if self.since is None else dates.since(self.since, now)
        end = None if self.until is None else dates.until(self.until, now)
        if start is not None and end is not None and start > end:
            raise UsageError("--since is after --until", hint="exchange them")
        return Period(start, end)


@dataclass(frozen=True, slots=True)
class Work:
    """How the work is done, and how much of it is shown."""

    jobs: int | None = None
    no_cache: bool = False
    everything: bool = False


def find_secrets(
    where: Where,
    known: Baseline,
    fleet: Fleet,
    work: Work,
    reports: Reports,
    *,
    partial_history: bool = False,
    filename: str | None = None,
    config: Path | None = None,
    quiet: bool = False,
) -> int:
    """Find secrets in plain text.

    Args:
        where: what to scan.
        known: what to do with known findings.
        fleet: many repositories, or none.
        work: how the work is done.
        reports: the reports, and where they go.
        partial_history: in a shallow clone, use the commits that exist.
        filename: the name of standard input.
        config: a configuration of gitleaks or betterleaks that counts too.
        quiet: no messages but errors.

    Returns:
        The exit code.

    Raises:
        FluxsecretsError: see `ops.checks.scan`; options do not go together.
    """
    paths, chosen = where.paths, where.chosen()
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} can't be combined", hint="choose one of them")
    if where.environment is not None and (paths or chosen):
        raise UsageError(
            "--env can't be combined with paths or other sources",
            hint=f"leave out {(chosen or ['the paths'])[0]}, or --env",
        )
    period = where.period()
    reports.refuse()
    known.refuse_contradiction()
    fleet.refuse_contradiction([*_about_one(where, known), *(["--filename"] if filename else [])])
    out = Output(quiet=quiet)
    if fleet.repos is not None:
        result = scan_many(
            fleet,
            out,
            history=where.history,
            partial_history=partial_history,
            use_baseline=not known.no_baseline,
            config=config,
        )
        _write(reports, out, result, work)
        return result.exit_code
    request = ScanRequest(
        cwd=Path.cwd(),
        source=_source(paths, chosen),
        paths=() if paths == ("-",) else paths,
        environment=where.environment,
        commits=_commits(chosen, where.commits),
        content=_read_stdin() if paths == ("-",) else b"",
        filename=filename,
        baseline=known.baseline,
        use_baseline=not known.no_baseline,
        update_baseline=known.update_baseline,
        partial_history=partial_history,
        config=config,
        branches=where.branches,
        period=period,
        watch=out.watch("scanning"),
        jobs=work.jobs,
        use_cache=not work.no_cache,
    )
    result = scan(request)
    _write(reports, out, result, work)
    if request.source is not Source.STDIN:
        warn_of_dead_hooks(out)
    return result.exit_code


def _write(reports: Reports, out: Output, result: ScanResult, work: Work) -> None:
    found = replace(found_by_scan(result, __version__), everything=work.everything)
    reports.write(out, lambda name: FORMATS[name](found))


def _about_one(where: Where, known: Baseline) -> list[str]:
    """The given options that are about one repository."""
    given = {
        "paths": bool(where.paths),
        "--env": where.environment is not None,
        "--baseline": known.baseline is not None,
        "--update-baseline": known.update_baseline,
        **{name: name != "--history" for name in where.chosen()},
        "--since": where.since is not None,
        "--until": where.until is not None,
    }
    return [name for name, on in given.items() if on]


def _source(paths: tuple[str, ...], chosen: list[str]) -> Source:
    if "-" in paths:
        if len(paths) > 1 or chosen:
            raise UsageError(
                "standard input can't be combined with other sources", hint="leave out everything but -"
            )
        return Source.STDIN
    if not chosen:
        return Source.PATHS
    return Source.STAGED if chosen == ["--staged"] else Source.COMMITS


def _commits(chosen: list[str], text: str | None) -> tuple[str, ...]:
    if chosen in ([], ["--staged"], ["--branch"]):
        return ()
    from fluxsecrets.scan.sources.commits import HISTORY, UNPUSHED, range_arguments

    return {"--unpushed": UNPUSHED, "--history": HISTORY}.get(chosen[0]) or range_arguments(text or "")


def _read_stdin() -> bytes:
    data = sys.stdin.buffer.read(_LONGEST_INPUT + 1)
    if len(data) > _LONGEST_INPUT:
        raise UsageError(
            f"standard input is longer than {_LONGEST_INPUT // 2**20} MiB",
            hint="write it to a file, and name that",
        )
    return data
