"""`fluxsecrets decrypt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
)
from fluxsecrets.cli.output import (
    Output,
    say_plain,
    write_plain,
)
from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.files.decrypt import decrypt_content, decrypt_files
from fluxsecrets.ops.run.inputs import read_input
from fluxsecrets.ops.run.session import Session

if TYPE_CHECKING:  # one file to standard output does without
    from fluxsecrets.ops.run.results import BatchResult
    from fluxsecrets.ops.run.targets import Selection


@click.command("decrypt")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@click.option("-i", "--in-place", is_flag=True, help="Replace the files by their plain text.")
@env_option
@output_option("Write the plain text there.", FORMAT_NAMES)
@click.option(
    "--extract",
    "key",
    cls=LoggedOption,
    metavar="KEY",
    help="""One value only: data.password, or '["data"]["password"]'.""",
)
@click.option(
    "--output-type", type=click.Choice(FORMAT_NAMES), help="Write this format instead of the file's own."
)
@filename_option
@input_type_option
@order_option
@format_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    in_place: bool,
    environment: str | None,
    output: Path | None,
    key: str | None,
    output_type: str | None,
    filename: str | None,
    input_type: str | None,
    report: str | None,
    quiet: bool,
) -> int:
    """Print a file decrypted; with -i decrypt files in place.

    Nothing is printed or written before the file's MAC was checked. Only -i and -o write plain text to
    disk, and only -i takes several files, folders, or --env.
    """
    session, out = make_session(), Output(quiet=quiet)
    if in_place:
        if output or key is not None or output_type or filename or "-" in paths:
            raise UsageError(
                "-i replaces files, so it does not go with -o, --extract, --output-type, --filename or -",
                hint="leave out -i to print, or to write elsewhere",
            )
        if not paths and environment is None:
            raise UsageError("name what is meant", hint="files or folders, or --env NAME")
        from fluxsecrets.ops.run.results import Outcome
        from fluxsecrets.ops.run.targets import select

        batch = _decrypt_in_place(session, out, select(session, paths, environment, input_type))
        _show(out, batch, as_json=report == "json")
        if batch.count(Outcome.DECRYPTED):
            say_plain(out, paths, environment)
        return 2 if batch.failed else 0
    if environment is not None:
        raise UsageError("--env decrypts many files, which is done in place only", hint="add -i to do that")
    if report is not None:
        raise UsageError(
            "--format is how -i reports what it did", hint="for the values as JSON use --output-type json"
        )
    text = only_path(paths, "add -i to decrypt several files in place")
    given = read_input(session, text, filename, input_type)
    try:
        content = decrypt_content(
            session, given.handed_over(), given.format, output_type=output_type, key=key, path=given.path
        )
    except FluxsecretsError as error:
        from fluxsecrets.repo.configfiles import mend_hint

        mend_hint(error, given.path)
        raise error.in_file(given.shown) from None
    for warning in content.warnings:
        out.warning(f"warning: {given.shown}: {warning}")
    write_plain(session, out, content.data, output)
    return 0


def _decrypt_in_place(session: Session, out: Output, selection: Selection) -> BatchResult:
    from fluxsecrets.ops.run.results import BatchResult
    from fluxsecrets.ops.run.targets import clean_up

    clean_up(selection)
    targets = [target for target in selection.targets if target.encrypted or target.named or target.problem]
    results = tuple(out.progress(decrypt_files(session, targets), len(targets), "decrypting"))
    return BatchResult(results, selection.notes)


def _show(out: Output, batch: BatchResult, *, as_json: bool) -> None:
    from fluxsecrets.cli.output import show_remarks
    from fluxsecrets.report.text import result_rows

    if as_json:
        from fluxsecrets.report.json import batch_json

        out.text([batch_json("decrypt", batch)])
        return
    out.table(result_rows(batch.files))
    show_remarks(out, batch)
