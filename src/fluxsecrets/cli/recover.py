"""`fluxsecrets recover`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import format_option, make_session, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError

if TYPE_CHECKING:
    from fluxsecrets.ops.people.recover import Recovery
    from fluxsecrets.ops.run.journal import Way


@click.command("recover")
@click.option("--resume", "resuming", is_flag=True, help="Complete the operation.")
@click.option("--abort", "aborting", is_flag=True, help="Take the operation back.")
@click.option("--leave", "leaving", is_flag=True, help="End the operation without changing a file.")
@click.option("--show", "kept", metavar="FILE", help="Print a version that is kept locked (*.locked).")
@click.option("--all", "everything", is_flag=True, help="List all files, however many.")
@format_option
@quiet_option
def command(
    *,
    resuming: bool,
    aborting: bool,
    leaving: bool,
    kept: str | None,
    everything: bool,
    report: str,
    quiet: bool,
) -> int:
    """Show what an interrupted command left, and end it.

    Lists the files of the operation: done, pending, or changed by somebody meanwhile. At a terminal it asks
    how to go on; elsewhere, give --resume, --abort or --leave. A file that somebody changed stays as it is,
    and both of its versions are kept in .git/fluxsecrets/kept, encrypted: none of the ways loses anything.
    --leave always works, even if the journal is damaged or came from another machine.

    Exit codes: 0 nothing is left to do, 1 an operation waits, or files were changed meanwhile and need a
    look, 2 an error.
    """
    from fluxsecrets.ops.people.recover import find_interrupted
    from fluxsecrets.ops.people.recover import recover as end
    from fluxsecrets.report.recover import FORMATS, OUTCOME_FORMATS

    way = _way(resuming=resuming, aborting=aborting, leaving=leaving)
    session, out = make_session(), Output(quiet=quiet)
    if kept is not None:
        if way is not None:
            raise UsageError("--show stands alone", hint="end the operation with a second command")
        from fluxsecrets.ops.run.kept import open_kept

        out.data(open_kept(session.cwd / kept))
        return 0
    if way is None:
        found = find_interrupted(session)
        out.show(FORMATS[report](found, session.cwd, everything))
        way = _ask(found) if report == "text" else None
        if way is None:
            return 1 if found.ways else 0
    ended = end(session, way)
    out.show(OUTCOME_FORMATS[report](ended, session.cwd))
    return 1 if getattr(ended, "kept", ()) else 0


def _way(*, resuming: bool, aborting: bool, leaving: bool) -> Way | None:
    from fluxsecrets.ops.run.journal import Way

    given = [way for way, on in zip(Way, (resuming, aborting, leaving), strict=True) if on]
    if len(given) > 1:
        raise UsageError("--resume, --abort and --leave exclude each other", hint="give one of them")
    return given[0] if given else None


def _ask(found: Recovery) -> Way | None:
    """Ask how to end it, if there is somebody to ask."""
    from fluxsecrets.ops.run.journal import Way

    if not found.ways or not _somebody_looks():
        return None
    choices = [*map(str, found.ways), "nothing"]
    answer = click.prompt("what now?", type=click.Choice(choices), default="nothing", err=True)
    return None if answer == "nothing" else Way(answer)


def _somebody_looks() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
