"""`fluxsecrets status` and `explain`: what is encrypted and for whom, and which rule says so."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    config_option,
    env_option,
    input_type_option,
    make_session,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.runs.status import status as show_status
from fluxsecrets.ops.files.status import StatusRequest


@click.command("status")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@input_type_option
@report_option
@quiet_option
@takes(StatusRequest)
def status(asked: StatusRequest, *, report: str, quiet: bool) -> int:
    """Show what is encrypted, for whom, and whether you can open it.

    PATH is a file or a folder. Without PATH and --env, every Secret in the repository is shown.
    """
    return show_status(make_session, asked, report=report, quiet=quiet)


@click.command("explain")
@click.argument("path", cls=PathArgument)
@input_type_option
@config_option
@report_option
def explain(*, path: str, input_type: str | None, config: Path | None, report: str) -> int:
    """Show which creation rule applies to a file, for whom, and what it would encrypt."""
    from fluxsecrets.ops.files.explain import explain as explanation_of
    from fluxsecrets.report.explain import FORMATS

    explanation = explanation_of(make_session(config), path, input_type)
    Output().show(FORMATS[report](explanation))
    return 0 if explanation.problem is None else 2
