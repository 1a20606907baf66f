"""`fluxsecrets status`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import (
    PathArgument,
    env_option,
    format_option,
    input_type_option,
    make_session,
    quiet_option,
)
from fluxsecrets.cli.output import Output, show_errors, warn_of_dead_hooks
from fluxsecrets.ops.files.status import State, StatusOptions, file_states, summary
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.targets import select
from fluxsecrets.report.text import drift_lines, status_rows
from fluxsecrets.shell import command_for


@click.command("status")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@input_type_option
@format_option
@quiet_option
def command(
    paths: tuple[str, ...], environment: str | None, input_type: str | None, report: str | None, quiet: bool
) -> int:
    """Show what is encrypted, for whom, and whether you can open it.

    PATH is a file or a folder; without PATH and --env it is every Secret in the repository.
    """
    session, out = make_session(), Output(quiet=quiet)
    selection = select(session, paths, environment, input_type)
    options = StatusOptions(read_public_keys(selection.root))
    states = tuple(
        out.progress(file_states(session, selection.targets, options), len(selection.targets), "looking")
    )
    if report == "json":
        from fluxsecrets.report.json import status_json

        out.text([status_json(states, selection.notes)])
    else:
        out.table(status_rows(states))
        for note in selection.notes:
            out.note(f"note: {note}")
        show_errors(out, [status.error for status in states if status.error is not None])
        out.note(summary(states))
        if any(status.state is State.PLAIN for status in states):
            out.note(f"encrypt what is plain: {command_for('encrypt', paths, environment)}")
        for line in drift_lines([(status.path, status.drift) for status in states]):
            out.note(line)
    warn_of_dead_hooks(out)
    return 2 if any(status.state is State.FAILED for status in states) else 0
