"""Where the executable starts; it stays small, since every command pays for what it imports."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from fluxsecrets import __version__
from fluxsecrets.ops.exec.coredumps import disable_core_dumps

_COLLECT_AFTER = 50_000
"""New objects after which Python looks for cycles among them; by default 700."""


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"fluxsecrets {__version__}\n")
        return
    disable_core_dumps()
    # What a file is parsed to holds no cycles and goes when it is done; looking for some takes a sixth of
    # the time. Worker processes that are forked inherit this.
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    from fluxsecrets.cli.guard import INTERRUPTED

    code = _run(sys.argv[1:])
    # After an interruption everything of ours is cleaned up, and Python would wait for worker processes that
    # may have been cut off in the middle, and complain. Without workers it would only take its modules apart,
    # which is a tenth of the time that a file takes.
    if code in INTERRUPTED or "multiprocessing" not in sys.modules:
        _flush()
        os._exit(code)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run a command line. The commit hook runs without click, whose import takes half as long as its scan."""
    if arguments[:3] == ["hook", "run", "pre-commit"] and not any(
        text.startswith("-") for text in arguments[3:]
    ):
        from fluxsecrets.cli.guard import guarded
        from fluxsecrets.cli.hookrun import run_hook

        return guarded(lambda: run_hook("pre-commit", tuple(arguments[3:])))[0]
    from fluxsecrets.cli.app import run

    return run(arguments)


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # either may be closed
        with suppress(OSError, ValueError):
            stream.flush()
