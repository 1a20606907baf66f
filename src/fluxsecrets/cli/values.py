"""`fluxsecrets get`, `set` and `unset`: one value of an encrypted file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    PathArgument,
    ValueArgument,
    accept_option,
    config_option,
    document_option,
    filename_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output, show_warnings
from fluxsecrets.errors import FileAccessError, FluxsecretsError, LimitError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.values import (
    NewValue,
    ValueOptions,
    ValueResult,
    change_value,
    get_value,
    unset_value,
)
from fluxsecrets.ops.run.inputs import read_input, refuse_folder
from fluxsecrets.ops.run.session import Session

if TYPE_CHECKING:  # `get` does without
    from fluxsecrets.ops.run.inputs import Target


@click.command("get")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@click.option("--raw", is_flag=True, help="Do not decode base64 under `data:` of a Secret.")
@click.option("--output-type", type=click.Choice(["yaml", "json"]), help="How to print a map or a list.")
@document_option
@filename_option
@input_type_option
@order_option
@quiet_option
def get(
    *,
    path: str,
    key: str,
    raw: bool,
    output_type: str | None,
    document: int | None,
    filename: str | None,
    input_type: str | None,
    quiet: bool,
) -> int:
    """Print one value of an encrypted file.

    KEY is dotted, such as stringData.password, or '["stringData"]["password"]'; list items count from 0:
    users[0].name. The value's exact bytes are printed; only at a terminal a line break follows them. Under
    `data:` of a Kubernetes Secret the value is decoded from base64.
    """
    session, out = make_session(), Output(quiet=quiet)
    given = read_input(session, path, filename, input_type)
    options = ValueOptions(document=document, raw=raw)
    try:
        value = get_value(session, given.data, given.target.format, key, options, output_type=output_type)
    except FluxsecretsError as error:
        raise error.in_file(given.target.shown) from None
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
    help="Make the value: password:32 (characters), hex:32 or base64:32 (bytes), uuid.",
)
@click.option("--json", "as_json", is_flag=True, help="The value is JSON: a number, a list, a map …")
@click.option("--raw", is_flag=True, help="The value for `data:` of a Secret is base64 already.")
@click.option("--plain", is_flag=True, help="Add the value even where it is not encrypted.")
@document_option
@accept_option
@input_type_option
@order_option
@config_option
@quiet_option
def set_(
    *,
    path: str,
    key: str,
    value: str | None,
    from_stdin: bool,
    value_file: Path | None,
    spec: str | None,
    as_json: bool,
    raw: bool,
    plain: bool,
    document: int | None,
    accept_recipients: bool,
    input_type: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Set one value of an encrypted file.

    KEY is as for `get`; a key that is not there yet is added, and so is a list item right behind the last.
    Without VALUE and options the value is asked for at the terminal. It is a string unless --json is
    given, or KEY is in brackets, as sops writes it: VALUE is JSON then, as sops takes it. Under `data:` of
    a Kubernetes Secret it is encoded in base64. All other values keep their ciphertext, and the text around
    them stays as it is.
    """
    session, out = make_session(config), Output(quiet=quiet)
    sources = [value is not None, from_stdin, value_file is not None, spec is not None]
    if sum(sources) > 1:
        raise UsageError(
            "the value is given twice", hint="give VALUE, --stdin, --value-file or --generate, one of them"
        )
    as_json = as_json or (value is not None and key.startswith("["))  # as sops takes it with such a key
    if as_json and spec is not None:
        raise UsageError("--generate makes a string", hint="leave out --json")
    target = _target(session, path, input_type)
    if isinstance(target.problem, FileAccessError) and not os.path.lexists(session.cwd / path):
        target.problem.hint = "check the spelling; `fluxsecrets edit FILE` makes a new file"

    def new() -> NewValue:
        data = _given(session, value, value_file, spec, from_stdin=from_stdin)
        return NewValue(json=data) if as_json else NewValue(data=data)

    options = ValueOptions(document, raw=raw, plain=plain, accept_recipients=accept_recipients)
    result = change_value(session, target, key, new, options)
    _show_change(out, result)
    if value is not None:
        out.warning("warning: the value is in your shell's history now; --stdin keeps it out of that")
    return 0


@click.command("unset")
@click.argument("path", cls=PathArgument)
@click.argument("key", cls=LoggedArgument)
@document_option
@accept_option
@input_type_option
@order_option
@config_option
@quiet_option
def unset(
    *,
    path: str,
    key: str,
    document: int | None,
    accept_recipients: bool,
    input_type: str | None,
    config: Path | None,
    quiet: bool,
) -> int:
    """Remove one key or list item of an encrypted file.

    KEY is as for `get`. The comments right above it go as well; everything else stays as it is, and all
    other values keep their ciphertext.
    """
    session, out = make_session(config), Output(quiet=quiet)
    target = _target(session, path, input_type)
    options = ValueOptions(document, accept_recipients=accept_recipients)
    _show_change(out, unset_value(session, target, key, options))
    return 0


def _target(session: Session, path: str, input_type: str | None) -> Target:
    from fluxsecrets.ops.run.targets import select

    refuse_folder(session, path)
    return select(session, [path], input_type=input_type).targets[0]


def _show_change(out: Output, result: ValueResult) -> None:
    """Say what became of a value, and what else to know."""
    show_warnings(out, result.path, result.warnings)
    out.note(f"{result.path}: {result.key} {result.change}")


def _given(
    session: Session, value: str | None, value_file: Path | None, spec: str | None, *, from_stdin: bool
) -> bytes:
    """The value's bytes, from wherever they were given."""
    if value is not None:
        return value.encode("utf-8", "surrogateescape")
    if spec is not None:
        from fluxsecrets.ops.files.generated import generate

        return generate(spec).encode()
    if value_file is not None:
        return read_file(session.cwd / value_file, limit=session.limits.size, follow_links=True).data
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    if at_terminal:
        answer: str = click.prompt("value", hide_input=True, confirmation_prompt=True, err=True)
        return answer.encode("utf-8", "surrogateescape")
    if not from_stdin:
        raise UsageError(
            "no value is given", hint="add --stdin, --value-file FILE or --generate password:32, or the value"
        )
    data = sys.stdin.buffer.read(session.limits.size + 1) if sys.stdin is not None else b""
    if len(data) > session.limits.size:
        raise LimitError(f"the value is too large: the limit is {session.limits.size // 2**20} MiB")
    return _without_line_break(data)


def _without_line_break(data: bytes) -> bytes:
    r"""A single line without its break, which `echo` adds; what has several lines stays as it is."""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    return data if b"\n" in line else line
