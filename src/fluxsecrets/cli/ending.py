"""What the commands share that change many files as one: ending a run that was interrupted."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import Decorator
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.session import Session

resume_option: Decorator = click.option(
    "--resume", "resuming", is_flag=True, help="Complete a run that was interrupted."
)
abort_option: Decorator = click.option(
    "--abort", "aborting", is_flag=True, help="Take back a run that was interrupted."
)


def end_if_asked(session: Session, out: Output, name: str, *, resuming: bool, aborting: bool) -> bool:
    """Complete or take back an interrupted run, if that is what was asked for.

    Raises:
        UsageError: nothing was interrupted, or both were asked for.
    """
    if not resuming and not aborting:
        return False
    if resuming and aborting:
        raise UsageError("--resume and --abort are opposites", hint="give one of them")
    from fluxsecrets.ops.run.changes import end_interrupted
    from fluxsecrets.repo.tree import open_tree

    found = end_interrupted(open_tree(session.cwd, limits=session.limits), name, forward=resuming)
    count = f"{len(found.paths)} file{'s' if len(found.paths) != 1 else ''}"
    out.note(f"{count}: {'completed' if resuming else 'taken back'}")
    return True
