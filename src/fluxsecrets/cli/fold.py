"""`fluxsecrets fold`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    abort_option,
    accept_option,
    config_option,
    dry_run_option,
    end_if_asked,
    make_session,
    order_option,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.ops.propose.model import FoldRequest


@click.command("fold")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@click.option("--outdated", is_flag=True, help="Fold proposals whose key was changed after them, too.")
@accept_option
@dry_run_option
@resume_option
@abort_option
@order_option
@config_option
@report_option
@quiet_option
@takes(FoldRequest)
def command(
    asked: FoldRequest, *, resuming: bool, aborting: bool, config: Path | None, report: str, quiet: bool
) -> int:
    """Move the values of proposals into their Secrets, and remove the proposals.

    PATH is a Secret's file, a proposal, or a folder; without PATH, all proposals of the repository are
    folded. Needs an identity that can decrypt the Secrets and the proposals.

    Everything is prepared and checked before the first file changes: each MAC, the recipients, that a
    proposal changes values only, and that Flux applies the same afterwards. If anything is wrong, nothing is
    written. A proposal is refused if its key was changed in the Secret after it; --outdated takes it.
    Values are never shown.
    """
    from fluxsecrets.ops.propose.fold import COMMAND, fold
    from fluxsecrets.report.propose import FOLD_FORMATS

    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    done = fold(session, asked)
    out.show(FOLD_FORMATS[report](done))
    return 2 if done.failed else 0
