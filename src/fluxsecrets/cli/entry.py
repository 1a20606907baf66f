"""Where the executable starts; it stays small, since every command pays for what it imports."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from fluxsecrets import __version__

_COLLECT_AFTER = 50_000
"""New objects after which Python looks for cycles among them; by default 700."""


_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"fluxsecrets {__version__}\n")
        return
    # What a file is parsed to holds no cycles and goes when it is done; looking for some takes a sixth of
    # the time. Worker processes that are forked inherit this.
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    if sys.argv[1:4] == ["hook", "run", "pre-commit"] and _passes(sys.argv[4:]):
        os._exit(0)
    from fluxsecrets.cli.app import INTERRUPTED, run

    code = run(sys.argv[1:])
    # After an interruption everything of ours is cleaned up, and Python would wait for worker processes that
    # may have been cut off in the middle, and complain. Without workers it would only take its modules apart,
    # which is a tenth of the time that a file takes.
    if code in INTERRUPTED or "multiprocessing" not in sys.modules:
        _flush()
        os._exit(code)
    sys.exit(code)


def _passes(arguments: list[str]) -> bool:
    """Whether a commit passes without a word; whatever else there is to say, the command line says.

    A commit waits for this, and the command line's own machinery takes half as long as the scan.
    """
    if any(text.startswith("-") for text in arguments):
        return False
    try:
        from fluxsecrets.ops.hookscan import commit_request, import_yaml
        from fluxsecrets.ops.scan import scan

        import_yaml()
        result = scan(commit_request(arguments))
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)
    except Exception:  # noqa: BLE001 - it will happen again, where it can be told
        return False
    return result.clean and not result.remarks


def _flush() -> None:
    for stream in filter(None, (sys.stdout, sys.stderr)):  # either may be closed
        with suppress(OSError, ValueError):
            stream.flush()
