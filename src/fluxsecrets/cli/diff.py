"""`fluxsecrets diff`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import PathArgument, make_session, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import formats_option

_BEHIND = "fluxsecrets.diff.paths"


class RevisionsThenPaths(click.Command):
    """A command that knows `--`: what is behind it is a path, even if it looks like a revision."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what is behind `--`; click would add it to the other words."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_BEHIND] = tuple(args[end + 1 :])
        return super().parse_args(ctx, args[:end])


@click.command("diff", cls=RevisionsThenPaths, options_metavar="[OPTIONS]")
@click.argument("words", cls=PathArgument, nargs=-1, metavar="[REV [REV]] [PATH]... [-- PATH...]")
@click.option("--staged", is_flag=True, help="Compare with the index instead of the work tree.")
@click.option("--show-values", is_flag=True, help="Print the values themselves.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; compare ciphertexts, and check no MAC.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything differs.")
@formats_option("text", "json", "markdown")
@quiet_option
def command(
    *,
    words: tuple[str, ...],
    staged: bool,
    show_values: bool,
    no_keys: bool,
    exit_code: bool,
    report: str,
    quiet: bool,
) -> int:
    """Show which values of secrets differ between two states of the repository.

    Without REV, the work tree is compared with HEAD; with one, with that commit. Two revisions, or a range
    such as main..HEAD, compare commits. main...HEAD starts where the two part.

    \b
      +  a new value
      ~  a changed value
      -  a removed value
      =  the same value, encrypted anew
      ?  a new ciphertext: only a key tells if the value is

    Values are not shown, but their type, a range for their length in bytes, and a token. Equal values have
    equal tokens within one run, even in different files. Under `data:` of a Secret, all of that is about what
    the base64 decodes to.

    No key is needed. If your identities can decrypt a file, its values are compared, and its MAC is checked.

    Exit codes: 0, or 1 if something differs and --exit-code is given; 2 a file can't be read, or another
    error.
    """  # noqa: D301 - click's mark
    from fluxsecrets.ops.compare.diff import DiffRequest, diff
    from fluxsecrets.report.diff import FORMATS

    behind = click.get_current_context().meta[_BEHIND]
    request = DiffRequest(words, behind, staged, show_values, no_keys)
    found = diff(make_session(), request)
    Output(quiet=quiet).show(FORMATS[report](found))
    if found.failed:
        return 2
    return 1 if exit_code and found.files else 0
