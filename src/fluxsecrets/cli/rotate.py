"""`fluxsecrets rotate`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fluxsecrets.cli.headings import HeadedCommand, HeadedOption
from fluxsecrets.cli.options import (
    PathArgument,
    abort_option,
    all_option,
    config_option,
    dry_run_option,
    end_if_asked,
    env_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    resume_option,
)
from fluxsecrets.cli.output import Output, show_rekeyed
from fluxsecrets.cli.recipientoptions import aws_options, recipient_options
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.runs.rotate import rotate as run_rotate
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.people.rotate import RotateRequest
from fluxsecrets.ops.policy.given import GivenRecipients
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.rekey import identity_notes, identity_plan, identity_steps, rekeyed_batch
from fluxsecrets.shell import command_for

if TYPE_CHECKING:
    from fluxsecrets.ops.people.identity import IdentityPlan


_RECIPIENTS = "Recipients to add and to remove"
_identity_option = partial(click.option, cls=HeadedOption, heading="A new identity for a cluster")


@click.command("rotate", cls=HeadedCommand)
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@recipient_options("Add {keys}.", _RECIPIENTS, verb="add", parameter="add")
@recipient_options("Remove {keys}.", _RECIPIENTS, verb="rm", parameter="remove")
@aws_options(_RECIPIENTS)
@click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on where a file is encrypted for others than its rule says, or protected less.",
)
@click.option("--values", is_flag=True, help="Generate new values as the Secret's annotation says.")
@_identity_option("--identity", is_flag=True, help="With --env: make a new age identity for its cluster.")
@_identity_option("--finish", is_flag=True, help="Take the old identity out.")
@_identity_option("--old", metavar="KEY", help="Name the key to remove, if that is not clear.")
@_identity_option("--new", metavar="KEY", help="Use one made elsewhere, by its public half.")
@_identity_option("--post-quantum", is_flag=True, help="Make a post-quantum one, for sops 3.12 and newer.")
@_identity_option("--store", type=click.Choice(["file", "keyring"]), help="Choose where to keep it.")
@_identity_option("-y", "--yes", is_flag=True, help="With --finish: do not ask.")
@dry_run_option
@resume_option
@abort_option
@input_type_option
@order_option
@config_option
@report_option
@quiet_option
@click.option("-i", "--in-place", is_flag=True, hidden=True, help="The default of rotate.")
def command(
    *,
    paths: tuple[str, ...],
    everything: bool,
    values: bool,
    identity: bool,
    resuming: bool,
    aborting: bool,
    input_type: str | None,
    config: Path | None,
    report: str,
    quiet: bool,
    in_place: bool,
    add: GivenRecipients,
    remove: GivenRecipients,
    **asked: Any,
) -> int:
    """Give files new data keys, in place, and encrypt every value again.

    PATH is a file, or a folder with encrypted secrets; --env and --all select those of an environment or of
    the repository. A file keeps its recipients, except for --add-… and --rm-….
    A file for people whom its creation rule does not name is refused: anybody could have added them.

    Each file's MAC is checked first. All files are prepared before the first is replaced, and each opens at
    every moment: after any interruption, --resume completes the run and --abort undoes it. The plain text of
    files stays as it was, except with --values: it generates values as a Secret's annotation
    fluxsecrets.io/generate says, such as `password=password:32`.

    --identity gives an environment's cluster a new age identity in two steps: first rules and files are for
    the old and the new one. When the cluster has the new one, --finish removes the old one.
    """
    start = partial(make_session, config)
    of_identity = {name: asked.pop(name) for name in ("finish", "old", "new", "post_quantum", "store", "yes")}
    if resuming or aborting or identity or any(of_identity.values()):
        session, out = start(), Output(quiet=quiet)
        ended = end_if_asked(session, out, "rotate", resuming=resuming, aborting=aborting, report=report)
        if ended is not None:
            return ended
        named = paths or everything or values or add or remove
        if not identity or asked["environment"] is None or named:
            raise UsageError(
                "--identity takes one environment, and no paths or other changes",
                hint="`fluxsecrets rotate --env NAME --identity`, later with --finish",
            )
        return _rotate_identity(session, out, asked | of_identity, report)
    request = RotateRequest(
        paths,
        everything=everything,
        input_type=input_type,
        add=add,
        remove=remove,
        values=values,
        **asked,
    )
    return run_rotate(start, request, report=report, quiet=quiet)


def _rotate_identity(session: Session, out: Output, asked: Mapping[str, Any], report: str) -> int:
    """Plan, ask before the step that cannot be undone, do it, and show what comes next."""
    from fluxsecrets.ops.people.identity import IdentityRequest, plan_identity, replace_identity

    plan = plan_identity(session, IdentityRequest(**asked))
    out.plan(identity_plan(plan), report)
    if plan.request.finish and not (plan.request.dry_run or plan.request.yes):
        _confirm(plan)
    done = replace_identity(plan, out.watch("rotating"))
    batch = rekeyed_batch(done.rekeyed, identity_notes(plan, done), identity_steps(plan, done))
    return show_rekeyed(out, "rotate", batch, report)


def _confirm(plan: IdentityPlan) -> None:
    """Ask whether the cluster has the new identity: without it, it could no longer decrypt anything.

    Raises:
        UsageError: nobody can be asked, or the answer was no.
    """
    environment = plan.request.environment
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "cannot ask whether the cluster has the new identity",
            hint="add --yes if it has; without it the cluster could not decrypt anything",
        )
    question = f"does the cluster of {environment} have the new identity {plan.new.id[:16]}…?"
    if not click.confirm(question, default=False, err=True):
        raise UsageError(
            "nothing was changed",
            hint="bring the new identity there first: "
            f"`{command_for('keys cluster-secret', environment=environment)} "
            f"--identity {plan.new.id} | kubectl apply --server-side -f -`",
        )
