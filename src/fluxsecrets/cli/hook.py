"""`fluxsecrets hook`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluxsecrets.cli.options import quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.ops.hooks import HOOKS, HookResult
from fluxsecrets.report.text import Cell, printable

_hooks_argument = click.argument("hooks", nargs=-1, metavar="[HOOK]...", type=click.Choice(HOOKS))


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
@quiet_option
def install(*, hooks: tuple[str, ...], everywhere: bool, quiet: bool) -> int:
    """Put git hooks into this repository, or bring them up to date.

    HOOK is pre-commit, which looks at what is staged, or pre-push, which looks at the commits that are
    pushed; both unless named. A hook that is there already is kept and runs first. With husky, or another
    folder of hooks in the work tree, a few lines go into the files there.
    """
    from fluxsecrets.ops.hooks import install_hooks, own_executable

    out = Output(quiet=quiet)
    results = install_hooks(Path.cwd(), _in_order(hooks), own_executable(), everywhere=everywhere)
    _show(out, results)
    return 0


@command.command("uninstall", short_help="Take the hooks away again.")
@_hooks_argument
@quiet_option
def uninstall(*, hooks: tuple[str, ...], quiet: bool) -> int:
    """Take the hooks away, and put back what was there before them."""
    from fluxsecrets.ops.hooks import uninstall_hooks

    _show(Output(quiet=quiet), uninstall_hooks(Path.cwd(), _in_order(hooks)))
    return 0


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


def _in_order(hooks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(hook for hook in HOOKS if hook in hooks or not hooks)


def _show(out: Output, results: tuple[HookResult, ...]) -> None:
    from fluxsecrets.cli.options import make_session

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
