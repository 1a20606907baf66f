"""`fluxsecrets rotate --identity`: the steps, with what the user is asked and told."""

from __future__ import annotations

import sys

import click

from fluxsecrets.cli.output import Output
from fluxsecrets.cli.rekey import show_rekeyed
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.people.identity import (
    IdentityOptions,
    IdentityPlan,
    identity_notes,
    plan_identity,
    prepare_identity,
    replace_identity,
)
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.ops.run.session import Session


def rotate_identity(
    session: Session, out: Output, options: IdentityOptions, *, yes: bool, as_json: bool
) -> int:
    """Plan, ask where it cannot be taken back, do it, and say what comes next."""
    plan = plan_identity(session, options)
    if not as_json:
        for line in plan.lines():
            out.note(line)
    if options.finish and options.write and not yes:
        _confirm(plan)
    prepared = tuple(out.progress(prepare_identity(session, plan), len(plan.targets), "rotating"))
    if any(each.result.error is not None for each in prepared):
        failed = tuple(each.result for each in prepared if each.result.error is not None)
        show_rekeyed(out, "rotate", BatchResult(failed, plan.notes), as_json=as_json)
        out.note(f"nothing was changed: all {len(prepared)} files have to go along")
        return 2
    results, place = tuple(each.result for each in prepared), None
    if options.write:
        results, place = replace_identity(session, plan, prepared)
    notes = (*plan.notes, *identity_notes(plan, results, place))
    show_rekeyed(out, "rotate", BatchResult(results, notes), as_json=as_json)
    return 2 if any(result.error for result in results) else 0


def _confirm(plan: IdentityPlan) -> None:
    """Ask whether the cluster has the new identity: without it, it could open nothing any more.

    Raises:
        UsageError: there is nobody to ask, or it has not.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "there is nobody to ask whether the cluster has the new identity",
            hint="add --yes if it has; it could open nothing any more without it",
        )
    question = f"does the cluster of {plan.options.environment} have the new identity {plan.new.id[:16]}…?"
    if not click.confirm(question, default=False, err=True):
        raise UsageError(
            "nothing was changed",
            hint=f"bring it there first: `fluxsecrets keys cluster-secret --env {plan.options.environment} "
            f"--identity {plan.new.id} | kubectl apply -f -`",
        )
