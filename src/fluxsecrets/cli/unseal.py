"""`fluxsecrets unseal`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluxsecrets.cli.commandline import only_path
from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    env_option,
    filename_option,
    format_option,
    make_session,
    output_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output, write_plain
from fluxsecrets.cli.sealing import (
    OUTPUT_TYPES,
    from_file_option,
    in_format,
    output_type_option,
    private_key_option,
    read_value,
    scope_option,
)
from fluxsecrets.errors import UsageError
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.run.inputs import read_input
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.validate import ValidateRequest


@click.command("unseal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@private_key_option
@output_option("Write the plain text to FILE.", OUTPUT_TYPES)
@output_type_option
@click.option("--raw", is_flag=True, help="Open one value, from standard input or --from-file, and print it.")
@from_file_option
@scope_option
@click.option("--name", cls=LoggedOption, metavar="NAME", help="With --raw: the Secret's name.")
@click.option(
    "--namespace",
    "-n",
    metavar="NAME",
    help="With --raw: the Secret's namespace. With --validate: of SealedSecrets that do not name one.",
)
@click.option("--validate", "validating", is_flag=True, help="Check that every value opens; print none.")
@env_option
@click.option("--all", "everything", is_flag=True, help="With --validate: the whole repository.")
@filename_option
@format_option
@quiet_option
@takes(ValidateRequest)
def command(
    asked: ValidateRequest,
    *,
    output: Path | None,
    output_type: str | None,
    raw: bool,
    from_files: tuple[str, ...],
    scope: str | None,
    name: str | None,
    validating: bool,
    filename: str | None,
    report: str,
    quiet: bool,
) -> int:
    """Print SealedSecrets as Secrets.

    Needs a private key of the controller, from --private-key or from the files in FLUXSECRETS_SEALING_KEYS:
    PEM, or the controller's TLS Secrets as kubectl writes them, which may be encrypted with SOPS. Only -o
    writes plain text to disk.

    --validate checks files, folders, an environment (--env) or the repository (--all), and prints no value.
    Without a private key it can only check the form. Exit codes: 0 every value opens, 1 one does not or that
    can't be told, 2 an error.
    """
    from fluxsecrets.ops.sealing.unseal import unseal

    session, out = make_session(), Output(quiet=quiet)
    if validating:
        return _validate(session, out, asked, filename, report)
    if asked.environment is not None or asked.everything or report != "text":
        raise UsageError("--env, --all and --format are for --validate", hint="name one file to print")
    if raw:
        return _raw(session, out, asked, (scope, name), from_files, output)
    if from_files or scope is not None or name is not None or asked.namespace is not None:
        raise UsageError(
            "--from-file, --scope, --name and --namespace are for one value",
            hint="add --raw; a SealedSecret says its own name, namespace and scope",
        )
    text = only_path(
        asked.paths, "one file at a time; `fluxsecrets convert PATH --to plain` changes files in place"
    )
    given = read_input(session, text, filename, None)
    if output_type is None and output is not None and output.suffix in MANIFEST_SUFFIXES:
        output_type = "json" if output.suffix == ".json" else "yaml"
    opened = unseal(session, given, asked.private_keys)
    write_plain(session, out, in_format(opened.data, output_type, given.target.format, session), output)
    return 0


def _raw(
    session: Session,
    out: Output,
    asked: ValidateRequest,
    place: tuple[str | None, str | None],
    from_files: tuple[str, ...],
    output: Path | None,
) -> int:
    """Open one value, and print its exact bytes. The place is the scope and the name."""
    from fluxsecrets.ops.sealing.raw import RawPlace, unseal_raw

    if asked.paths:
        raise UsageError("--raw opens one value", hint="give it on standard input, or with --from-file")
    value = unseal_raw(
        session,
        RawPlace(*place, asked.namespace),
        asked.private_keys,
        lambda: read_value(session, from_files),
    )
    if output is None and sys.stdout.isatty() and not value.endswith(b"\n"):
        value += b"\n"
    write_plain(session, out, value, output)
    return 0


def _validate(
    session: Session, out: Output, asked: ValidateRequest, filename: str | None, report: str
) -> int:
    """Check values, and say which open."""
    from fluxsecrets.ops.sealing.validate import validate, validate_given
    from fluxsecrets.report.validation import FORMATS

    if asked.paths == ("-",):
        found = validate_given(session, asked, read_input(session, "-", filename, None))
    else:
        found = validate(session, asked)
    out.show(FORMATS[report](found))
    return found.exit_code
