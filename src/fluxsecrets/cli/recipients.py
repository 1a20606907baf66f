"""`fluxsecrets recipients`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    Decorator,
    LoggedOption,
    PathArgument,
    abort_option,
    config_option,
    end_if_asked,
    env_option,
    format_option,
    input_type_option,
    make_session,
    order_option,
    partial_history_option,
    quiet_option,
    resume_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.rekey import all_option, select_for_rekey, show_rekeyed
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.rekey import encrypted_targets, history_note
from fluxsecrets.ops.manifests.meant import require_one_way
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.results import BatchResult, Outcome
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.writer import make_ready


@click.group("recipients")
def command() -> None:
    """See who can read what, and keep files in line with the rules."""


accept_option: Decorator = click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on where a file is encrypted for others than its rule says, or protected less.",
)


def _show_plan(out: Output, lines: Iterable[str], report: str | None) -> None:
    for line in lines if report != "json" else ():
        out.note(line)


@command.command("list", short_help="Show who can read how many files.")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@config_option
@format_option
@quiet_option
def list_(
    *, paths: tuple[str, ...], environment: str | None, config: Path | None, report: str | None, quiet: bool
) -> int:
    """Show who can read how many files, and where files and creation rules differ.

    PATH is a file or a folder; without PATH and --env it is the whole repository, with a column for each
    environment. No identity is needed.
    --format json names the files.
    """
    from fluxsecrets.ops.people.recipients import environment_files, list_recipients
    from fluxsecrets.ops.policy.overriding import override_notes
    from fluxsecrets.report.rekey import recipient_rows, recipients_json

    session, out = make_session(config), Output(quiet=quiet)
    selection = select(session, paths, environment)
    targets, notes = encrypted_targets(selection)
    environments = environment_files(session) if not paths and environment is None else {}
    names = read_public_keys(selection.root)
    listed = list_recipients(session, targets, names, environments)
    notes = (*notes, *override_notes(session, [target.path for target in targets], names))
    if report == "json":
        out.text([recipients_json(listed, notes)])
    else:
        out.table(recipient_rows(listed))
        for note in notes:
            out.note(f"note: {note}")
        out.errors(listed.errors)
        who = "1 recipient" if len(listed.recipients) == 1 else f"{len(listed.recipients)} recipients"
        out.note(f"{who} in {listed.files} encrypted file{'' if listed.files == 1 else 's'}")
        if any(row.not_in_rule or row.missing for row in listed.recipients):
            out.note("to bring the files in line with the rules: `fluxsecrets recipients sync --all`")
    return 2 if listed.errors else 0


@command.command("add", short_help="Let somebody read files: into the rules, and into the files.")
@click.argument("who", metavar="WHO", required=False)
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="What they are called: an anchor, and keys/NAME.pub."
)
@click.option("--shared", is_flag=True, help="Also files that others share, and rules that others follow.")
@click.option("--group", type=click.IntRange(min=1), metavar="N", help="The key group, from 1.")
@accept_option
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would change.")
@resume_option
@abort_option
@config_option
@format_option
@quiet_option
def add(
    *,
    who: str | None,
    paths: tuple[str, ...],
    environment: str | None,
    everything: bool,
    name: str | None,
    shared: bool,
    group: int | None,
    accept_recipients: bool,
    dry_run: bool,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str | None,
    quiet: bool,
) -> int:
    """Let somebody read files: into the rules that are for them, and into the files.

    WHO is a public key, a name in .sops.yaml, or the NAME of a keys/NAME.pub. Rules that are for other files
    too, and files that an environment shares with others, are left out unless --shared is given.

    .sops.yaml keeps its comments, anchors and layout. Values keep their ciphertext.
    """
    from fluxsecrets.ops.people.admit import COMMAND, AddOptions, plan_addition, prepare_addition
    from fluxsecrets.ops.people.admit import add as add_to_files

    session, out = make_session(config), Output(quiet=quiet)
    if end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting):
        return 0
    if not who:
        raise UsageError("say who comes", hint="a public key, or a name")
    require_one_way(paths, environment, everything=everything)
    options = AddOptions(who, name, paths, environment, shared, group, accept_recipients, write=not dry_run)
    plan = plan_addition(session, options)
    _show_plan(out, plan.lines(), report)
    prepared = tuple(out.progress(prepare_addition(plan), len(plan.targets), "encrypting"))
    results = tuple(each.result for each in prepared)
    if options.write:
        results = add_to_files(session, plan, prepared)
    batch = BatchResult(results, plan.notes)
    show_rekeyed(out, COMMAND, batch, as_json=report == "json")
    return 2 if batch.failed else 0


@command.command("remove", short_help="Somebody leaves: out of the rules, and new data keys.")
@click.argument("who", metavar="WHO", required=False)
@click.option(
    "--env", "environment", cls=LoggedOption, metavar="NAME", help="Only what one environment has for itself."
)
@accept_option
@click.option("-y", "--yes", is_flag=True, help="Even where it is your own key.")
@click.option("--no-report", is_flag=True, help="Do not look at the history for what they could read.")
@partial_history_option
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would change.")
@resume_option
@abort_option
@config_option
@format_option
@quiet_option
def remove(
    *,
    who: str | None,
    environment: str | None,
    accept_recipients: bool,
    yes: bool,
    no_report: bool,
    dry_run: bool,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str | None,
    quiet: bool,
) -> int:
    """Take somebody out of the rules and of every file, which gets a new data key.

    WHO is a public key, a name in .sops.yaml, or the NAME of a keys/NAME.pub, which is deleted. Files whose
    data key they know from before get a new one, too. .sops.yaml keeps its comments, anchors and layout.

    What is in git's history stays readable for them. `recipients report` lists every value that they could
    read at any time, and what to do about it; offboarding/NAME.json keeps what was decided.
    """
    from fluxsecrets.ops.people.offboard import COMMAND, RemoveOptions, plan_removal, prepare_removal
    from fluxsecrets.ops.people.offboard import remove as remove_from_files
    from fluxsecrets.report.readers import doubt_notes, value_rows, value_summary

    session, out = make_session(config), Output(quiet=quiet)
    if end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting):
        return 0
    if not who:
        raise UsageError("say who leaves", hint="a public key, or a name")
    options = RemoveOptions(who, environment, accept_recipients, not no_report, write=not dry_run)
    plan = plan_removal(session, options)
    _show_plan(out, plan.lines(), report)
    if options.write and not yes and session.opens_any(((plan.recipient,),)):
        raise UsageError(
            f"{plan.name} is you: you could open none of these files any more",
            hint="let somebody else do it, or add --yes",
        )
    prepared = tuple(out.progress(prepare_removal(plan), len(plan.targets), "rotating"))
    results = tuple(each.result for each in prepared)
    if options.write:
        results = remove_from_files(session, plan, prepared)
    left = [value for value in plan.values if not value.state.settled]
    batch = BatchResult(
        results, (*plan.notes, *doubt_notes(plan.doubtful, plan.name), *history_note(results))
    )
    show_rekeyed(out, COMMAND, batch, as_json=report == "json")
    if not no_report and report != "json":
        out.note("")
        out.table(value_rows(left))
        out.note(value_summary(plan.values, plan.name))
        if left:
            out.note(f"what is left: fluxsecrets recipients report {plan.name}")
    return 2 if batch.failed else 0


@command.command("report", short_help="What somebody who left could read, and what is left to change.")
@click.argument("who", metavar="WHO")
@click.option("--done", multiple=True, metavar="PATH[#KEY]", help="This was changed or revoked elsewhere.")
@click.option("--accept", multiple=True, metavar="PATH[#KEY]", help="This may stay; needs --reason.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the team.")
@click.option("--all", "everything", is_flag=True, help="Also what is settled.")
@partial_history_option
@config_option
@format_option
@quiet_option
def report_(
    *,
    who: str,
    done: tuple[str, ...],
    accept: tuple[str, ...],
    reason: str,
    everything: bool,
    config: Path | None,
    report: str | None,
    quiet: bool,
) -> int:
    """List every value that somebody could read at any time, and that is still to be changed.

    A value that is another one now, or gone, is settled by itself; what was done elsewhere is noted with
    --done, and what may stay with --accept. It is kept in offboarding/NAME.json, for the whole team. Exits
    with 1 while anything is left.
    """
    from fluxsecrets.ops.people.leavers import report_of
    from fluxsecrets.report.readers import doubt_notes, report_json, value_rows, value_summary

    session, out = make_session(config), Output(quiet=quiet)
    found = report_of(session, who, done=done, accept=accept, reason=reason)
    if report == "json":
        out.text([report_json(found)])
        return 1 if found.open else 0
    out.table(value_rows(found.values if everything else found.open))
    out.note(value_summary(found.values, found.leaving.name))
    for note in doubt_notes(found.doubtful, found.leaving.name):
        out.warning(f"warning: {note}")
    if not found.open and found.path is not None:
        out.note(f"nothing is left to do: {found.path} can be deleted")
    return 1 if found.open else 0


@command.command("exposure", short_help="Since when a value could be read, in plain text or by whom.")
@click.argument("what", metavar="PATH[#KEY]")
@partial_history_option
@config_option
@format_option
@quiet_option
def exposure_(*, what: str, config: Path | None, report: str | None, quiet: bool) -> int:
    """Show since which commit a file or value could be read, in plain text or by whom, and what to change.

    All branches and tags count. A file that was renamed has a history under each of its names.
    """
    from fluxsecrets.ops.people.exposure import exposure
    from fluxsecrets.report.readers import exposure_json, reader_rows, value_rows

    session, out = make_session(config), Output(quiet=quiet)
    found = exposure(session, what)
    if report == "json":
        out.text([exposure_json(found)])
        return 0
    out.table(reader_rows(found))
    for commit in found.unread:
        out.warning(f"warning: the version of {commit.id[:10]} could not be understood")
    if found.values:
        out.note("in plain text at some time:")
        out.table(value_rows(found.values))
    else:
        out.note("it was never in plain text in this repository's history")
    return 0


@command.command("sync", short_help="Bring files in line with the rules.")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@accept_option
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if anything would change.")
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would change.")
@input_type_option
@order_option
@config_option
@format_option
@quiet_option
def sync(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    everything: bool,
    accept_recipients: bool,
    check: bool,
    dry_run: bool,
    input_type: str | None,
    config: Path | None,
    report: str | None,
    quiet: bool,
) -> int:
    """Make the recipients of encrypted files those of their creation rules.

    That takes in their order, key groups and threshold. A file that only gets more recipients keeps its
    values, as with `sops updatekeys`; where somebody is removed it also gets a new data key. Each file's MAC
    is checked before it is written; --check and --dry-run need no identity. What a file encrypts stays as it
    is: a selector that may encrypt less than the rule's is refused.
    """
    from fluxsecrets.ops.files.sync import SyncOptions, sync_files

    session, out = make_session(config), Output(quiet=quiet)
    selection = select_for_rekey(session, paths, environment, input_type, everything=everything)
    options = SyncOptions(read_public_keys(selection.root), accept_recipients, write=not (check or dry_run))
    if options.write:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(selection)
    results = tuple(out.progress(sync_files(session, targets, options), len(targets), "comparing"))
    batch = BatchResult(results, (*notes, *(history_note(results) if options.write else ())))
    show_rekeyed(out, "recipients sync", batch, as_json=report == "json")
    if batch.failed:
        return 2
    return 1 if check and batch.count(Outcome.WOULD_SYNC) else 0
