"""`fluxsecrets unseal`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    filename_option,
    make_session,
    only_path,
    output_option,
    quiet_option,
)
from fluxsecrets.cli.output import (
    Output,
    write_plain,
)
from fluxsecrets.cli.sealing import OUTPUT_TYPES, in_format, output_type_option, private_key_option
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.run.inputs import read_input


@click.command("unseal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="PATH")
@private_key_option
@output_option("Write the plain text to FILE.", OUTPUT_TYPES)
@output_type_option
@filename_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    private_keys: tuple[Path, ...],
    output: Path | None,
    output_type: str | None,
    filename: str | None,
    quiet: bool,
) -> int:
    """Print SealedSecrets as Secrets.

    Needs a private key of the controller, from --private-key or from the files in FLUXSECRETS_SEALING_KEYS:
    PEM, or the controller's TLS Secrets as kubectl writes them, which may be encrypted with SOPS. Only -o
    writes plain text to disk.
    """
    from fluxsecrets.ops.sealing.unseal import unseal

    session, out = make_session(), Output(quiet=quiet)
    text = only_path(
        paths, "one file at a time; `fluxsecrets convert PATH --to plain` changes files in place"
    )
    given = read_input(session, text, filename, None)
    if output_type is None and output is not None and output.suffix in MANIFEST_SUFFIXES:
        output_type = "json" if output.suffix == ".json" else "yaml"
    opened = unseal(session, given, private_keys)
    write_plain(session, out, in_format(opened.data, output_type, given.target.format, session), output)
    return 0
