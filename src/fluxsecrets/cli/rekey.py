"""What the commands that change who can open files share."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import Decorator
from fluxsecrets.cli.output import Output, show_remarks
from fluxsecrets.ops.manifests.meant import require_one_way
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, select

all_option: Decorator = click.option(
    "--all", "everything", is_flag=True, help="All encrypted secrets of the repository."
)


def select_for_rekey(
    session: Session,
    paths: tuple[str, ...],
    environment: str | None,
    input_type: str | None,
    *,
    everything: bool,
) -> Selection:
    """The files of a command that never means the whole repository without being told.

    Raises:
        UsageError: nothing was named, or several kinds at once.
        GitError, ConfigError, FileAccessError: see `select`.
    """
    require_one_way(paths, environment, everything=everything)
    return select(session, paths, environment, input_type)


def show_rekeyed(out: Output, command: str, batch: BatchResult, *, as_json: bool) -> None:
    """Show results, as JSON or for people."""
    from fluxsecrets.report.rekey import rekey_json, rekey_rows

    if as_json:
        out.text([rekey_json(command, batch)])
        return
    out.table(rekey_rows(batch.files))
    show_remarks(out, batch)
