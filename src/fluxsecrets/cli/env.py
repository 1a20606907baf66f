"""`fluxsecrets env`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.options import (
    LoggedArgument,
    end_if_asked,
    format_option,
    make_session,
    output_option,
    quiet_option,
    store_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import formats_option, report_option
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.newenv.model import AddRequest

if TYPE_CHECKING:  # each command pays for its own operation
    from fluxsecrets.ops.run.session import Session


@click.group("env", cls=SuggestingGroup)
def command() -> None:
    """See the environments of a repository, and add one."""


@command.command("list", short_help="Show the environments, in numbers.")
@report_option
@quiet_option
def list_(report: str, quiet: bool) -> int:
    """Show the environments, with their Kustomizations and Secrets in numbers.

    A Secret is counted by what protects it: sops, sealed, external (its values are elsewhere), cluster (made
    there, in no file) or plain.
    """
    from fluxsecrets.ops.manifests.environments import look_around, show_environments
    from fluxsecrets.report.environments import LIST_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    found = show_environments(session)
    out.show(LIST_FORMATS[report](found, None if found else look_around(session)))
    return 0


@command.command("suggest", short_help="Print lines for .fluxsecrets.yaml that name environments.")
@report_option
@quiet_option
def suggest(report: str, quiet: bool) -> int:
    """Print lines for .fluxsecrets.yaml that name the environments of the repository.

    If environments are found, these are named. If not, folders are suggested that may be environments, with
    what shows them, and standard error says what was seen and why it shows no environment.
    """
    from fluxsecrets.ops.manifests.environments import suggest_environments
    from fluxsecrets.report.environments import SUGGEST_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    out.show(SUGGEST_FORMATS[report](suggest_environments(session)))
    return 0


@command.command("show", short_help="Show an environment, and how its Secrets are protected.")
@click.argument("name", cls=LoggedArgument)
@formats_option("text", "json", "mermaid", also="; mermaid is a chart for Markdown")
@quiet_option
def show(name: str, report: str, quiet: bool) -> int:
    """Show what Flux applies in the environment NAME, and how each Secret in it is protected.

    Kustomizations stand below the one that applies them, behind those that they depend on; below each are
    the Secrets that it brings about. No identity is needed, and nothing is asked of a cluster.
    """
    from fluxsecrets.ops.manifests.environments import show_environments
    from fluxsecrets.report.environments import FORMATS

    session, out = make_session(), Output(quiet=quiet)
    (found,) = show_environments(session, name)
    out.show(FORMATS[report](found))
    return 0


def _specs(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> object:
    return tuple((key, spec or "password:32") for key, _, spec in (each.partition("=") for each in given))


@command.command("add", short_help="Create an environment from another one.")
@click.argument("name", cls=LoggedArgument, default="")
@click.option("--from", "source", default="", metavar="OTHER", help="The environment to make it from.")
@click.option("--copy-values", is_flag=True, help="Keep the values of secrets, encrypted for NAME.")
@click.option(
    "--generate",
    multiple=True,
    metavar="KEY[=WHAT]",
    callback=_specs,
    help="Generate values for these keys, in which * is a wildcard; default: password:32, see `set`.",
)
@click.option("--recipient", metavar="KEY", help="Public key of an age identity that the cluster has.")
@store_option("Where to keep the new identity.")
@output_option("Add the new identity to this key file.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would be written as a diff.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it is written.")
@click.option("--resume", "resuming", is_flag=True, help="Complete what was interrupted.")
@click.option("--abort", "aborting", is_flag=True, help="Take back what was interrupted.")
@format_option
@quiet_option
@takes(AddRequest)
def add(
    asked: AddRequest,
    *,
    dry_run: bool,
    yes: bool,
    resuming: bool,
    aborting: bool,
    report: str,
    quiet: bool,
) -> int:
    """Create the environment NAME from OTHER: the same structure, without the values of its secrets.

    Files that belong to OTHER alone, with its name in their path, are copied, and the name is replaced.
    Values of secrets become REPLACE_ME: no key is needed for that. Creation rules for the new files go into
    .sops.yaml, a new identity into your key file, and its public key into keys/. The plan is shown first; all
    of it is written, or nothing.
    """
    from fluxsecrets.ops.newenv.addition import add_environment
    from fluxsecrets.ops.newenv.planner import plan_environment
    from fluxsecrets.report.newenv import ADDED_FORMATS, DRY_RUN_FORMATS, PLAN_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    ended = _end(session, out, asked, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    plan = plan_environment(session, asked)
    if dry_run:
        out.show(DRY_RUN_FORMATS[report](plan))
        return 0
    out.show(PLAN_FORMATS[report](plan))
    if not yes and sys.stdin is not None and sys.stdin.isatty() and not click.confirm("write it?", err=True):
        raise UsageError("nothing was written", hint="to look at all of it: --dry-run")
    out.show(ADDED_FORMATS[report](plan, add_environment(session, plan)))
    return 0


def _end(
    session: Session, out: Output, asked: AddRequest, *, resuming: bool, aborting: bool, report: str
) -> int | None:
    from fluxsecrets.ops.newenv.addition import COMMAND

    if (resuming and aborting) or ((resuming or aborting) and asked.name):
        raise UsageError("--resume and --abort stand alone", hint="fluxsecrets env add --resume")
    return end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting, report=report)
