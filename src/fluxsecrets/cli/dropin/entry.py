"""Where `fluxsecrets-sops` starts. Nothing heavy is imported here, see `fluxsecrets.cli.entry`."""

from __future__ import annotations

import sys

from fluxsecrets.cli.agent.client import ABSENT, LOST, ask
from fluxsecrets.cli.agent.forms import DROPIN
from fluxsecrets.cli.entry import end, handing_over, lost, without_traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_GENERIC = 1
"""As `codes` has it."""


def main() -> None:
    """Run the command line and exit with its code."""
    end(without_traceback(lambda: _answer(sys.argv[1:])))


def _answer(arguments: list[str]) -> int:
    code = ask(DROPIN, arguments)
    return code if code >= 0 else _run(arguments, code)


def _run(arguments: list[str], asked: int) -> int:
    from fluxsecrets.cli.lightimports import prepare

    prepare()
    from fluxsecrets.programs import disable_core_dumps

    disable_core_dumps()
    if asked == LOST:
        return lost(_GENERIC)
    return run(arguments) if asked == ABSENT else handing_over(lambda: run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run a command line of sops in this process, see `dispatch.run`."""
    from .dispatch import run as run_here

    return run_here(arguments)
