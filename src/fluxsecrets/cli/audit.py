"""`fluxsecrets audit`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from fluxsecrets import __version__
from fluxsecrets.cli.baseline import Baseline
from fluxsecrets.cli.clock import clock
from fluxsecrets.cli.findings import (
    HTML,
    all_envs_option,
    audit_format_option,
    baseline_option,
    everything_option,
    no_baseline_option,
    refuse_both,
    report_file_option,
    reports_option,
    update_baseline_option,
)
from fluxsecrets.cli.options import make_session, partial_history_option, quiet_option, takes
from fluxsecrets.cli.output import Output, warn_of_dead_hooks
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.errors import UsageError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.checks.audit import AuditOptions, audit
from fluxsecrets.report.audit import found_by_audit
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.page import Page

if TYPE_CHECKING:  # the page costs only those who ask for it
    from fluxsecrets.ops.overview.model import Overview

_SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What to look at, and what counts."""

    environment: str | None
    every_environment: bool
    commits: str | None
    rules: tuple[str, ...]
    no_scan: bool
    severity: str
    fail_on: str | None
    no_keys: bool


@click.command("audit")
@click.option("--env", "environment", metavar="NAME", help="Report only on the files of an environment.")
@all_envs_option
@click.option(
    "--range", "commits", metavar="A..B", help="Report only findings that these commits introduced."
)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Run only this rule; repeatable.")
@click.option("--no-scan", is_flag=True, help="Skip the rules about plain text, which scan has, too.")
@click.option(
    "--severity",
    type=click.Choice(_SEVERITIES),
    default="low",
    show_default=True,
    help="Lowest severity to report.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*_SEVERITIES, "never"]),
    help="Lowest severity that exits with 1; default: from .fluxsecrets.yaml, or high.",
)
@baseline_option
@no_baseline_option
@update_baseline_option
@click.option("--no-keys", is_flag=True, help="Decrypt nothing, and skip the rules about values.")
@click.option("--who", is_flag=True, help="Show who can read how many files of each environment.")
@everything_option
@audit_format_option
@report_file_option
@reports_option((*FORMATS, HTML))
@partial_history_option
@quiet_option
@takes(_Asked, Baseline, Reports)
def command(
    asked: _Asked, known: Baseline, reports: Reports, *, who: bool, everything: bool, quiet: bool
) -> int:
    """Find what is wrong with the secrets of this repository.

    Checks who can read what, how secrets are protected, and what Flux would do with them. Nothing is sent
    anywhere, and nothing is changed. If your identities can open files, their values are checked too, and
    never shown. `fluxsecrets rules show RULE` explains a finding.

    --format html makes one page to send to others: the findings, who can read what, the environments, and the
    age of keys and certificates. The page loads nothing from a network.

    Exit codes: 0 no finding reaches --fail-on, 1 a finding does, 2 the audit could not run.
    """
    reports.refuse()
    refuse_both(asked.environment, every=asked.every_environment)
    if who:
        _refuse_of_findings(asked, known)
        return _show_who(Output(quiet=quiet), reports, asked.environment)
    known.refuse_contradiction()
    if known.update_baseline and asked.commits is not None:
        raise UsageError(
            "--update-baseline needs all findings, not those of a range", hint="leave out --range"
        )
    if asked.no_scan and asked.rules:
        raise UsageError("--no-scan and --rule both choose the rules", hint="leave out one of them")
    options = AuditOptions(
        commits=asked.commits,
        environment=asked.environment,
        every_environment=asked.every_environment,
        rules=asked.rules or None,
        with_scanned=not asked.no_scan,
        severity=Severity.parse(asked.severity),
        fail_on=None if asked.fail_on in (None, "never") else Severity.parse(asked.fail_on),
        never_fail=asked.fail_on == "never",
        with_keys=not asked.no_keys,
        baseline=known.baseline,
        use_baseline=not known.no_baseline,
        update_baseline=known.update_baseline,
    )
    overview = _overview(options, reports) if HTML in reports.formats else None
    result = overview.audit if overview is not None else audit(make_session(), options)
    out = Output(quiet=quiet)
    found = replace(found_by_audit(result, __version__), everything=everything)

    def page(name: str) -> Page:
        return FORMATS[name](found) if name != HTML or overview is None else _html_page(overview)

    reports.write(out, page)
    warn_of_dead_hooks(out)
    return 1 if result.fails else 0


def _overview(options: AuditOptions, reports: Reports) -> Overview:
    """The audit with all else that the HTML page shows, which takes longer."""
    from fluxsecrets.ops.overview.overview import overview
    from fluxsecrets.report.html.page import require_engine

    if reports.report == HTML and reports.output is None and _at_terminal():
        raise UsageError(
            "an HTML page is for a browser, and standard output is a terminal",
            hint="run `fluxsecrets audit --format html --output report.html`",
        )
    require_engine()
    return overview(make_session(), options, clock(os.environ))


def _html_page(overview: Overview) -> Page:
    from fluxsecrets.report.html.page import html_page

    return html_page(overview, __version__)


def _at_terminal() -> bool:
    return sys.stdout.isatty()


def _refuse_of_findings(asked: _Asked, known: Baseline) -> None:
    """Refuse options that --who would have to ignore.

    Raises:
        UsageError: there is one.
    """
    of_findings = {
        "--range": asked.commits is not None,
        "--rule": bool(asked.rules),
        "--severity": asked.severity != _SEVERITIES[0],
        "--fail-on": asked.fail_on is not None,
        "--baseline": known.baseline is not None,
        "--no-baseline": known.no_baseline,
        "--update-baseline": known.update_baseline,
    }
    for option, given in of_findings.items():
        if given:
            raise UsageError(
                f"--who reports no findings, so {option} does not apply", hint=f"leave out {option}"
            )


def _show_who(out: Output, reports: Reports, environment: str | None) -> int:
    from fluxsecrets.ops.checks.matrix import who_reads_what
    from fluxsecrets.report.matrix import FORMATS

    for name in reports.formats:
        if name not in FORMATS:
            raise UsageError(
                f"--who reports no findings, so it has no format {name}", hint="use --format json"
            )
    readers = who_reads_what(make_session(), environment)
    reports.write(out, lambda name: FORMATS[name](readers))
    return 0
