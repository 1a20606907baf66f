"""`fluxsecrets propose`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    PathArgument,
    abort_option,
    accept_option,
    config_option,
    document_option,
    dry_run_option,
    end_if_asked,
    make_session,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.runs.valuesource import ValueSource, read_value
from fluxsecrets.cli.valuesource import source_options
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.propose.model import ProposeRequest


@click.command("propose")
@click.argument("path", cls=PathArgument, required=False)
@click.argument("key", cls=LoggedArgument, required=False)
@source_options
@click.option("--remove", is_flag=True, help="Propose to remove the key.")
@click.option("--raw", is_flag=True, help="The value is base64: decode it first.")
@click.option(
    "--env", "environment", cls=LoggedOption, metavar="NAME", help="For this environment alone; default: all."
)
@click.option(
    "--kustomization",
    cls=LoggedOption,
    metavar="FILE",
    help="The kustomization file that is to name the proposal, if several bring the Secret.",
)
@click.option(
    "--create-kustomization",
    is_flag=True,
    help="If the folder has no kustomization file, write one with the files that Flux takes there now.",
)
@document_option
@accept_option
@dry_run_option
@resume_option
@abort_option
@config_option
@report_option
@quiet_option
@takes(ProposeRequest, ValueSource)
def command(
    asked: ProposeRequest,
    source: ValueSource,
    *,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Propose a value for a Secret that you can't decrypt.

    PATH is the Secret's encrypted file, and KEY a key of the Secret, new or not. Without options, `propose`
    asks for the value at the terminal. KEY may be written as for `set`: stringData.password and data.password
    are the same key. The value is what the application gets.

    Writes an encrypted patch for the recipients of the file, with a data key of its own, and names it under
    `patches` of the kustomization file beside it. Flux 2.5 and newer decrypts the patch and applies the
    value. The Secret's file stays as it is. Afterwards you can't read the value. A holder of a key moves it
    into the Secret with `fluxsecrets fold`.

    Before anything is written, it is checked that Flux applies the result, and all else as before.
    """
    from fluxsecrets.ops.propose.propose import COMMAND, propose
    from fluxsecrets.report.propose import FORMATS

    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    if not asked.path or not asked.key:
        raise UsageError(
            "name the Secret's file and a key", hint="such as: fluxsecrets propose FILE password"
        )
    source.refuse_two("--stdin, --value-file and --generate")
    if asked.remove and source != ValueSource():
        raise UsageError("--remove takes no value", hint="leave it out")
    hint = "add --stdin, --value-file FILE or --generate password:32"
    done = propose(session, asked, lambda: read_value(session, source, hint))
    out.show(FORMATS[report](done))
    return 0
