"""Options that several commands share, and the session that they give."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click

from fluxsecrets import __version__
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.logged import Call, Logged
from fluxsecrets.ops.run.session import Session, parse_order
from fluxsecrets.redaction import holds_private_key

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMAT_NAMES = ("yaml", "json", "dotenv", "ini", "binary")
_FORMAT_WORDS = {
    **{name: name for name in FORMAT_NAMES},
    "yml": "yaml",
    "env": "dotenv",
    **dict.fromkeys(("text", "txt", "table", "wide", "name", "sarif", "html"), ""),
    **dict.fromkeys(("jsonpath", "go-template", "custom-columns"), ""),
}
"""What follows `-o` in other tools, where no file is meant; with the `--output-type` of that name."""

env_option: Decorator = click.option(
    "--env", "environment", metavar="NAME", help="All secrets of one environment."
)
format_option: Decorator = click.option(
    "--format", "report", type=click.Choice(["text", "json"]), help="How to report; text unless told."
)
quiet_option: Decorator = click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
for_others_option: Decorator = click.option(
    "--for-others",
    is_flag=True,
    help="Go on where none of your identities can decrypt the result, and git has no copy of the plain text.",
)
config_option: Decorator = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use this .sops.yaml, wherever the file is.",
)
input_type_option: Decorator = click.option(
    "--input-type", type=click.Choice(FORMAT_NAMES), help="Format of the input, whatever its name says."
)
filename_option: Decorator = click.option(
    "--filename",
    "--filename-override",
    "filename",
    metavar="NAME",
    help="With -: the name that standard input has for rules and format.",
)


def output_option(what: str, types: Collection[str] = ()) -> Decorator:
    """`-o FILE`; the name of a format is a slip there: `kubectl get -o json` prints.

    Args:
        what: what the help says.
        types: what `--output-type` takes; empty where the command has no such option.
    """

    def take(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Path | None:
        if text is None:
            return None
        output_type = _FORMAT_WORDS.get(text.partition("=")[0].lower())
        if output_type is not None:
            wanted = f"--output-type {output_type} for the format, or " if output_type in types else ""
            raise UsageError(
                f"-o wants a file, and {text!a} is the name of a format",
                hint=f"give {wanted}-o ./{text} for a file of that name",
            )
        return Path(text)

    return click.option("-o", "--output", metavar="FILE", callback=take, help=what)


def _keep_order(context: click.Context, _parameter: click.Parameter, text: str | None) -> None:
    # For `make_session`, so that no command has to hand it on.
    context.meta[_ORDER] = None if text is None else parse_order(text, "--decryption-order")


_ORDER = "fluxsecrets.decryption-order"
order_option: Decorator = click.option(
    "--decryption-order",
    metavar="KIND[,KIND]",
    expose_value=False,
    callback=_keep_order,
    help="Kinds of keys to try first: age,pgp unless told; also SOPS_DECRYPTION_ORDER.",
)


def _keep_partial(context: click.Context, _parameter: click.Parameter, given: bool) -> None:
    context.meta[_PARTIAL] = given


_PARTIAL = "fluxsecrets.partial-history"
partial_history_option: Decorator = click.option(
    "--partial-history",
    is_flag=True,
    expose_value=False,
    callback=_keep_partial,
    help="In a shallow clone: go by the commits that are there.",
)


def make_session(config: Path | None = None) -> Session:
    """The session of this process.

    Args:
        config: `--config`; it is read at once, so that a fault in it is said before any file is touched.

    Raises:
        ConfigError, FileAccessError: it is not there, or invalid; or what is to be done cannot be logged,
            and has to be.
    """
    context = click.get_current_context(silent=True)
    order = None if context is None else context.meta.get(_ORDER)
    session = Session(
        dict(os.environ),
        Path.cwd(),
        config_path=config,
        ask=_ask,
        notify=_notify,
        warn=_warn,
        order=order,
        partial_history=context is not None and bool(context.meta.get(_PARTIAL)),
    )
    start_log(session)
    if config is not None:
        session.load_config(session.cwd / config)
    return session


_PATHS = ("paths", "path", "file")
_DETAILS = ("environment", "key", "name", "identity", "filename", "output", "spec")
"""What the log says of a command line; nothing that could be a value."""


_VALUES = ("value", "arguments")
"""What may be a value by right, or a command with one in it."""


def start_log(session: Session) -> None:
    """Log the command that is being run, where that is wanted; before it does anything.

    Raises:
        ConfigError, FileAccessError: it cannot be logged, and has to be.
        UsageError: a private key is on the command line.
    """
    context = click.get_current_context(silent=True)
    run = context.find_object(Logged) if context is not None else None
    if context is None or run is None:
        return
    given = {name: value for name, value in context.params.items() if value not in (None, (), "", False)}
    paths = [text for name in _PATHS for text in _texts(given.get(name))]
    details: dict[str, object] = {
        name: str(given[name]) for name in _DETAILS if name in given and given[name] is not True
    }
    named = [text for name, value in given.items() if name not in _VALUES for text in _texts(value)]
    if any(holds_private_key(text) for text in named):
        raise UsageError(
            "a private key does not belong on a command line: others on this machine see it there, "
            "and it is in your shell's history now",
            hint="give the file that it is in, or - for standard input; and make a new key",
        )
    switches = sorted(name.replace("_", "-") for name, value in given.items() if value is True)
    run.start(
        Call(
            f"fluxsecrets {__version__}",
            context.command_path.partition(" ")[2],
            tuple(paths),
            {**details, **({"switches": switches} if switches else {})},
        ),
        session.environ,
        session.cwd,
    )


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return tuple(str(each) for each in values)


def _ask(question: str) -> str:
    from fluxsecrets.keys.prompt import ask_at_terminal

    return ask_at_terminal(question)


def _notify(text: str) -> None:
    from fluxsecrets.report.text import printable

    click.echo(printable(text), err=True)


def _warn(text: str) -> None:
    from fluxsecrets.report.text import printable

    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        click.echo(printable(f"warning: {text}"), err=True)
