"""`fluxsecrets keys`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import make_session, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.ops.keys import new_key


@click.group("keys")
def command() -> None:
    """Make and manage identities."""


@command.command("generate")
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add the private key to this file.",
)
@quiet_option
def generate(name: str | None, output: Path | None, quiet: bool) -> int:
    """Make an age identity and print its public key.

    The private key is added to SOPS_AGE_KEY_FILE, or else to sops's own key file, readable by you alone.
    With NAME the public key is also written to keys/NAME.pub of the repository.
    """
    session, out = make_session(), Output(quiet=quiet)
    made = new_key(session, name, output)
    out.text([made.recipient])
    out.note(
        f"the private key was added to {made.key_file}: back it up, whoever has it can read your secrets"
    )
    for warning in made.warnings:
        out.warning(f"warning: {warning}")
    if made.public_file is not None:
        out.note(f"the public key is in {made.public_file}")
    out.note("to encrypt for it, add the public key to the creation rules of .sops.yaml")
    return 0
