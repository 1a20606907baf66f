"""`fluxsecrets get`."""

from __future__ import annotations

import sys

import click

from fluxsecrets.cli.content import read_input
from fluxsecrets.cli.options import (
    filename_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.values import document_option
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.values import ValueOptions, get_value


@click.command("get")
@click.argument("path")
@click.argument("key")
@click.option("--raw", is_flag=True, help="Do not decode base64 under `data:` of a Secret.")
@click.option("--output-type", type=click.Choice(["yaml", "json"]), help="How to print a map or a list.")
@document_option
@filename_option
@input_type_option
@order_option
@quiet_option
def command(
    *,
    path: str,
    key: str,
    raw: bool,
    output_type: str | None,
    document: int | None,
    filename: str | None,
    input_type: str | None,
    quiet: bool,
) -> int:
    """Print one value of an encrypted file.

    KEY is dotted, such as stringData.password, or '["stringData"]["password"]'; list items count from 0:
    users[0].name. The value's exact bytes are printed; only at a terminal a line break follows them. Under
    `data:` of a Kubernetes Secret the value is decoded from base64.
    """
    session, out = make_session(), Output(quiet=quiet)
    given = read_input(session, path, filename, input_type)
    options = ValueOptions(document=document, raw=raw)
    try:
        value = get_value(session, given.data, given.format, key, options, output_type=output_type)
    except FluxsecretsError as error:
        raise error.in_file(given.shown) from None
    if sys.stdout.isatty() and not value.endswith(b"\n"):
        value += b"\n"
    out.data(value)
    return 0
