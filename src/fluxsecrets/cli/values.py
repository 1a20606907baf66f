"""`fluxsecrets get`, `set` and `unset`: one value of an encrypted file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    PathArgument,
    ValueArgument,
    accept_option,
    allow_invalid_option,
    config_option,
    document_option,
    dry_run_option,
    filename_option,
    format_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.runs.get import get as get_value
from fluxsecrets.cli.runs.set import set_value
from fluxsecrets.cli.runs.valuesource import ValueSource
from fluxsecrets.cli.sealing import cert_option, private_key_option
from fluxsecrets.cli.valuesource import source_options
from fluxsecrets.ops.files.getting import ValueRequest
from fluxsecrets.ops.files.values import unset_value
from fluxsecrets.ops.sealing.sealers import Sealers, is_sealed_file


@click.command("get")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@click.option("--raw", is_flag=True, help="Do not decode base64 under `data:` of a Secret.")
@click.option("--output-type", type=click.Choice(["yaml", "json"]), help="Format for a map or a list.")
@document_option
@filename_option
@input_type_option
@order_option
@quiet_option
@takes(ValueRequest)
def get(asked: ValueRequest, *, output_type: str | None, filename: str | None, quiet: bool) -> int:
    """Print one value of an encrypted file.

    KEY is stringData.password or '["stringData"]["password"]'; list items count from 0: users[0].name.
    Prints the value's exact bytes, and adds a line break only at a terminal. Decodes base64 under `data:`
    of a Kubernetes Secret.
    """
    return get_value(make_session, asked, output_type=output_type, filename=filename, quiet=quiet)


@click.command("set")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@click.argument("value", cls=ValueArgument, required=False)
@source_options
@click.option("--json", "as_json", is_flag=True, help="The value is JSON, such as a number, a list or a map.")
@click.option("--raw", is_flag=True, help="The value for `data:` of a Secret is already base64.")
@click.option("--plain", is_flag=True, help="Add the value even if the selector leaves it in plain text.")
@document_option
@accept_option
@allow_invalid_option
@dry_run_option
@input_type_option
@order_option
@config_option
@cert_option
@private_key_option
@format_option
@quiet_option
@takes(ValueRequest, ValueSource, Sealers)
def set_(
    asked: ValueRequest,
    source: ValueSource,
    sealers: Sealers,
    *,
    as_json: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Set one value of an encrypted file.

    KEY is as for `get`. A new key is added, and so is a list item right after the last. Without VALUE and
    options, `set` asks for the value at the terminal. The value is a string. With --json it is JSON, and so
    is VALUE if KEY is in brackets, as in sops. Under `data:` of a Kubernetes Secret it is encoded in base64.
    Everything else stays unchanged, byte for byte, except the MAC and the time of the change.

    In a SealedSecret, KEY is a key of the Secret, and the certificate is enough to set it.
    """
    return set_value(
        partial(make_session, config),
        asked,
        source,
        sealers,
        as_json=as_json,
        report=report,
        quiet=quiet,
    )


@click.command("unset")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@document_option
@accept_option
@allow_invalid_option
@dry_run_option
@input_type_option
@order_option
@config_option
@format_option
@quiet_option
@takes(ValueRequest)
def unset(asked: ValueRequest, *, config: Path | None, report: str, quiet: bool) -> int:
    """Remove one key or list item of an encrypted file.

    KEY is as for `get`. The comments right above it are removed too. Everything else stays unchanged.
    """
    from fluxsecrets.report.values import FORMATS

    session, out = make_session(config), Output(quiet=quiet)
    if is_sealed_file(session, asked.path):
        from fluxsecrets.ops.sealing.edit import unset_sealed

        out.show(FORMATS[report]("unset", unset_sealed(session, asked)))
    else:
        out.show(FORMATS[report]("unset", unset_value(session, asked)))
    return 0
