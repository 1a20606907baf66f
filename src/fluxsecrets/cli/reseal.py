"""`fluxsecrets reseal`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    abort_option,
    end_if_asked,
    env_option,
    format_option,
    make_session,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output
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
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="Give the one SealedSecret in a file this name."
)
@click.option("--namespace", "-n", metavar="NAME", help="Move SealedSecrets to this namespace.")
@click.option("--renew", is_flag=True, help="Also what is sealed for this certificate already.")
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would happen.")
@resume_option
@abort_option
@format_option
@quiet_option
@takes(ResealRequest)
def command(asked: ResealRequest, *, resuming: bool, aborting: bool, report: str, quiet: bool) -> int:
    """Seal SealedSecrets anew, in place: for the controller's new certificate, or for another place.

    The values are opened with the private keys of --private-key or FLUXSECRETS_SEALING_KEYS, and sealed for
    the certificate of --cert or of the environment. Only the sealed values' text changes, and with --scope,
    --name and --namespace what the metadata say. A value that the certificate's own key opens stays.

    All files are prepared before the first is replaced; what does not open is listed and stays as it is.
    """
    session, out = make_session(), Output(quiet=quiet)
    if end_if_asked(session, out, "reseal", resuming=resuming, aborting=aborting):
        return 0
    batch = reseal(session, asked)
    out.show(FORMATS[report]("reseal", batch))
    return 2 if batch.failed else 0
