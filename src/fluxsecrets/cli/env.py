"""`fluxsecrets env`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    format_option,
    make_session,
    output_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError

if TYPE_CHECKING:  # each command pays for its own operation
    from fluxsecrets.ops.run.session import Session


@click.group("env")
def command() -> None:
    """See the environments of a repository, and add one."""


@command.command("list", short_help="Show the environments, in numbers.")
@format_option
@quiet_option
def list_(report: str, quiet: bool) -> int:
    """Show the environments, with their Kustomizations and Secrets in numbers.

    A Secret is counted by what protects it: sops, sealed, external (its values are elsewhere), cluster (made
    there, in no file) or plain.
    """
    from fluxsecrets.ops.manifests.environments import show_environments
    from fluxsecrets.report.environments import LIST_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    out.show(LIST_FORMATS[report](show_environments(session)))
    return 0


@command.command("show", short_help="Show an environment, and how its Secrets are protected.")
@click.argument("name", cls=LoggedArgument)
@click.option(
    "--format",
    "report",
    type=click.Choice(["text", "json", "mermaid"]),
    default="text",
    show_default=True,
    help="Format of the output; mermaid is a chart for Markdown.",
)
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


@command.command("add", short_help="Create an environment from another one.")
@click.argument("name", cls=LoggedArgument, required=False)
@click.option("--from", "source", metavar="OTHER", help="The environment to make it from.")
@click.option("--copy-values", is_flag=True, help="Keep the values of secrets, encrypted for NAME.")
@click.option(
    "--generate",
    multiple=True,
    metavar="KEY[=WHAT]",
    help="Generate values for these keys, in which * is a wildcard; default: password:32, see `set`.",
)
@click.option("--recipient", metavar="KEY", help="Public key of an age identity that the cluster has.")
@click.option(
    "--store",
    type=click.Choice(["file", "keyring"]),
    default="file",
    show_default=True,
    help="Where to keep the new identity.",
)
@output_option("Add the new identity to this key file.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would be written as a diff.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it is written.")
@click.option("--resume", is_flag=True, help="Complete what was interrupted.")
@click.option("--abort", "take_back", is_flag=True, help="Take back what was interrupted.")
@format_option
@quiet_option
def add(
    *,
    name: str | None,
    source: str | None,
    copy_values: bool,
    generate: tuple[str, ...],
    recipient: str | None,
    store: str,
    output: Path | None,
    dry_run: bool,
    yes: bool,
    resume: bool,
    take_back: bool,
    report: str | None,
    quiet: bool,
) -> int:
    """Create the environment NAME from OTHER: the same structure, without the values of its secrets.

    Files that belong to OTHER alone, with its name in their path, are copied, and the name is replaced.
    Values of secrets become REPLACE_ME: no key is needed for that. Creation rules for the new files go into
    .sops.yaml, a new identity into your key file, and its public key into keys/. The plan is shown first; all
    of it is written, or nothing.
    """
    session, out = make_session(), Output(quiet=quiet)
    if resume or take_back:
        return _end(session, out, forward=resume, both=resume and take_back, name=name)
    if name is None or source is None:
        raise UsageError(
            "name the new environment, and the one to make it from",
            hint="such as: fluxsecrets env add staging --from production",
        )
    from fluxsecrets.ops.newenv.addition import add_environment
    from fluxsecrets.ops.newenv.model import AddRequest
    from fluxsecrets.ops.newenv.planner import plan_environment
    from fluxsecrets.ops.people.keystore import Keeping, Store
    from fluxsecrets.report.newenv import diff_lines, next_steps, plan_json, plan_lines

    specs = tuple((key, spec or "password:32") for key, _, spec in (each.partition("=") for each in generate))
    keeping = Keeping(None, Store(store), output)
    plan = plan_environment(session, AddRequest(name, source, copy_values, specs, recipient, keeping))
    steps = next_steps(plan)
    for warning in plan.warnings:
        out.warning(f"warning: {warning}")
    if dry_run:
        if report == "json":
            out.text([plan_json(plan, written=False, steps=steps)])
        else:
            for line in plan_lines(plan):
                out.note(line)
            out.text(diff_lines(plan))
        return 0
    if report != "json":
        out.text(plan_lines(plan))
    if not yes and sys.stdin is not None and sys.stdin.isatty() and not click.confirm("write it?", err=True):
        raise UsageError("nothing was written", hint="to look at all of it: --dry-run")
    kept = add_environment(session, plan)
    if report == "json":
        out.text([plan_json(plan, written=True, steps=steps)])
    if kept is not None:
        out.note(
            f"the private key of {plan.key_name} was added to {kept.place}: back it up, anyone who has it "
            f"can read the secrets of {plan.name}"
        )
    for number, step in enumerate(steps, start=1):
        out.note(f"{'next:' if number == 1 else '     '} {number}. {step}")
    return 0


def _end(session: Session, out: Output, *, forward: bool, both: bool, name: str | None) -> int:
    from fluxsecrets.ops.newenv.addition import COMMAND
    from fluxsecrets.ops.people.keystore import end_with_identity

    if both or name is not None:
        raise UsageError("--resume and --abort stand alone", hint="fluxsecrets env add --resume")
    done = end_with_identity(session, COMMAND, forward=forward)
    what = "completed" if forward else "taken back"
    out.note(f"env add {done.details.get('name', '')} was {what}: {len(done.paths)} files")
    return 0
