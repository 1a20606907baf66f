"""`fluxsecrets audit`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluxsecrets import __version__
from fluxsecrets.cli.options import make_session, partial_history_option, quiet_option
from fluxsecrets.cli.output import Output, path_shower, warn_of_dead_hooks
from fluxsecrets.errors import UsageError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.checks.audit import AuditOptions, AuditResult, all_rules, audit

_SEVERITIES = ("low", "medium", "high", "critical")


@click.command("audit")
@click.option("--env", "environment", metavar="NAME", help="Only what concerns the files of one environment.")
@click.option("--range", "commits", metavar="A..B", help="Only what these commits brought.")
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only this rule; may be given again.")
@click.option(
    "--severity", type=click.Choice(_SEVERITIES), default="low", help="Leave out what is less severe."
)
@click.option(
    "--fail-on",
    type=click.Choice([*_SEVERITIES, "never"]),
    help="From which severity on to exit with 1; high, unless .fluxsecrets.yaml says otherwise.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Findings that are known; .fluxsecrets-baseline.json at the top unless told.",
)
@click.option("--no-baseline", is_flag=True, help="As if there were no baseline.")
@click.option("--update-baseline", is_flag=True, help="Write what is found now into the baseline.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; rules about values are left out.")
@click.option("--who", is_flag=True, help="Show who can read how many files of each environment instead.")
@click.option(
    "--format",
    "report",
    type=click.Choice(["text", "json", "sarif"]),
    help="How to report; text unless told.",
)
@partial_history_option
@quiet_option
def command(
    *,
    environment: str | None,
    commits: str | None,
    rules: tuple[str, ...],
    severity: str,
    fail_on: str | None,
    baseline: Path | None,
    no_baseline: bool,
    update_baseline: bool,
    no_keys: bool,
    who: bool,
    report: str | None,
    quiet: bool,
) -> int:
    """Find what is wrong with the secrets of this repository.

    Who can read what, what is protected and how, what Flux would do with it. Nothing is sent anywhere, and
    nothing is changed. Where your identities open files, their values are judged too, and never shown.
    `fluxsecrets rules show RULE` says what a finding means.

    Exit codes: 0 nothing was found that is bad enough, 1 something was, 2 the audit could not run.
    """
    if who:
        return _show_who(Output(quiet=quiet), report)
    if (baseline is not None and no_baseline) or (update_baseline and no_baseline):
        raise UsageError("--no-baseline contradicts the other option", hint="leave one of them out")
    if update_baseline and commits is not None:
        raise UsageError("--update-baseline takes all there is, not a range", hint="leave out --range")
    options = AuditOptions(
        commits=commits,
        environment=environment,
        rules=rules or None,
        severity=Severity.parse(severity),
        fail_on=None if fail_on in (None, "never") else Severity.parse(fail_on),
        never_fail=fail_on == "never",
        with_keys=not no_keys,
        baseline=baseline,
        use_baseline=not no_baseline,
        update_baseline=update_baseline,
    )
    result = audit(make_session(), options)
    out = Output(quiet=quiet)
    show(result, out, report)
    warn_of_dead_hooks(out)
    return 1 if result.fails else 0


def _show_who(out: Output, report: str | None) -> int:
    from fluxsecrets.ops.checks.matrix import who_reads_what
    from fluxsecrets.report.audit import matrix_json, matrix_notes, matrix_rows

    if report == "sarif":
        raise UsageError("--who is no finding, so that it is no SARIF", hint="use --format json")
    found = who_reads_what(make_session())
    if report == "json":
        out.text([matrix_json(found)])
    else:
        out.table(matrix_rows(found))
        for note in matrix_notes(found):
            out.warning(f"warning: {note}")
    return 0


def show(result: AuditResult, out: Output, report: str | None) -> None:
    """Show what was found."""
    if report == "json":
        from fluxsecrets.report.audit import audit_json

        out.text([audit_json(result)])
    elif report == "sarif":
        from fluxsecrets.report.sarif import sarif

        out.text(
            [
                sarif(
                    result.findings,
                    result.root,
                    version=__version__,
                    rules=all_rules(),
                    known=result.known,
                    allowed=result.allowed,
                )
            ]
        )
    else:
        _show_text(result, out)


def _show_text(result: AuditResult, out: Output) -> None:
    from fluxsecrets.report.audit import note_lines, summary_lines, worst_first
    from fluxsecrets.report.findings_text import remark_lines

    where = path_shower(result.root)
    out.findings(worst_first(result.findings), where)
    sys.stdout.flush()
    for line in remark_lines(result.remarks, where):
        out.warning(line)
    for line in (*note_lines(result.notes, where), *summary_lines(result, where)):
        out.note(line)
