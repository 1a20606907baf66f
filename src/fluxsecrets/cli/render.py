"""`fluxsecrets render`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    flux_version_option,
    format_option,
    make_session,
    output_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output, write_output, write_plain


@click.command("render")
@click.option(
    "--env", "environment", cls=LoggedOption, required=True, metavar="NAME", help="The environment."
)
@click.option(
    "--kustomization",
    "names",
    cls=LoggedOption,
    multiple=True,
    metavar="NAME",
    help="Only this Kustomization, NAME or NAMESPACE/NAME; repeatable.",
)
@click.option("--show-values", is_flag=True, help="Print the values of Secrets in plain text.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing: encrypted values are unknown.")
@flux_version_option
@output_option("Write the result to FILE.")
@format_option
@quiet_option
def command(
    *,
    environment: str,
    names: tuple[str, ...],
    show_values: bool,
    no_keys: bool,
    output: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Print what Flux would apply, as YAML documents.

    Every object is printed as it is after build, decryption and substitution, in the order in which Flux
    applies it. A comment names the Kustomization, and the file and line that the object comes from. No
    cluster is contacted.

    The values of Secrets are hidden, even in other objects, annotations and messages. --show-values prints
    them. A value that none of your identities can decrypt is null, with a comment.

    If a Kustomization fails, its error goes to standard error, and none of its objects are printed. `verify`
    shows all that is wrong.

    Exit codes: 0 all is printed, 1 a Kustomization fails, 2 an error.
    """
    from fluxsecrets.ops.checks.render import render
    from fluxsecrets.report.render import FORMATS

    session, out = make_session(), Output(quiet=quiet)
    found = render(session, environment, names, show_values=show_values, with_keys=not no_keys)
    page = FORMATS[report](found)
    if output is None or str(output) == "-":
        out.show(page)
        return found.exit_code
    lines: list[str] = []
    out.into(lines).show(page)
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    if show_values:
        write_plain(session, out, data, output)
    else:
        write_output(session, out, data, output, mode=0o644)
    return found.exit_code
