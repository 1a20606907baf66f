"""`fluxsecrets hook`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.reportoptions import report_option

HOOKS = ("pre-commit", "pre-merge-commit", "pre-push")
"""As `ops.hooks.model` has them; a commit does not wait for the import of what installs hooks."""

EVERYTHING = (*HOOKS, "drivers")

_hooks_argument = click.argument("hooks", nargs=-1, metavar="[HOOK]...", type=click.Choice(EVERYTHING))
_quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")


@click.group("hook", cls=SuggestingGroup)
def command() -> None:
    """Set up git: hooks against plain text, and drivers that merge and show encrypted files."""


@command.command("install", short_help="Set up hooks and drivers in this repository.")
@_hooks_argument
@click.option(
    "--everywhere",
    is_flag=True,
    help="Also where core.hooksPath names a folder that other repositories use.",
)
@report_option
@_quiet_option
def install(*, hooks: tuple[str, ...], everywhere: bool, report: str, quiet: bool) -> int:
    """Set up git in this repository, or bring that up to date.

    HOOK is one of these; all unless named:

    \b
      pre-commit         looks for plain text in what is staged
      pre-merge-commit   does the same before git commits a merge by itself
      pre-push           looks for plain text in the commits that are pushed
      drivers            let git merge encrypted files by value, and show them

    A hook that is there already is kept and runs first. With husky, or another folder of hooks in the work
    tree, a few lines go into the files there. The check of a commit runs last, after what may stage more.

    The drivers are set in the configuration of this clone. Lines in .gitattributes name the files to use them
    for: commit these for your team. In a bare repository, info/attributes has them.
    """  # noqa: D301 - click's mark
    from fluxsecrets.cli.options import make_session
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.launcher import own_launcher
    from fluxsecrets.ops.hooks.setup import set_up_git
    from fluxsecrets.report.hooks import RESULT_FORMATS
    from fluxsecrets.scan.cachefile import cache_folder
    from fluxsecrets.scan.prepared import prepared_matcher

    out = Output(quiet=quiet)
    results = set_up_git(Path.cwd(), own_launcher(), hooks or EVERYTHING, everywhere=everywhere)
    out.show(RESULT_FORMATS[report]("hook install", results, make_session().shown))
    if hooks != ("drivers",):
        # Compiling the patterns takes seconds, for which the first commit would wait.
        prepared_matcher(cache_folder(os.environ))
    return 0


@command.command("uninstall", short_help="Remove hooks and drivers again.")
@_hooks_argument
@report_option
@_quiet_option
def uninstall(*, hooks: tuple[str, ...], report: str, quiet: bool) -> int:
    """Remove hooks, drivers and attributes, and restore what was there before them."""
    from fluxsecrets.cli.options import make_session
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.setup import undo_set_up
    from fluxsecrets.report.hooks import RESULT_FORMATS

    results = undo_set_up(Path.cwd(), hooks or EVERYTHING)
    Output(quiet=quiet).show(RESULT_FORMATS[report]("hook uninstall", results, make_session().shown))
    return 0


@command.command("status", short_help="Show whether hooks and drivers do their work.")
@_hooks_argument
@report_option
@_quiet_option
def status(*, hooks: tuple[str, ...], report: str, quiet: bool) -> int:
    """Show whether git runs the hooks and starts the drivers, and if not, why.

    A hook may be there and do nothing: core.hooksPath was set, the file may not be executed, another hook has
    taken its place. Or the check of a commit is not last, so that what runs after it may stage a secret.

    A fresh clone has the lines in .gitattributes, and not the drivers: git merges and shows encrypted files
    as text then, and says nothing. New encrypted files may have names that no line covers.

    Exit codes: 0 all are at work, 1 one is not, or not last, 2 an error.
    """
    from fluxsecrets.cli.options import make_session
    from fluxsecrets.cli.output import Output
    from fluxsecrets.ops.hooks.setup import set_up_states
    from fluxsecrets.report.hooks import STATE_FORMATS

    out, session = Output(quiet=quiet), make_session()
    states = set_up_states(Path.cwd(), hooks or EVERYTHING)
    out.show(STATE_FORMATS[report](states, session.shown))
    return 1 if any(state.problem for state in states) else 0


@command.command("run", short_help="What the hooks do; for hooks of your own.")
@click.argument("hook", type=click.Choice(HOOKS))
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@click.option("-v", "--verbose", is_flag=True, help="Also say how many MACs were checked.")
def run(*, hook: str, arguments: tuple[str, ...], verbose: bool) -> int:
    """Do what a hook does: look for secrets in plain text, and fail where there are some.

    For hooks of your own, and for the pre-commit framework. pre-commit and pre-merge-commit look at what is
    staged, or at the files that are named; pre-push wants the name of the remote, and on standard input what
    git tells its hooks. What is clean is passed in silence.

    pre-commit and pre-merge-commit also check the MACs of encrypted files, where an identity is at hand: no
    passphrase is asked for, and no command, gpg or keyring is used.
    """
    from fluxsecrets.cli.hookrun import run_hook

    return run_hook(hook, arguments, verbose=verbose)
