"""`fluxsecrets rotate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluxsecrets.cli.options import (
    PathArgument,
    abort_option,
    config_option,
    end_if_asked,
    env_option,
    format_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    resume_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.rekey import all_option, select_for_rekey, show_rekeyed
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.rekey import encrypted_targets, history_note, regenerated_note
from fluxsecrets.ops.people.rotate import (
    RotateOptions,
    prepare_rotation,
    refuse_contradiction,
    rotation_plan,
    shared_with,
)
from fluxsecrets.ops.policy.policy import parse_recipients
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.ops.run.writer import Operation, make_ready, write_files
from fluxsecrets.sops.recipients import KINDS


def _recipient_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for kind, each in reversed(list(KINDS.items())):
        for verb, text in (("rm", f"Remove {each.what}."), ("add", f"Add {each.what}.")):
            function = click.option(
                f"--{verb}-{each.option}", f"{verb}_{kind}", multiple=True, metavar="KEY[,KEY]", help=text
            )(function)
    return function


@click.command("rotate")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@_recipient_options
@click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on where a file is encrypted for others than its rule says, or protected less.",
)
@click.option("--values", is_flag=True, help="Make values anew whose Secret's annotation says how.")
@click.option("--identity", is_flag=True, help="With --env: a new age identity for its cluster.")
@click.option("--finish", is_flag=True, help="With --identity: take the old identity out.")
@click.option("--old", metavar="KEY", help="With --identity: which key goes, if that cannot be told.")
@click.option("--new", metavar="KEY", help="With --identity: the public half of one made elsewhere.")
@click.option("--post-quantum", is_flag=True, help="With --identity: of the kind for sops 3.12 and newer.")
@click.option("--store", type=click.Choice(["file", "keyring"]), help="With --identity: where it is kept.")
@click.option("-y", "--yes", is_flag=True, help="With --finish: do not ask.")
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would happen.")
@resume_option
@abort_option
@input_type_option
@order_option
@config_option
@format_option
@quiet_option
@click.option("-i", "--in-place", is_flag=True, hidden=True, help="What rotate does anyway.")
def command(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    everything: bool,
    accept_recipients: bool,
    values: bool,
    identity: bool,
    finish: bool,
    old: str | None,
    new: str | None,
    post_quantum: bool,
    store: str | None,
    yes: bool,
    dry_run: bool,
    resuming: bool,
    aborting: bool,
    input_type: str | None,
    config: Path | None,
    report: str | None,
    quiet: bool,
    in_place: bool,
    **recipients: tuple[str, ...],
) -> int:
    """Give files new data keys, in place, and encrypt every value anew.

    PATH is a file, or a folder in which every encrypted secret is meant; --env and --all mean those of an
    environment or of the repository. Recipients stay those of the file, but for --add-… and --rm-….
    A file for people whom its creation rule does not name is refused: anybody could have added them.

    Each file's MAC is checked first. All files are prepared before the first is replaced, and each opens at
    every moment: whatever interrupts the run, --resume completes it and --abort takes it back. Decrypted, a
    file is what it was, but for --values: these are made anew where a Secret's annotation
    fluxsecrets.io/generate says how, such as `password=password:32`.

    --identity gives an environment's cluster a new age identity in two steps: first rules and files are for
    the old and the new one; then, when the cluster has the new one, --finish takes the old one out.
    """
    session, out = make_session(config), Output(quiet=quiet)
    if end_if_asked(session, out, "rotate", resuming=resuming, aborting=aborting):
        return 0
    if identity or finish or old or new or post_quantum or store or yes:
        if not identity or environment is None or paths or everything or values or any(recipients.values()):
            raise UsageError(
                "a new identity is for one environment, and nothing else goes with it",
                hint="`fluxsecrets rotate --env NAME --identity`, later with --finish",
            )
        from fluxsecrets.cli.identity import rotate_identity
        from fluxsecrets.ops.people.identity import IdentityOptions
        from fluxsecrets.ops.people.keystore import Store

        asked = IdentityOptions(
            environment,
            finish,
            old,
            new,
            post_quantum,
            Store(store or "file"),
            accept_recipients,
            write=not dry_run,
        )
        return rotate_identity(session, out, asked, yes=yes, as_json=report == "json")
    add, remove = (
        parse_recipients({kind: recipients[f"{verb}_{kind}"] for kind in KINDS}) for verb in ("add", "rm")
    )
    selection = select_for_rekey(session, paths, environment, input_type, everything=everything)
    options = RotateOptions(
        add,
        remove,
        accept_recipients,
        read_public_keys(selection.root),
        values,
        shared_with(session, environment),
        write=not dry_run,
    )
    refuse_contradiction(options)
    if options.write:
        make_ready(target.path for target in selection.targets)
    targets, notes = encrypted_targets(selection)
    if report != "json":
        for line in rotation_plan(targets, options, environment):
            out.note(line)
    prepared = tuple(out.progress(prepare_rotation(session, targets, options), len(targets), "rotating"))
    results = tuple(write_files(session, prepared, Operation("rotate")))
    if remove and results and not any(result.error or getattr(result, "removed", ()) for result in results):
        notes = (*notes, "nobody was removed: none of the files was encrypted for whom you named")
    batch = BatchResult(results, (*notes, *history_note(results), *regenerated_note(results)))
    show_rekeyed(out, "rotate", batch, as_json=report == "json")
    return 2 if batch.failed else 0
