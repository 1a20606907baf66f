"""`fluxsecrets hook`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.model import HookResult, HookState
    from fluxsecrets.report.text import Cell

HOOKS = ("pre-commit", "pre-push")
"""As `ops.hooks.model` has them; a commit does not wait for the import of what installs hooks."""

_hooks_argument = click.argument("hooks", nargs=-1, metavar="[HOOK]...", type=click.Choice(HOOKS))
_quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")


@click.group("hook")
def command() -> None:
    """Stop commits and pushes that hold secrets in plain text."""


@command.command("install", short_help="Put the hooks into this repository.")
@_hooks_argument
@click.option(
    "--everywhere",
    is_flag=True,
    help="Also where core.hooksPath names a folder that other repositories use.",
)
@_quiet_option
def install(*, hooks: tuple[str, ...], everywhere: bool, quiet: bool) -> int:
    """Put git hooks into this repository, or bring them up to date.

    HOOK is pre-commit, which looks at what is staged, or pre-push, which looks at the commits that are
    pushed; both unless named. A hook that is there already is kept and runs first. With husky, or another
    folder of hooks in the work tree, a few lines go into the files there. The check of a commit runs last,
    after what may stage more.
    """
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.install import install_hooks
    from fluxsecrets.ops.hooks.launcher import own_launcher
    from fluxsecrets.scan.cachefile import cache_folder
    from fluxsecrets.scan.prepared import prepared_matcher

    out = Output(quiet=quiet)
    results = install_hooks(Path.cwd(), _in_order(hooks), own_launcher(), everywhere=everywhere)
    _show(out, results)
    # Compiling the patterns takes seconds, for which the first commit would wait.
    prepared_matcher(cache_folder(os.environ))
    return 0


@command.command("uninstall", short_help="Take the hooks away again.")
@_hooks_argument
@_quiet_option
def uninstall(*, hooks: tuple[str, ...], quiet: bool) -> int:
    """Take the hooks away, and put back what was there before them."""
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.install import uninstall_hooks

    _show(Output(quiet=quiet), uninstall_hooks(Path.cwd(), _in_order(hooks)))
    return 0


@command.command("status", short_help="Show whether the hooks do their work.")
@_hooks_argument
@_quiet_option
def status(*, hooks: tuple[str, ...], quiet: bool) -> int:
    """Show whether git runs the hooks, and if not, why.

    A hook may be there and do nothing: core.hooksPath was set, the file may not be executed, another hook has
    taken its place. Or the check of a commit is not last, so that what runs after it may stage a secret.

    Exit codes: 0 all are at work, 1 one is not, or not last, 2 an error.
    """
    from fluxsecrets.cli.options import make_session
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.state import hook_states
    from fluxsecrets.report.text import Cell, printable

    out, session = Output(quiet=quiet), make_session()
    states = hook_states(Path.cwd(), _in_order(hooks))
    out.table(
        [
            (
                Cell(state.hook),
                _work(state),
                Cell(printable(session.shown(state.path))),
            )
            for state in states
        ]
    )
    sys.stdout.flush()
    for state in states:
        if state.problem:
            out.note(f"{state.hook}: {state.problem}\n  hint: {state.hint}")
    return 1 if any(state.problem for state in states) else 0


@command.command("run", short_help="What the hooks do; for hooks of your own.")
@click.argument("hook", type=click.Choice(HOOKS))
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
def run(*, hook: str, arguments: tuple[str, ...]) -> int:
    """Do what a hook does: look for secrets in plain text, and fail where there are some.

    For hooks of your own, and for the pre-commit framework. pre-commit looks at what is staged, or at the
    files that are named; pre-push wants the name of the remote, and on standard input what git tells its
    hooks. What is clean is passed in silence.
    """
    from fluxsecrets.cli.hookrun import run_hook

    return run_hook(hook, arguments)


def _work(state: HookState) -> Cell:
    from fluxsecrets.report.text import Cell

    if not state.problem:
        return Cell("at work")
    return Cell("not last", "yellow") if state.late else Cell("not at work", "red")


def _in_order(hooks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(hook for hook in HOOKS if hook in hooks or not hooks)


def _show(out: Output, results: tuple[HookResult, ...]) -> None:
    from fluxsecrets.cli.options import make_session
    from fluxsecrets.report.text import Cell, printable

    session = make_session()
    out.table(
        [
            (Cell(result.hook), Cell(str(result.outcome)), Cell(printable(session.shown(result.path))))
            for result in results
        ]
    )
    sys.stdout.flush()
    for result in results:
        if result.note:
            out.note(f"note: {result.hook}: {result.note}")
