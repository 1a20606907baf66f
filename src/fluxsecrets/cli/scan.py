"""`fluxsecrets scan`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets import __version__
from fluxsecrets.cli.findings import (
    Baseline,
    baseline_option,
    everything_option,
    findings_format_option,
    no_baseline_option,
    report_file_option,
    reports_option,
    update_baseline_option,
)
from fluxsecrets.cli.fleet import (
    Fleet,
    ca_option,
    cert_option,
    dask_option,
    key_option,
    repos_option,
    scan_many,
)
from fluxsecrets.cli.options import takes
from fluxsecrets.cli.output import Output, warn_of_dead_hooks
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest, ScanResult, Source
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.scan import found_by_scan

if TYPE_CHECKING:  # most scans are of files
    from fluxsecrets.repo.git.survey import Period

_LONGEST_INPUT = 256 * 2**20


@dataclass(frozen=True, slots=True)
class _Where:
    """What to scan."""

    paths: tuple[str, ...]
    environment: str | None
    staged: bool
    commits: str | None
    unpushed: bool
    history: bool
    branches: tuple[str, ...]
    since: str | None
    until: str | None

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
class _Work:
    """How the work is done, and how much of it is shown."""

    jobs: int | None
    no_cache: bool
    everything: bool


@click.command("scan")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--env", "environment", metavar="NAME", help="All files of an environment.")
@click.option("--staged", is_flag=True, help="What is staged for the next commit.")
@click.option("--range", "commits", metavar="A..B", help="What these commits added or changed.")
@click.option("--unpushed", is_flag=True, help="Commits that no remote has.")
@click.option("--history", is_flag=True, help="Every commit of every branch.")
@click.option(
    "--branch", "branches", multiple=True, metavar="NAME", help="Every commit of this branch; repeatable."
)
@click.option("--since", metavar="DATE", help="Only commits made since, such as 2026-01-31 or '2 weeks ago'.")
@click.option("--until", metavar="DATE", help="Only commits made until then; a day counts to its end.")
@click.option("--partial-history", is_flag=True, help="In a shallow clone, use the commits that exist.")
@click.option(
    "--filename",
    "--filename-override",
    "filename",
    metavar="NAME",
    help="With -: the file name that rules are chosen by.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Rules and allowlists of a gitleaks or betterleaks TOML file count too.",
)
@repos_option
@dask_option
@ca_option
@cert_option
@key_option
@baseline_option
@no_baseline_option
@update_baseline_option
@everything_option
@findings_format_option
@report_file_option
@reports_option(FORMATS)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Scan with this many processes (default: one per CPU).",
)
@click.option("--no-cache", is_flag=True, help="Read contents again that had no secrets when last scanned.")
@click.option("--redact", is_flag=True, expose_value=False, help="Always on: no report shows a value.")
@click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
@takes(_Where, Baseline, Fleet, _Work, Reports)
def command(
    where: _Where,
    known: Baseline,
    fleet: Fleet,
    work: _Work,
    reports: Reports,
    *,
    partial_history: bool,
    filename: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Find secrets in plain text.

    PATH is a file, a folder, or - for standard input. Without PATH, every file is scanned that git tracks,
    or would track. Finds plain values in Secrets, in encrypted files and under telling keys, and tokens
    of over 200 providers in any text, even inside base64.

    Exit codes: 0 no findings, 1 findings, 2 something could not be read or scanned.
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


def _write(reports: Reports, out: Output, result: ScanResult, work: _Work) -> None:
    found = replace(found_by_scan(result, __version__), everything=work.everything)
    reports.write(out, lambda name: FORMATS[name](found))


def _about_one(where: _Where, known: Baseline) -> list[str]:
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
