"""`fluxsecrets decrypt`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    FORMAT_NAMES,
    LoggedOption,
    PathArgument,
    env_option,
    filename_option,
    format_option,
    input_type_option,
    make_session,
    only_path,
    order_option,
    output_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output, say_plain, show_warnings, write_plain
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.decrypt import decrypt_given, decrypt_in_place
from fluxsecrets.ops.run.inputs import read_input
from fluxsecrets.ops.run.session import Session


@dataclass(frozen=True, slots=True)
class _Asked:
    paths: tuple[str, ...]
    in_place: bool
    environment: str | None
    output: Path | None
    key: str | None
    output_type: str | None
    filename: str | None
    input_type: str | None


@click.command("decrypt")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@click.option("-i", "--in-place", is_flag=True, help="Replace the files with their plain text.")
@env_option
@output_option("Write the plain text to FILE.", FORMAT_NAMES)
@click.option(
    "--extract",
    "key",
    cls=LoggedOption,
    metavar="KEY",
    help="""Print one value: data.password, or '["data"]["password"]'.""",
)
@click.option(
    "--output-type", type=click.Choice(FORMAT_NAMES), help="Write this format instead of the file's own."
)
@filename_option
@input_type_option
@order_option
@format_option
@quiet_option
@takes(_Asked)
def command(asked: _Asked, *, report: str, quiet: bool) -> int:
    """Print a file decrypted; with -i decrypt files in place.

    The file's MAC is checked before anything is printed or written. Only -i and -o write plain text to
    disk, and only -i takes several files, folders, or --env.
    """
    session, out = make_session(), Output(quiet=quiet)
    if asked.in_place:
        return _in_place(session, out, asked, report)
    if asked.environment is not None:
        raise UsageError("--env decrypts many files, which is done in place only", hint="add -i to do that")
    if report != "text":
        raise UsageError(
            "--format is for the report of -i", hint="to print the values as JSON, use --output-type json"
        )
    text = only_path(asked.paths, "add -i to decrypt several files in place")
    given = read_input(session, text, asked.filename, asked.input_type)
    content = decrypt_given(session, given, output_type=asked.output_type, key=asked.key)
    show_warnings(out, given.target.shown, content.warnings)
    write_plain(session, out, content.data, asked.output)
    return 0


def _in_place(session: Session, out: Output, asked: _Asked, report: str) -> int:
    from fluxsecrets.ops.run.results import Outcome
    from fluxsecrets.report.results import FORMATS

    if asked.output or asked.key is not None or asked.output_type or asked.filename or "-" in asked.paths:
        raise UsageError(
            "-i replaces files: it can't be combined with -o, --extract, --output-type, --filename or -",
            hint="leave out -i to print, or to write elsewhere",
        )
    if not asked.paths and asked.environment is None:
        raise UsageError("name the files", hint="files or folders, or --env NAME")
    batch = decrypt_in_place(session, asked.paths, asked.environment, asked.input_type)
    out.show(FORMATS[report]("decrypt", batch))
    if batch.count(Outcome.DECRYPTED):
        say_plain(out, asked.paths, asked.environment)
    return 2 if batch.failed else 0
