"""`fluxsecrets agent`."""

from __future__ import annotations

import sys
import time

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.options import quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import UsageError

from . import wire
from .lasting import IDLE, LIFETIME, Limits, parse_duration

_SECONDS, _STEP = 30.0, 0.1
"""For another agent to answer or to end, and between looks at it."""


@click.group("agent", cls=SuggestingGroup, invoke_without_command=True)
@click.option("--foreground", is_flag=True, help="Stay in the foreground, for systemd and launchd.")
@click.option("--detached", is_flag=True, hidden=True, help="Run as the process in the background.")
@click.option(
    "--idle",
    metavar="TIME",
    default=IDLE,
    show_default=True,
    help="Forget unlocked keys after this time without a request.",
)
@click.option("--lifetime", metavar="TIME", default=LIFETIME, show_default=True, help="End after this time.")
@click.option("--no-store", is_flag=True, help="Keep code loaded only, and no unlocked keys.")
@quiet_option
@click.pass_context
def command(
    context: click.Context,
    *,
    foreground: bool,
    detached: bool,
    idle: str,
    lifetime: str,
    no_store: bool,
    quiet: bool,
) -> int | None:
    """Start an agent, which makes commands that read faster.

    It stays in the background, and runs `decrypt` to standard output, `get`, `status`, `textconv` and the
    `decrypt` of `fluxsecrets-sops` for you with all code loaded. Commands find it by themselves. It keeps
    what you unlocked with a passphrase, a hardware key or the keyring, so that you are asked once. It never
    asks anything, and nobody gets a key from it: a command that needs you runs as usual.

    TIME is 90s, 15m, 8h or 1d, up to 7d. Time in which the machine sleeps counts.
    """
    if context.invoked_subcommand is not None:
        return None
    _require_sockets()
    limits = Limits(parse_duration(idle, "--idle"), parse_duration(lifetime, "--lifetime"))
    if foreground or detached:
        return _run(limits, stores=not no_store, detached=detached)
    options = ["--idle", idle, "--lifetime", lifetime, *(["--no-store"] if no_store else [])]
    return _start(options, Output(quiet=quiet), stores=not no_store)


def _require_sockets() -> None:
    if sys.platform == "win32":
        raise UsageError("there is no agent on Windows", hint="commands work without it")


def _run(limits: Limits, *, stores: bool, detached: bool) -> int:
    from .process import harden, leave_folder, leave_terminal, say_ready, say_taken
    from .running import run
    from .socketfile import AgentRunsError

    if detached:
        leave_terminal()
    leave_folder()
    harden()
    try:
        run(limits, stores=stores, ready=say_ready if detached else lambda: None)
    except AgentRunsError:
        if not detached:
            raise
        say_taken()
    return 0


def _start(options: list[str], out: Output, *, stores: bool) -> int:
    from .process import start
    from .socketfile import AgentRunsError, agent_folder
    from .talk import tell

    agent_folder()
    end = time.monotonic() + _SECONDS
    while (state := tell(wire.STATUS)) is None:
        try:
            said = start(["agent", "--detached", *options])
        except AgentRunsError:  # one that was started beside this one and answers soon, or one that ends
            if time.monotonic() > end:
                raise
            time.sleep(_STEP)
            continue
        if said:
            sys.stderr.write(said)
            return 2
        out.note("the agent runs; `fluxsecrets agent status` shows what it keeps")
        return 0
    if state.get("stores") and not stores:
        raise UsageError(
            "the agent that runs keeps unlocked keys",
            hint="run `fluxsecrets agent stop`, then `fluxsecrets agent --no-store`",
        )
    out.note(f"an agent runs already, process {state['pid']}")
    return 0


@command.command("status", short_help="Show whether an agent runs, and what it keeps.")
@report_option
def status(*, report: str) -> int:
    """Show whether an agent runs, since when, and how many keys it keeps.

    Which keys these are is not shown. Exit codes: 0 if an agent runs, 1 if none does.
    """
    from fluxsecrets.report.agent import FORMATS

    from .state import state_of
    from .talk import tell

    _require_sockets()
    state = state_of(tell(wire.STATUS))
    Output().show(FORMATS[report](state))
    return 0 if state is not None else 1


@command.command("stop", short_help="End the agent.")
@quiet_option
def stop(*, quiet: bool) -> int:
    """End the agent. It forgets all keys. Exit codes: 0 if it ran, 1 if none did."""
    return _tell(wire.STOP, Output(quiet=quiet), "the agent has ended")


@command.command("lock", short_help="Have the agent forget unlocked keys.")
@quiet_option
def lock(*, quiet: bool) -> int:
    """Have the agent forget all unlocked keys. It goes on running, with code loaded.

    Exit codes: 0 if an agent runs, 1 if none does.
    """
    return _tell(wire.LOCK, Output(quiet=quiet), "the agent keeps no unlocked keys")


def _tell(kind: bytes, out: Output, done: str) -> int:
    from .talk import tell

    _require_sockets()
    if tell(kind) is None:
        out.note("no agent runs")
        return 1
    out.note(done)
    return 0
