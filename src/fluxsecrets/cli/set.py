"""`fluxsecrets set`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from fluxsecrets.cli.content import refuse_folder
from fluxsecrets.cli.options import config_option, input_type_option, make_session, order_option, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.values import accept_option, document_option, show_warnings
from fluxsecrets.errors import FileAccessError, LimitError, UsageError
from fluxsecrets.files import read_file
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.files.values import NewValue, ValueOptions, ValueResult, change_value
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select


@click.command("set")
@click.argument("path")
@click.argument("key")
@click.argument("value", required=False)
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
def command(
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
    refuse_folder(session, path)
    target = select(session, [path], input_type=input_type).targets[0]
    if isinstance(target.problem, FileAccessError) and not os.path.lexists(session.cwd / path):
        target.problem.hint = "check the spelling; `fluxsecrets edit FILE` makes a new file"

    def new() -> NewValue:
        data = _given(session, value, value_file, spec, from_stdin=from_stdin)
        return NewValue(json=data) if as_json else NewValue(data=data)

    options = ValueOptions(document, raw=raw, plain=plain, accept_recipients=accept_recipients)
    result = change_value(session, target, key, new, options)
    show_change(out, result)
    if value is not None:
        out.warning("warning: the value is in your shell's history now; --stdin keeps it out of that")
    return 0


def show_change(out: Output, result: ValueResult) -> None:
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
