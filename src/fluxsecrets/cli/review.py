"""`fluxsecrets review`."""

from __future__ import annotations

from dataclasses import dataclass

import click

from fluxsecrets.cli.findings import report_file_option, reports_option
from fluxsecrets.cli.options import make_session, quiet_option, takes
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.report.review import FORMATS

_SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What to review."""

    commits: str | None
    staged: bool
    uncommitted: bool
    no_keys: bool
    fail_on: str


@click.command("review")
@click.argument("commits", required=False, metavar="[RANGE]")
@click.option("--staged", is_flag=True, help="What is staged for the next commit.")
@click.option("--uncommitted", is_flag=True, help="The work tree, compared with the last commit.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; compare ciphertexts.")
@click.option(
    "--fail-on",
    type=click.Choice([*_SEVERITIES, "never"]),
    default="high",
    show_default=True,
    help="Lowest severity that exits with 1.",
)
@click.option(
    "--format",
    "report",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="Format of the output.",
)
@report_file_option
@reports_option(FORMATS)
@quiet_option
@takes(_Asked, Reports)
def command(asked: _Asked, reports: Reports, *, quiet: bool) -> int:
    """Show what a change does to secrets, for the person who reviews it.

    RANGE is A..B for what the commits of B do that A does not have, or one commit. Default: what HEAD has
    beyond the target branch. GitHub Actions and GitLab CI name that branch; elsewhere it is the remote's
    default branch.

    Shows per environment which values change, who gains or loses access, what is protected less, what Flux
    would do differently, and new plain text. The change is judged by the settings before it. Values are never
    shown. Works without keys, and reports what it could not see.

    Exit codes: 0 no item reaches --fail-on, 1 an item does, 2 an error.
    """
    from fluxsecrets import __version__
    from fluxsecrets.findings import Severity
    from fluxsecrets.ops.review.review import ReviewRequest, review

    reports.refuse()
    fail_on = None if asked.fail_on == "never" else Severity.parse(asked.fail_on)
    request = ReviewRequest(asked.commits, asked.staged, asked.uncommitted, not asked.no_keys, fail_on)
    found = review(make_session(), request)
    reports.write(Output(quiet=quiet), lambda name: FORMATS[name](found, __version__))
    return 1 if found.fails else 0
