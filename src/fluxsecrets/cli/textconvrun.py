"""The textconv: git starts a process for every version of every file that it shows.

So this module imports next to nothing, and most files are shown without more. What the short way does not
know takes the long one, and so do values, if the user wants to see them.
"""

from __future__ import annotations

import os
import sys

from fluxsecrets.ops.compare.lean import MOST, lean_text

from .textconvshow import may_want_values


def main() -> None:
    """Run the command `textconv`, and end the process."""
    shown = _shortly(sys.argv[1:])
    if shown is None:
        from .entry import main as run_command_line

        run_command_line()
        return
    try:
        sys.stdout.buffer.write(shown.encode())
        sys.stdout.buffer.flush()
    except OSError:  # git does not want more
        os._exit(1)
    os._exit(0)  # Python would take its modules apart first


def _shortly(arguments: list[str]) -> str | None:
    if len(arguments) != 2 or sys.stdout is None or may_want_values(os.environ):
        return None
    try:
        with open(arguments[1], "rb") as stream:  # noqa: PTH123 - pathlib takes longer than all the rest
            return lean_text(stream.read(MOST + 1), arguments[1])
    except OSError:
        return None
