"""`fluxsecrets get`, `set` and `unset`: one value of an encrypted file."""

from __future__ import annotations

import sys
from dataclasses import astuple, dataclass
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    PathArgument,
    ValueArgument,
    accept_option,
    allow_invalid_option,
    config_option,
    document_option,
    filename_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output, show_warnings
from fluxsecrets.cli.sealing import cert_option, private_key_option
from fluxsecrets.errors import LimitError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.values import (
    NewValue,
    ValueRequest,
    ValueResult,
    change_value,
    get_value,
    unset_value,
)
from fluxsecrets.ops.run.inputs import read_input
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.sealing.sealers import Sealers, is_sealed_file


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a new value comes from."""

    value: str | None
    from_stdin: bool
    value_file: Path | None
    spec: str | None


@click.command("get")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@click.option("--raw", is_flag=True, help="Do not decode base64 under `data:` of a Secret.")
@click.option("--output-type", type=click.Choice(["yaml", "json"]), help="Format for a map or a list.")
@document_option
@filename_option
@input_type_option
@order_option
@quiet_option
@takes(ValueRequest)
def get(asked: ValueRequest, *, output_type: str | None, filename: str | None, quiet: bool) -> int:
    """Print one value of an encrypted file.

    KEY is stringData.password or '["stringData"]["password"]'; list items count from 0: users[0].name.
    Prints the value's exact bytes, and adds a line break only at a terminal. Decodes base64 under `data:`
    of a Kubernetes Secret.
    """
    session, out = make_session(), Output(quiet=quiet)
    given = read_input(session, asked.path, filename, asked.input_type)
    value = get_value(session, given, asked, output_type=output_type)
    if sys.stdout.isatty() and not value.endswith(b"\n"):
        value += b"\n"
    out.data(value)
    return 0


@click.command("set")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@click.argument("value", cls=ValueArgument, required=False)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the value from standard input.")
@click.option(
    "--value-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read the value from a file, byte for byte.",
)
@click.option(
    "--generate",
    "spec",
    cls=LoggedOption,
    metavar="KIND[:N]",
    help="Generate the value: password:32 (characters), hex:32 or base64:32 (bytes), uuid.",
)
@click.option("--json", "as_json", is_flag=True, help="The value is JSON, such as a number, a list or a map.")
@click.option("--raw", is_flag=True, help="The value for `data:` of a Secret is already base64.")
@click.option("--plain", is_flag=True, help="Add the value even if the selector leaves it in plain text.")
@document_option
@accept_option
@allow_invalid_option
@input_type_option
@order_option
@config_option
@cert_option
@private_key_option
@quiet_option
@takes(ValueRequest, _Source, Sealers)
def set_(
    asked: ValueRequest,
    source: _Source,
    sealers: Sealers,
    *,
    as_json: bool,
    config: Path | None,
    quiet: bool,
) -> int:
    """Set one value of an encrypted file.

    KEY is as for `get`. A new key is added, and so is a list item right after the last. Without VALUE and
    options, `set` asks for the value at the terminal. The value is a string. With --json it is JSON, and so
    is VALUE if KEY is in brackets, as in sops. Under `data:` of a Kubernetes Secret it is encoded in base64.
    Everything else stays unchanged, byte for byte, except the MAC and the time of the change.

    In a SealedSecret, KEY is a key of the Secret, and the certificate is enough to set it.
    """
    session, out = make_session(config), Output(quiet=quiet)
    if sum(each not in (None, False) for each in astuple(source)) > 1:
        raise UsageError(
            "the value is given twice", hint="give one of VALUE, --stdin, --value-file and --generate"
        )
    # sops takes the value as JSON where the key is in brackets.
    as_json = as_json or (source.value is not None and asked.key.startswith("["))
    if as_json and source.spec is not None:
        raise UsageError("--generate makes a string", hint="leave out --json")

    def new() -> NewValue:
        data = _given(session, source)
        return NewValue(json=data) if as_json else NewValue(data=data)

    if is_sealed_file(session, asked.path):
        from fluxsecrets.ops.sealing.edit import set_sealed

        _show_change(out, set_sealed(session, asked, new, sealers))
    else:
        sealers.refuse_unused(asked.path)
        _show_change(out, change_value(session, asked, new))
    if source.value is not None:
        out.warning("warning: the value is in your shell's history now; --stdin keeps it out of that")
    return 0


@click.command("unset")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@document_option
@accept_option
@allow_invalid_option
@input_type_option
@order_option
@config_option
@quiet_option
@takes(ValueRequest)
def unset(asked: ValueRequest, *, config: Path | None, quiet: bool) -> int:
    """Remove one key or list item of an encrypted file.

    KEY is as for `get`. The comments right above it are removed too. Everything else stays unchanged.
    """
    session, out = make_session(config), Output(quiet=quiet)
    if is_sealed_file(session, asked.path):
        from fluxsecrets.ops.sealing.edit import unset_sealed

        _show_change(out, unset_sealed(session, asked))
    else:
        _show_change(out, unset_value(session, asked))
    return 0


def _show_change(out: Output, result: ValueResult) -> None:
    """Say what became of a value, and what else to know."""
    show_warnings(out, result.path, result.warnings)
    out.note(f"{result.path}: {result.key} {result.change}")


def _given(session: Session, source: _Source) -> bytes:
    """The value's bytes, from wherever they were given."""
    if source.value is not None:
        return source.value.encode("utf-8", "surrogateescape")
    if source.spec is not None:
        from fluxsecrets.ops.files.generated import generate

        return generate(source.spec).encode()
    if source.value_file is not None:
        return read_file(session.cwd / source.value_file, limit=session.limits.size, follow_links=True).data
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    if at_terminal:
        answer: str = click.prompt("value", hide_input=True, confirmation_prompt=True, err=True)
        return answer.encode("utf-8", "surrogateescape")
    if not source.from_stdin:
        raise UsageError(
            "no value is given", hint="add the value, --stdin, --value-file FILE or --generate password:32"
        )
    data = sys.stdin.buffer.read(session.limits.size + 1) if sys.stdin is not None else b""
    if len(data) > session.limits.size:
        raise LimitError(f"the value is too large: the limit is {session.limits.size // 2**20} MiB")
    return _without_line_break(data)


def _without_line_break(data: bytes) -> bytes:
    r"""A single line without its break, which `echo` adds; what has several lines stays as it is."""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    return data if b"\n" in line else line
