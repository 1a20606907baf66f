"""What `fluxsecrets get` does."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fluxsecrets.cli.output import Output
from fluxsecrets.ops.files.getting import ValueRequest, get_value
from fluxsecrets.ops.run.inputs import read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


def get(
    start: Callable[[], Session],
    asked: ValueRequest,
    *,
    output_type: str | None,
    filename: str | None,
    quiet: bool,
) -> int:
    """Print one value of an encrypted file, with a line break at a terminal only.

    Args:
        start: makes the session.
        asked: the value.
        output_type: format of a map or a list, or None.
        filename: with `-`: the file name that the format is chosen by.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    session, out = start(), Output(quiet=quiet)
    given = read_input(session, asked.path, filename, asked.input_type)
    value = get_value(session, given, asked, output_type=output_type)
    if sys.stdout.isatty() and not value.endswith(b"\n"):
        value += b"\n"
    out.data(value)
    return 0
