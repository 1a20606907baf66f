"""`fluxsecrets masked`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    make_session,
    order_option,
    output_option,
    quiet_option,
    shell_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError

_COMMAND = "fluxsecrets.masked.command"
_MOST = 2


class RevisionsThenCommand(click.Command):
    """`[OPTIONS] [REV [REV]] -- COMMAND…`: what is behind `--` is never taken for an option of ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what is behind `--`; click would add it to the other words."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_COMMAND] = tuple(args[end + 1 :])
        return super().parse_args(ctx, args[:end])


@click.command("masked", cls=RevisionsThenCommand, options_metavar="[OPTIONS]")
@click.argument("revisions", cls=LoggedArgument, nargs=-1, metavar="[REV [REV]] -- COMMAND [ARG]...")
@click.option(
    "--env",
    "environment",
    cls=LoggedOption,
    metavar="NAME",
    help="Leave out files that belong to other environments only.",
)
@output_option("Write the tree to a new folder instead of running a command.", metavar="DIR")
@click.option(
    "--stable",
    is_flag=True,
    help="Make the same placeholders in every run, with a key derived from your age identities.",
)
@click.option("--as-is", is_flag=True, help="Leave SealedSecrets and ExternalSecrets as they are.")
@click.option(
    "--keep-env",
    "kept",
    cls=LoggedOption,
    multiple=True,
    metavar="NAME",
    help="Pass on a variable that leads to keys, such as AWS_SESSION_TOKEN; repeatable.",
)
@click.option(
    "--show-values",
    is_flag=True,
    help="Decrypt instead of masking: the command can read every value.",
)
@shell_option
@order_option
@quiet_option
def command(
    *,
    revisions: tuple[str, ...],
    environment: str | None,
    output: Path | None,
    stable: bool,
    as_is: bool,
    kept: tuple[str, ...],
    show_values: bool,
    shell: bool,
    quiet: bool,
) -> int:
    """Run a command on a copy of the repository in which every secret is a placeholder.

    The copy is called the masked tree. It has the files that git tracks or would track, of the work tree or
    of REV. {} in the command is its path; two revisions need two {}. A command without {} runs inside of the
    tree, in the folder that matches the working directory. The tree is private, in memory if the system
    offers that, and removed when the command ends.

    A placeholder has the shape of the value: base64 that decodes, a URL with its host, a number. `sops`
    blocks and encrypted comments are gone. SealedSecrets and ExternalSecrets are the Secrets that they
    stand for. Within a run, equal values have equal placeholders. Secrets in plain text are masked, too;
    other plain text that `scan` would find stays.

    No key is needed: a value that none of your identities can decrypt has a placeholder made from its
    ciphertext.

    Exit codes: the command's, 128+N if signal N ended it, 127 if it does not exist; 1 if it is 0 and a file
    has a wrong MAC, or had to be left out; 2 another error.
    """
    from fluxsecrets.ops.exec.child import Command
    from fluxsecrets.ops.masked.model import MaskOptions
    from fluxsecrets.ops.masked.run import run_masked, write_masked
    from fluxsecrets.report.masked import masked_page

    arguments: tuple[str, ...] = click.get_current_context().meta[_COMMAND]
    _refuse_contradictions(revisions, arguments, output)
    session, out = make_session(), Output(quiet=quiet)
    options = MaskOptions(environment, as_is, stable, show_values)
    if output is not None:
        found = write_masked(session, revisions, output, options)
        out.show(masked_page(found))
        return found.exit_code
    wanted = Command(arguments, shell)
    return run_masked(
        session, revisions, wanted, options, kept=kept, tell=lambda found: out.show(masked_page(found))
    )


def _refuse_contradictions(
    revisions: tuple[str, ...], arguments: tuple[str, ...], output: Path | None
) -> None:
    if output is not None and arguments:
        raise UsageError("--output and a command exclude each other", hint="leave out one of them")
    if len(revisions) > _MOST:
        raise UsageError(
            f"{len(revisions)} revisions were given, and two can be compared",
            hint="put the command behind --, such as: fluxsecrets masked -- kustomize build {}/apps",
        )
    if output is None and not arguments:
        raise UsageError(
            "there is no command to run",
            hint="put it behind --, such as: fluxsecrets masked -- kustomize build {}/apps; "
            "or write the tree with --output DIR",
        )
