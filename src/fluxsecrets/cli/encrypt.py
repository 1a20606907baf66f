"""`fluxsecrets encrypt`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from fluxsecrets.cli.headings import HeadedCommand, HeadedOption
from fluxsecrets.cli.options import (
    PathArgument,
    allow_invalid_option,
    config_option,
    env_option,
    filename_option,
    for_others_option,
    format_option,
    input_type_option,
    make_session,
    output_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.recipientoptions import aws_options, recipient_options
from fluxsecrets.cli.runs.encrypt import encrypt as run_encrypt
from fluxsecrets.ops.files.encrypt import EncryptRequest

_RECIPIENTS = "Recipients, instead of the rule's"
_selector_option = partial(
    click.option, cls=HeadedOption, heading="Selector, instead of the rule's", metavar="REGEX"
)


@click.command("encrypt", cls=HeadedCommand)
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option(
    "-i",
    "--in-place",
    is_flag=True,
    help="Encrypt in place (the default), even if standard output is a file.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; list files that do not follow the rules, and exit with 1 if there are any.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be encrypted.")
@output_option("Write the result of one file to FILE.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Write the result of one file to standard output.")
@filename_option
@input_type_option
@recipient_options("Encrypt for these {keys}.", _RECIPIENTS)
@aws_options(_RECIPIENTS)
@_selector_option("--encrypted-regex", help="Encrypt the values of keys that match.")
@_selector_option("--unencrypted-regex", help="Leave the values of keys that match in plain text.")
@_selector_option("--encrypted-suffix", metavar="TEXT", help="Encrypt the values of keys with this suffix.")
@_selector_option(
    "--unencrypted-suffix", metavar="TEXT", help="Leave the values of keys with this suffix in plain text."
)
@_selector_option(
    "--encrypted-comment-regex", help="Encrypt the values below comments that match; Flux can't use it."
)
@_selector_option(
    "--unencrypted-comment-regex",
    help="Leave the values below comments that match in plain text; Flux can't use it.",
)
@click.option(
    "--mac-only-encrypted",
    is_flag=True,
    help="Exclude plain values from the MAC, so that they can be changed freely.",
)
@click.option(
    "--staged", is_flag=True, help="Encrypt what is staged for the next commit, and stage the result."
)
@click.option("--split-lists", is_flag=True, help="Split a List of Secrets into YAML documents first.")
@for_others_option
@allow_invalid_option
@config_option
@format_option
@quiet_option
@takes(EncryptRequest)
def command(
    asked: EncryptRequest,
    *,
    in_place: bool,
    to_stdout: bool,
    filename: str | None,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Encrypt Secrets in place.

    A file PATH is encrypted; in a folder PATH, every Secret is. Without PATH and --env, every Secret in
    the repository is. Encrypted files stay unchanged; one that differs from its rule, for example in its
    recipients, is reported. Values that did not change since the last commit keep their ciphertext.

    --check skips a plain file if all of `fluxsecrets scan`'s findings in it are allowed or in the baseline.
    """
    start = partial(make_session, config)
    return run_encrypt(
        start,
        asked,
        in_place=in_place,
        to_stdout=to_stdout,
        filename=filename,
        report=report,
        quiet=quiet,
    )
