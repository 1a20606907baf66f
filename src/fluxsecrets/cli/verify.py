"""`fluxsecrets verify`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import format_option, make_session, quiet_option
from fluxsecrets.cli.output import Output


@click.command("verify")
@click.option("--env", "environment", required=True, metavar="NAME", help="The environment.")
@click.option("--all", "everything", is_flag=True, help="Also list files that are applied unchanged.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing, and skip MACs and values.")
@format_option
@quiet_option
def command(*, environment: str, everything: bool, no_keys: bool, report: str, quiet: bool) -> int:
    """Show what Flux would do with each file of an environment.

    Flux decrypts a file (as which format, with whose key), applies it unchanged, applies its ciphertext, or
    stops. No cluster is contacted. If your identities can open files, their MACs are checked, and their
    values are searched for variables that Flux would replace.

    Exit codes: 0 every file turns out as intended, 1 a file does not, or may be unreadable for the cluster,
    2 an error.
    """
    from fluxsecrets.ops.checks.verify import verify
    from fluxsecrets.report.verify import FORMATS

    found = verify(make_session(), environment, with_keys=not no_keys)
    Output(quiet=quiet).show(FORMATS[report](found, everything))
    return found.exit_code
