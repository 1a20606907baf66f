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
from fluxsecrets.cli.output import Output, warn_of_dead_hooks
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.ops.files.status import StatusRequest
from fluxsecrets.ops.files.status import status as status_of


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
    from fluxsecrets.report.status import FORMATS

    out = Output(quiet=quiet)
    found = status_of(make_session(), asked)
    out.show(FORMATS[report](found))
    warn_of_dead_hooks(out)
    return 2 if found.failed else 0


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
