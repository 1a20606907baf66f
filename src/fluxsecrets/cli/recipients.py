"""`fluxsecrets recipients`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.options import (
    Decorator,
    LoggedOption,
    PathArgument,
    abort_option,
    all_option,
    config_option,
    end_if_asked,
    env_option,
    input_type_option,
    make_session,
    order_option,
    partial_history_option,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output, show_rekeyed
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.sealing import private_key_option
from fluxsecrets.ops.files import sync as syncing
from fluxsecrets.ops.people import admit, leavers, offboard
from fluxsecrets.ops.run.results import Outcome


@click.group("recipients", cls=SuggestingGroup)
def command() -> None:
    """See who can read what, and keep files in line with the rules."""


accept_option: Decorator = click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on where a file is encrypted for others than its rule says, or protected less.",
)


partial_option: Decorator = click.option(
    "--partial",
    is_flag=True,
    help="Change the rules and the files that can be changed, even if others can't be.",
)


@command.command("list", short_help="Show who can read how many files.")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@config_option
@report_option
@quiet_option
def list_(
    *, paths: tuple[str, ...], environment: str | None, config: Path | None, report: str, quiet: bool
) -> int:
    """Show who can read how many files, and where files and creation rules differ.

    PATH is a file or a folder; without PATH and --env it is the whole repository, with a column for each
    environment. No identity is needed.
    --format json names the files.
    """
    from fluxsecrets.ops.people.recipients import list_recipients
    from fluxsecrets.report.readers import LIST_FORMATS

    listed = list_recipients(make_session(config), paths, environment)
    Output(quiet=quiet).show(LIST_FORMATS[report](listed))
    return 2 if listed.errors else 0


@command.command("add", short_help="Add a recipient to the rules and to the files.")
@click.argument("who", metavar="WHO", required=False)
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="Name of the recipient: an anchor, and keys/NAME.pub."
)
@click.option("--shared", is_flag=True, help="Include files and rules that are shared with others.")
@click.option("--group", type=click.IntRange(min=1), metavar="N", help="The key group, from 1.")
@accept_option
@partial_option
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
@resume_option
@abort_option
@config_option
@report_option
@quiet_option
@takes(admit.AdmitRequest)
def add(
    asked: admit.AdmitRequest,
    *,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Add a recipient to the rules that apply to files, and to the files.

    WHO is a public key, a name in .sops.yaml, or the NAME of a keys/NAME.pub. Rules that apply to other files
    too, and files that an environment shares with others, are left out unless --shared is given.

    .sops.yaml keeps its comments, anchors and layout. Values keep their ciphertext. If a file can't be
    changed, nothing changes: neither rules, nor keys/, nor other files. --partial changes what it can.
    """
    from fluxsecrets.report.rekey import added_batch, addition_plan

    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, admit.COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    plan = admit.plan_addition(session, asked)
    out.plan(addition_plan(plan), report)
    done = plan.rekeying.run(out.watch("encrypting"), write=not asked.dry_run, partial=asked.partial)
    batch = added_batch(plan, done)
    return show_rekeyed(out, admit.COMMAND, batch, report)


@command.command("remove", short_help="Remove a recipient from the rules and from the files.")
@click.argument("who", metavar="WHO", required=False)
@click.option(
    "--env", "environment", cls=LoggedOption, metavar="NAME", help="Only what one environment has for itself."
)
@accept_option
@partial_option
@click.option("-y", "--yes", is_flag=True, help="Remove even your own key.")
@click.option("--no-report", is_flag=True, help="Do not search the history for what they could read.")
@partial_history_option
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
@resume_option
@abort_option
@config_option
@report_option
@quiet_option
@takes(offboard.RemoveRequest)
def remove(
    asked: offboard.RemoveRequest,
    *,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Remove a recipient from the rules and from every file, which gets a new data key.

    WHO is a public key, a name in .sops.yaml, or the NAME of a keys/NAME.pub, which is deleted. Files whose
    data key they know from before get a new one too. .sops.yaml keeps its comments, anchors and layout.
    If a file can't be changed, nothing changes, and you learn who can open it. --partial changes what it can.

    They can still read git's history. `recipients report` lists every value that they could
    read at any time, and what to do about it; offboarding/NAME.json keeps the decisions.
    """
    from fluxsecrets.report.readers import left_page
    from fluxsecrets.report.rekey import rekeyed_batch, removal_notes, removal_plan, removal_steps

    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, offboard.COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    plan = offboard.plan_removal(session, asked)
    out.plan(removal_plan(plan), report)
    offboard.refuse_oneself(session, plan)
    done = plan.rekeying.run(out.watch("rotating"), write=not asked.dry_run, partial=asked.partial)
    batch = rekeyed_batch(done, removal_notes(plan, done), removal_steps(plan, done))
    code = show_rekeyed(out, offboard.COMMAND, batch, report)
    if not (asked.no_report or done.stopped) and report == "text":
        out.show(left_page(plan))
    return code


@command.command("report", short_help="Show what somebody who left could read, and what is left to change.")
@click.argument("who", metavar="WHO")
@click.option(
    "--done",
    multiple=True,
    metavar="PATH[#KEY]",
    help="Note that this value was changed or revoked elsewhere.",
)
@click.option(
    "--accept", multiple=True, metavar="PATH[#KEY]", help="Note that this value may stay; needs --reason."
)
@click.option("--reason", default="", metavar="TEXT", help="Reason for --accept, for the team.")
@private_key_option
@click.option("--all", "everything", is_flag=True, help="Include values that are settled.")
@partial_history_option
@config_option
@report_option
@quiet_option
@takes(leavers.ReportRequest)
def report_(
    asked: leavers.ReportRequest,
    *,
    everything: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """List every value that somebody could read at any time, and that still has to be changed.

    Values are compared with all files of the work tree: one that was moved, converted or copied is still to
    change. A value that changed since, or is gone, is settled by itself. A file that can't be compared, such
    as a SealedSecret without --private-key, is to look at.

    Note what was done elsewhere with --done, and what may stay with --accept. offboarding/NAME.json keeps
    that for the whole team. Exits with 1 while anything is left to change or to look at.
    """
    from fluxsecrets.report.readers import REPORT_FORMATS

    found = leavers.report_of(make_session(config), asked)
    Output(quiet=quiet).show(REPORT_FORMATS[report](found, everything=everything))
    return 0 if found.left.settled else 1


@command.command("exposure", short_help="Show since when a value could be read, and by whom.")
@click.argument("what", metavar="PATH[#KEY]")
@partial_history_option
@config_option
@report_option
@quiet_option
def exposure_(*, what: str, config: Path | None, report: str, quiet: bool) -> int:
    """Show since which commit a file or value could be read, in plain text or by whom, and what to change.

    All branches and tags count. A file that was renamed has a history under each of its names.
    """
    from fluxsecrets.ops.people.exposure import exposure
    from fluxsecrets.report.readers import EXPOSURE_FORMATS

    Output(quiet=quiet).show(EXPOSURE_FORMATS[report](exposure(make_session(config), what)))
    return 0


@command.command("sync", short_help="Bring files in line with the rules.")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@accept_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if anything would change.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would change.")
@input_type_option
@order_option
@config_option
@report_option
@quiet_option
@takes(syncing.SyncRequest)
def sync(asked: syncing.SyncRequest, *, config: Path | None, report: str, quiet: bool) -> int:
    """Make the recipients of encrypted files those of their creation rules.

    That includes key groups and threshold. A file that only gets more recipients keeps its
    values, as with `sops updatekeys`; if somebody is removed, it gets a new data key too. Each file's MAC
    is checked before it is written; --check and --dry-run need no identity. The file's selector stays as it
    is: one that may encrypt less than the rule's is refused.
    """
    from fluxsecrets.report.rekey import history_note

    out = Output(quiet=quiet)
    batch = syncing.sync(make_session(config), asked, out.watch("comparing"))
    if not (asked.check or asked.dry_run):
        batch = replace(batch, notes=(*batch.notes, *history_note(batch.files)))
    code = show_rekeyed(out, "recipients sync", batch, report)
    return code or int(asked.check and batch.count(Outcome.WOULD_SYNC) > 0)
