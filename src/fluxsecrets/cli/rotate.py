"""`fluxsecrets rotate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.rekey import all_option, select_for_rekey, show_rekeyed
from fluxsecrets.ops.names import read_public_keys
from fluxsecrets.ops.policy import parse_recipients
from fluxsecrets.ops.rekey import encrypted_targets, history_note
from fluxsecrets.ops.results import BatchResult
from fluxsecrets.ops.rotate import RotateOptions, refuse_contradiction, rotate_files
from fluxsecrets.ops.targets import clean_up

_KINDS = {
    "age": ("age", "age, SSH or plugin keys"),
    "pgp": ("pgp", "PGP fingerprints"),
    "kms": ("kms", "AWS KMS ARNs"),
    "gcp-kms": ("gcp_kms", "Google Cloud KMS keys"),
    "azure-kv": ("azure_kv", "Azure Key Vault keys"),
    "hc-vault-transit": ("hc_vault", "Vault transit keys"),
    "hckms": ("hckms", "Huawei Cloud keys"),
}
"""Kinds of recipients as sops's options name them, with ours, and what they are."""


def _recipient_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option, (kind, what) in reversed(_KINDS.items()):
        for verb, text in (("rm", f"Remove {what}."), ("add", f"Add {what}.")):
            function = click.option(
                f"--{verb}-{option}", f"{verb}_{kind}", multiple=True, metavar="KEY[,KEY]", help=text
            )(function)
    return function


@click.command("rotate")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@env_option
@all_option
@_recipient_options
@click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on where a file is encrypted for others than its rule says, or protected less.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would happen.")
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
    dry_run: bool,
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

    Each file's MAC is checked first. Files are replaced one by one, each at once, so that an interrupted run
    leaves nothing that cannot be opened. Decrypted, a file is what it was.
    """
    session, out = make_session(config), Output(quiet=quiet)
    kinds = [kind for kind, _ in _KINDS.values()]
    add, remove = (
        parse_recipients({kind: recipients[f"{verb}_{kind}"] for kind in kinds}) for verb in ("add", "rm")
    )
    selection = select_for_rekey(session, paths, environment, input_type, everything=everything)
    options = RotateOptions(
        add, remove, accept_recipients, read_public_keys(selection.root), write=not dry_run
    )
    refuse_contradiction(options)
    if options.write:
        clean_up(selection)
    targets, notes = encrypted_targets(selection)
    results = tuple(out.progress(rotate_files(session, targets, options), len(targets), "rotating"))
    if remove and results and not any(result.error or getattr(result, "removed", ()) for result in results):
        notes = (*notes, "nobody was removed: none of the files was encrypted for whom you named")
    batch = BatchResult(results, (*notes, *history_note(results)))
    show_rekeyed(out, "rotate", batch, as_json=report == "json")
    return 2 if batch.failed else 0
