"""Where the executable starts and ends.

Nothing heavy is imported here: the agent may answer, and then nothing else is.
"""

from __future__ import annotations

import sys

from .agent.client import ABSENT, LOST, ask
from .agent.forms import MAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_COMPLETE = "__complete"
"""What the scripts of `completion` call, each time that the user presses the key."""

EXIT_CLEAN, EXIT_ERROR, _LAST_ORDINARY, _INTERRUPTED = 0, 2, 127, 130


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"] and sys.stdout is not None:
        sys.exit(_version())
    if arguments[:1] == [_COMPLETE]:
        import os

        from .completion.answer import answer, end_in_time

        end_in_time()
        os._exit(answer(arguments[1:]))
    end(without_traceback(lambda: _answer(arguments)))


def _answer(arguments: list[str]) -> int:
    code = ask(MAIN, arguments)
    return code if code >= 0 else _run(arguments, code)


def without_traceback(run_here: Callable[[], int]) -> int:
    """Run a command line, and return its exit code, where Ctrl-C comes before or behind what reports it."""
    try:
        return run_here()
    except KeyboardInterrupt:
        import os

        try:  # noqa: SIM105 - contextlib takes longer to import
            os.write(2, b"error: interrupted\n")
        except OSError:
            pass
        return _INTERRUPTED


def _run(arguments: list[str], asked: int) -> int:
    """Run the command line in this process, after the agent was asked."""
    from .lightimports import prepare

    prepare()
    from fluxsecrets.programs import disable_core_dumps

    disable_core_dumps()
    from .dispatch import NO_AGENT_OPTION, dispatch

    if asked == LOST:
        return lost(EXIT_ERROR)
    if asked == ABSENT or NO_AGENT_OPTION in arguments:
        return dispatch(arguments)
    return handing_over(lambda: dispatch(arguments))


def _version() -> int:
    from fluxsecrets import __version__

    try:
        sys.stdout.write(f"fluxsecrets {__version__}\n")
        sys.stdout.flush()
    except OSError as error:
        from .ending import report

        return report(error)[0]
    return EXIT_CLEAN


def run(arguments: Sequence[str]) -> int:
    """Run a command line in this process, see `dispatch.run`."""
    from .dispatch import run as run_here

    return run_here(arguments)


def lost(code: int) -> int:
    """Say that the agent ended in the middle of its answer, and return an exit code."""
    from .ending import say

    say("error: the agent ended before all of the answer was printed\n  hint: run the command again")
    return code


def handing_over(run_here: Callable[[], int]) -> int:
    """Run a command line in this process, and let the agent keep what is unlocked in it."""
    from fluxsecrets.keys.unlocked import Unlocked, keeping

    with keeping(Unlocked()) as unlocked:
        code = run_here()
    if len(unlocked):
        from .agent.talk import hand_over

        hand_over(unlocked)
    return code


def end(code: int) -> None:
    """End the process with an exit code."""
    # After an interruption everything of ours is cleaned up, and Python would wait for worker processes that
    # may have been cut off in the middle, and complain. Without workers it would only take its modules apart,
    # which is a tenth of the time that a file takes.
    if code > _LAST_ORDINARY or "multiprocessing" not in sys.modules:
        import os

        for stream in filter(None, (sys.stdout, sys.stderr)):  # either may be closed
            try:  # noqa: SIM105 - contextlib takes longer to import
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)
    sys.exit(code)
