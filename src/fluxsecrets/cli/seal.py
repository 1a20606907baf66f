"""`fluxsecrets seal`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from fluxsecrets.cli.commandline import only_path
from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    allow_invalid_option,
    env_option,
    filename_option,
    for_others_option,
    format_option,
    make_session,
    output_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output, show_warnings, write_output
from fluxsecrets.cli.sealing import (
    OUTPUT_TYPES,
    cert_option,
    comments_option,
    from_file_option,
    in_format,
    output_type_option,
    private_key_option,
    read_value,
    scope_option,
)
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.inputs import read_input
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.files import SealRequest, seal, seal_given, seal_into
from fluxsecrets.report.moved import FORMATS
from fluxsecrets.report.text import counted


@click.command("seal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="All plain Secrets of the repository.")
@cert_option
@scope_option
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="Seal for this name instead of the Secret's own."
)
@click.option("--namespace", "-n", metavar="NAME", help="The namespace for Secrets that do not name one.")
@output_option("Write the result to FILE.", OUTPUT_TYPES)
@click.option("--stdout", "to_stdout", is_flag=True, help="Write the result to standard output.")
@output_type_option
@click.option(
    "--merge-into",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Put the Secret's values into this SealedSecret; the rest of it stays unchanged.",
)
@private_key_option
@click.option("--renew", is_flag=True, help="Seal every value again, even if it did not change.")
@comments_option
@click.option("--allow-empty-data", is_flag=True, help="Accept Secrets without values.")
@click.option("--raw", is_flag=True, help="Seal one value, from standard input or --from-file, and print it.")
@from_file_option
@click.option(
    "--fetch-cert", metavar="URL", help="Fetch a controller's certificate, and print it or write it to -o."
)
@click.option("--allow-http", is_flag=True, help="With --fetch-cert: allow plain HTTP to other machines.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be sealed.")
@for_others_option
@allow_invalid_option
@filename_option
@format_option
@quiet_option
@takes(SealRequest)
def command(
    asked: SealRequest,
    *,
    to_stdout: bool,
    output_type: str | None,
    merge_into: Path | None,
    raw: bool,
    from_files: tuple[str, ...],
    fetch_cert: str | None,
    allow_http: bool,
    filename: str | None,
    report: str,
    quiet: bool,
) -> int:
    """Turn Secrets into SealedSecrets, in place.

    Works offline: the certificate comes from --cert, or from .fluxsecrets.yaml for the environment. PATH is
    a file, a folder, or - for standard input; --env and --all select all plain Secrets of an environment or
    of the repository. With -o or --stdout the input stays unchanged, and may be encrypted with SOPS.

    Comments, order and other objects in a file stay. A value keeps its ciphertext if a private key of the
    controller (--private-key) or the version in git shows that it did not change.
    """
    session, out = make_session(), Output(quiet=quiet)
    if fetch_cert is not None:
        return _fetch(session, out, fetch_cert, asked.output, allow_http=allow_http)
    if raw:
        if asked.paths or merge_into is not None or asked.everything:
            raise UsageError("--raw seals one value", hint="give it on standard input, or with --from-file")
        return _raw(session, out, asked, from_files)
    if from_files:
        raise UsageError("--from-file is for one value", hint="add --raw")
    to_one = "-" in asked.paths or to_stdout or asked.output is not None
    if asked.everything and (to_one or merge_into is not None):
        raise UsageError(
            "--all seals many files, which is done in place only",
            hint="leave out --all, or name one file",
        )
    if merge_into is not None:
        return _merge(session, out, asked, filename, merge_into)
    if to_one:
        return _one(session, out, asked, filename, output_type)
    if filename is not None or output_type is not None:
        raise UsageError(
            "--filename and --output-type are for one content", hint="give - as the path, or -o or --stdout"
        )
    batch = seal(session, asked)
    out.show(FORMATS[report]("seal", batch))
    return 2 if batch.failed else 0


_ONE = "without -, -o, --stdout and --merge-into files are sealed in place"


def _one(
    session: Session, out: Output, asked: SealRequest, filename: str | None, output_type: str | None
) -> int:
    """Seal one content to standard output or to a file."""
    given = read_input(session, only_path(asked.paths, _ONE), filename, None)
    output = asked.output
    if output_type is None and output is not None:
        output_type = "json" if output.suffix == ".json" else "yaml"
    sealed = seal_given(session, asked, given)
    show_warnings(out, given.target.shown, sealed.warnings)
    data = in_format(sealed.data, output_type, given.target.format, session)
    if not asked.dry_run:
        write_output(session, out, data, output, mode=0o644)
    if output is not None:
        kept = f", {sealed.reused} of them unchanged" if sealed.reused else ""
        verb = "would seal" if asked.dry_run else "sealed"
        out.note(f"{output}: {verb} {counted(sealed.values, 'value')}{kept}")
    return 0


def _merge(session: Session, out: Output, asked: SealRequest, filename: str | None, target: Path) -> int:
    """Put values into a SealedSecret that is there."""
    given = read_input(session, only_path(asked.paths, _ONE), filename, None)
    merged = seal_into(session, asked, given, target)
    parts = [
        f"{len(keys)} {what}"
        for keys, what in (
            (merged.added, "added"),
            (merged.changed, "changed"),
            (merged.unchanged, "unchanged"),
        )
        if keys
    ]
    out.note(f"{session.shown(target)}: {'would be ' if asked.dry_run else ''}{', '.join(parts)}")
    return 0


def _raw(session: Session, out: Output, asked: SealRequest, from_files: tuple[str, ...]) -> int:
    """Seal one value."""
    from fluxsecrets.ops.sealing.raw import seal_raw

    text = seal_raw(session, asked, partial(read_value, session, from_files))
    write_output(session, out, text.encode(), asked.output, mode=0o644)
    return 0


def _fetch(session: Session, out: Output, address: str, output: Path | None, *, allow_http: bool) -> int:
    """Fetch a certificate, and say what it is."""
    from fluxsecrets.ops.sealing.fetch import fetch_certificate
    from fluxsecrets.sealed.certificates import check_validity

    fetched = fetch_certificate(address, allow_http=allow_http)
    check_validity(fetched.certificate)
    write_output(session, out, fetched.data, output, mode=0o644)
    found = fetched.certificate
    out.note(f"sha256 {found.fingerprint}")
    out.note(f"{found.bits} bits, from {found.start:%Y-%m-%d} until {found.end:%Y-%m-%d}")
    if output is not None:
        out.note("compare the fingerprint with somebody who can see the controller before you commit it")
    return 0
