"""`fluxsecrets verify`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import format_option, make_session, quiet_option
from fluxsecrets.cli.output import Output


@click.command("verify")
@click.option("--env", "environment", required=True, metavar="NAME", help="The environment.")
@click.option("--all", "everything", is_flag=True, help="What is applied as it is, too.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; MACs and values are not looked at.")
@format_option
@quiet_option
def command(*, environment: str, everything: bool, no_keys: bool, report: str, quiet: bool) -> int:
    """Say what Flux would do with each file of an environment.

    Whether it decrypts it, as what and with whose key; applies it as it is, or as ciphertext; or stops. No
    cluster is asked. Where your identities open files, their MACs are checked, and values are looked through
    for variables that Flux would replace.

    Exit codes: 0 all comes out as it was meant, 1 something does not, or it cannot be told whether the
    cluster can read it, 2 an error.
    """
    from fluxsecrets.ops.checks.verify import verify
    from fluxsecrets.report.verify import FORMATS

    found = verify(make_session(), environment, with_keys=not no_keys)
    Output(quiet=quiet).show(FORMATS[report](found, everything))
    return 1 if found.wrong else 0
