"""What `fluxsecrets status` does."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.cli.output import Output, warn_of_dead_hooks
from fluxsecrets.ops.files.status import StatusRequest
from fluxsecrets.ops.files.status import status as status_of
from fluxsecrets.report.status import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


def status(start: Callable[[], Session], asked: StatusRequest, *, report: str, quiet: bool) -> int:
    """Show what is encrypted, for whom, and whether the user can open it.

    Args:
        start: makes the session.
        asked: the files.
        report: format of the output.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    out = Output(quiet=quiet)
    found = status_of(start(), asked)
    out.show(FORMATS[report](found))
    warn_of_dead_hooks(out)
    return 2 if found.failed else 0
