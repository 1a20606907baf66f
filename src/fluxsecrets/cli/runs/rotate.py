"""What `fluxsecrets rotate` does, but for new identities."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.cli.output import Output, show_rekeyed
from fluxsecrets.ops.people.rotate import RotateRequest, plan_rotation
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.report.rekey import rotation_notes, rotation_plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


def rotate(start: Callable[[], Session], asked: RotateRequest, *, report: str, quiet: bool) -> int:
    """Give files new data keys.

    Args:
        start: makes the session.
        asked: which files, and how.
        report: format of the report.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    session, out = start(), Output(quiet=quiet)
    plan = plan_rotation(session, asked)
    out.plan(rotation_plan(plan), report)
    # No rule changes here: each file is as good as the others allow, and the next run takes up what failed.
    done = plan.rekeying.run(out.watch("rotating"), write=not asked.dry_run, partial=True)
    return show_rekeyed(out, "rotate", BatchResult(done.files, rotation_notes(plan, done.files)), report)
