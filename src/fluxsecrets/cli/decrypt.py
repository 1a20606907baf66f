"""`fluxsecrets decrypt`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import (
    FORMAT_NAMES,
    LoggedOption,
    PathArgument,
    env_option,
    filename_option,
    format_option,
    input_type_option,
    make_session,
    order_option,
    output_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.runs.decrypt import DecryptRequest, decrypt


@click.command("decrypt")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@click.option("-i", "--in-place", is_flag=True, help="Replace the files with their plain text.")
@env_option
@output_option("Write the plain text to FILE.", FORMAT_NAMES)
@click.option(
    "--extract",
    "key",
    cls=LoggedOption,
    metavar="KEY",
    help="""Print one value: data.password, or '["data"]["password"]'.""",
)
@click.option(
    "--output-type", type=click.Choice(FORMAT_NAMES), help="Write this format instead of the file's own."
)
@filename_option
@input_type_option
@order_option
@format_option
@quiet_option
@takes(DecryptRequest)
def command(asked: DecryptRequest, *, report: str, quiet: bool) -> int:
    """Print a file decrypted; with -i decrypt files in place.

    The file's MAC is checked before anything is printed or written. Only -i and -o write plain text to
    disk, and only -i takes several files, folders, or --env.
    """
    return decrypt(make_session, asked, report=report, quiet=quiet)
