"""`fluxsecrets scan`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.baseline import Baseline
from fluxsecrets.cli.findings import (
    baseline_option,
    everything_option,
    findings_format_option,
    no_baseline_option,
    report_file_option,
    reports_option,
    update_baseline_option,
)
from fluxsecrets.cli.fleet import ca_option, cert_option, dask_option, key_option, repos_option
from fluxsecrets.cli.options import takes
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.cli.runs.fleet import Fleet
from fluxsecrets.cli.runs.scan import Where, Work, find_secrets
from fluxsecrets.report.findings import FORMATS


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
@takes(Where, Baseline, Fleet, Work, Reports)
def command(
    where: Where,
    known: Baseline,
    fleet: Fleet,
    work: Work,
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
    return find_secrets(
        where,
        known,
        fleet,
        work,
        reports,
        partial_history=partial_history,
        filename=filename,
        config=config,
        quiet=quiet,
    )
