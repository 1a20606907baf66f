"""`fluxsecrets encrypt`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from fluxsecrets.cli.commandline import only_path
from fluxsecrets.cli.headings import HeadedCommand, HeadedOption
from fluxsecrets.cli.options import (
    PathArgument,
    allow_invalid_option,
    config_option,
    env_option,
    filename_option,
    for_others_option,
    format_option,
    goes_to_file,
    input_type_option,
    make_session,
    output_option,
    quiet_option,
    refuse_piped_input,
    takes,
)
from fluxsecrets.cli.output import Output, write_output
from fluxsecrets.cli.recipientoptions import aws_options, recipient_options
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.encrypt import EncryptRequest, encrypt, encrypt_given
from fluxsecrets.ops.policy.given import override_note
from fluxsecrets.ops.run.inputs import is_same_file, read_input
from fluxsecrets.ops.run.results import BatchResult
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Warn
from fluxsecrets.report.results import FORMATS, warning_lines

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
    session, out = make_session(config), Output(quiet=quiet)
    to_one = to_stdout or asked.output is not None
    if asked.staged:
        if asked.paths or asked.environment is not None or to_one or filename is not None:
            raise UsageError(
                "--staged says which files are meant, and where they go", hint="leave out the rest"
            )
    elif "-" in asked.paths or to_one:
        if in_place or asked.environment is not None:
            raise UsageError(
                "one content is encrypted with -, --stdout or -o, many files with --env or in place",
                hint="leave out --env and -i, or -, --stdout and -o",
            )
        return _encrypt_one(session, out, asked, filename, report)
    elif filename is not None:
        raise UsageError("--filename is for standard input", hint="give - as the path as well")
    elif asked.writes and not asked.paths and asked.environment is None:
        refuse_piped_input("encrypt")
    elif asked.paths and asked.writes and not in_place and report == "text" and goes_to_file():
        raise UsageError(
            "standard output goes to a file, but encrypt works in place",
            hint="add --stdout to write the encrypted text there, or -i to encrypt in place",
        )
    if asked.staged:
        from fluxsecrets.ops.files.staged import encrypt_staged

        batch = encrypt_staged(session, asked)
    elif asked.check:
        from fluxsecrets.ops.checks.checking import check_encrypted

        batch = check_encrypted(session, asked)
    else:
        batch = encrypt(session, asked)
    out.show(FORMATS[report]("encrypt", batch))
    return _exit_code(batch, asked)


def _encrypt_one(
    session: Session, out: Output, asked: EncryptRequest, filename: str | None, report: str
) -> int:
    """Encrypt one content to standard output or to a file."""
    text = only_path(asked.paths, "without -, --stdout and -o several files are encrypted in place")
    if text == "-" and filename is None and not asked.recipients:
        raise UsageError(
            "standard input has no name, so no creation rule can match it",
            hint="add --filename NAME, or name recipients with --age",
        )
    if report != "text" and asked.writes and asked.output is None:
        raise UsageError(
            "standard output cannot take both the encrypted text and a report as JSON", hint="add -o FILE"
        )
    given = read_input(session, text, filename, asked.input_type)
    replaced = asked.output is not None and is_same_file(session.cwd / asked.output, session.cwd / text)
    result, encrypted = encrypt_given(session, given, asked, replaced=replaced)
    batch = BatchResult((result,))
    if asked.writes and report == "text":
        out.show(map(Warn, (*override_note(asked.recipients), *warning_lines(batch.files))))
    else:
        out.show(FORMATS[report]("encrypt", batch))
    if asked.writes:
        write_output(session, out, encrypted, asked.output, mode=0o644)
    return _exit_code(batch, asked)


def _exit_code(batch: BatchResult, asked: EncryptRequest) -> int:
    if batch.failed:
        return 2
    if not asked.check:
        return 0
    from fluxsecrets.ops.checks.checking import offenders

    return 1 if offenders(batch) else 0
