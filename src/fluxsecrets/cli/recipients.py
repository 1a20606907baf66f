"""`fluxsecrets recipients`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    config_option,
    env_option,
    format_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output, show_errors
from fluxsecrets.cli.rekey import all_option, select_for_rekey, show_rekeyed
from fluxsecrets.ops.names import read_public_keys
from fluxsecrets.ops.rekey import encrypted_targets, history_note
from fluxsecrets.ops.results import BatchResult, Outcome
from fluxsecrets.ops.targets import clean_up, select


@click.group("recipients")
def command() -> None:
    """See who can read what, and keep files in line with the rules."""


@command.command("list", short_help="Show who can read how many files.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@env_option
@config_option
@format_option
@quiet_option
def list_(
    *, paths: tuple[str, ...], environment: str | None, config: Path | None, report: str | None, quiet: bool
) -> int:
    """Show who can read how many files, and where files and creation rules differ.

    PATH is a file or a folder; without PATH and --env it is the whole repository. No identity is needed.
    --format json names the files.
    """
    from fluxsecrets.ops.recipients import list_recipients
    from fluxsecrets.report.rekey import recipient_rows, recipients_json

    session, out = make_session(config), Output(quiet=quiet)
    selection = select(session, paths, environment)
    targets, notes = encrypted_targets(selection)
    listed = list_recipients(session, targets, read_public_keys(selection.root))
    if report == "json":
        out.text([recipients_json(listed, notes)])
    else:
        out.table(recipient_rows(listed))
        for note in notes:
            out.note(f"note: {note}")
        show_errors(out, listed.errors)
        who = "1 recipient" if len(listed.recipients) == 1 else f"{len(listed.recipients)} recipients"
        out.note(f"{who} in {listed.files} encrypted file{'' if listed.files == 1 else 's'}")
        if any(row.not_in_rule or row.missing for row in listed.recipients):
            out.note("to bring the files in line with the rules: fluxsecrets recipients sync")
    return 2 if listed.errors else 0


@command.command("sync", short_help="Bring files in line with the rules.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@env_option
@all_option
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
    is checked before it is written; --check and --dry-run need no identity.
    """
    from fluxsecrets.ops.sync import SyncOptions, sync_files

    session, out = make_session(config), Output(quiet=quiet)
    selection = select_for_rekey(session, paths, environment, input_type, everything=everything)
    options = SyncOptions(read_public_keys(selection.root), write=not (check or dry_run))
    if options.write:
        clean_up(selection)
    targets, notes = encrypted_targets(selection)
    results = tuple(out.progress(sync_files(session, targets, options), len(targets), "comparing"))
    batch = BatchResult(results, (*notes, *(history_note(results) if options.write else ())))
    show_rekeyed(out, "recipients sync", batch, as_json=report == "json")
    if batch.failed:
        return 2
    return 1 if check and batch.count(Outcome.WOULD_SYNC) else 0
