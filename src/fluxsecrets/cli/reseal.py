"""`fluxsecrets reseal`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    abort_option,
    dry_run_option,
    end_if_asked,
    env_option,
    make_session,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.sealing import (
    cert_option,
    private_key_option,
    scope_option,
)
from fluxsecrets.ops.sealing.resealfiles import ResealRequest, reseal
from fluxsecrets.report.moved import FORMATS


@click.command("reseal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="All SealedSecrets of the repository.")
@cert_option
@private_key_option
@scope_option
@click.option("--name", cls=LoggedOption, metavar="NAME", help="Rename the only SealedSecret in a file.")
@click.option("--namespace", "-n", metavar="NAME", help="Move SealedSecrets to this namespace.")
@click.option("--renew", is_flag=True, help="Include values that are already sealed for this certificate.")
@dry_run_option
@resume_option
@abort_option
@report_option
@quiet_option
@takes(ResealRequest)
def command(asked: ResealRequest, *, resuming: bool, aborting: bool, report: str, quiet: bool) -> int:
    """Seal SealedSecrets again, in place: for a new certificate, or for another name or namespace.

    The private keys of --private-key or FLUXSECRETS_SEALING_KEYS open the values, which are then sealed for
    the certificate of --cert or of the environment. Only the sealed values change, and the metadata with
    --scope, --name and --namespace. A value that is already sealed for the certificate stays.

    All files are prepared before the first one is replaced. A file that can't be opened is reported, and
    stays unchanged.
    """
    session, out = make_session(), Output(quiet=quiet)
    ended = end_if_asked(session, out, "reseal", resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    batch = reseal(session, asked)
    out.show(FORMATS[report]("reseal", batch))
    return 2 if batch.failed else 0
