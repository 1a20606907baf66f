"""`fluxsecrets log`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.options import Decorator, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.logged import LOG, configured

_SHOWN = 20

_file_option: Decorator = click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read this log instead of the configured one.",
)


@click.group("log", cls=SuggestingGroup, invoke_without_command=True)
@_file_option
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=1),
    default=_SHOWN,
    metavar="N",
    show_default=True,
    help="Number of entries, from the end.",
)
@click.option("--all", "everything", is_flag=True, help="Show the whole log.")
@click.option("--path", metavar="TEXT", help="Only files whose path contains this.")
@click.option("--user", metavar="NAME", help="Only entries of this user.")
@report_option
@quiet_option
@click.pass_context
def command(
    context: click.Context,
    *,
    file: Path | None,
    lines: int,
    everything: bool,
    path: str | None,
    user: str | None,
    report: str,
    quiet: bool,
) -> int:
    """Show what was done with secrets here, newest last.

    `log:` in .fluxsecrets.yaml sets up a log for a repository, FLUXSECRETS_LOG for a machine. An entry has
    the user, the time, the command, the files, the keys that opened them, and the outcome; never a value.
    """
    if context.invoked_subcommand is not None:
        return 0
    from fluxsecrets.ops.log.logview import read_entries
    from fluxsecrets.report.log import ENTRY_FORMATS

    last = None if everything else lines
    found = [(place, *read_entries(place, path=path, user=user, last=last)) for place in _places(file)]
    Output(quiet=quiet).show(ENTRY_FORMATS[report](found))
    return 0


@command.command("verify", short_help="Check that nobody changed the log.")
@_file_option
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="LINE:HASH",
    help="Check that this line, printed by an earlier check, is unchanged.",
)
@report_option
@quiet_option
def verify_(file: Path | None, anchors: tuple[str, ...], report: str, quiet: bool) -> int:
    """Check that no line of the log was changed, removed, added or moved; exit with 1 if one was.

    Prints the anchor of the last line. Keep it where nobody who works here can change it, and pass it to a
    later check: it detects even a log that was rewritten as a whole.
    """
    from fluxsecrets.ops.log.logfile import head_path, verify
    from fluxsecrets.report.log import VERDICT_FORMATS

    found = [
        (
            place,
            verify(place, anchors),
            not os.path.lexists(place) and not os.path.lexists(head_path(place)),
        )
        for place in _places(file)
    ]
    Output(quiet=quiet).show(VERDICT_FORMATS[report](found))
    return 1 if any(verdict.problems for _, verdict, _ in found) else 0


def _places(file: Path | None) -> tuple[Path, ...]:
    """The named log, or else those that are set up.

    Raises:
        UsageError: nothing was named.
    """
    cwd = Path.cwd()
    if file is not None:
        if not (cwd / file).exists():
            raise UsageError("there is no such log", hint=f"check the spelling of {file}")
        return (cwd / file,)
    found = tuple(place.path for place in configured(os.environ, cwd))
    if not found:
        raise UsageError(
            "no log is set up here",
            hint=f"add `log: {{required: true}}` to .fluxsecrets.yaml, or set {LOG} to the path of a file",
        )
    return found
