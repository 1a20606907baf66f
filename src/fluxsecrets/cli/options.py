"""Options that several commands share, and the session that they give."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluxsecrets.ops.session import Session, parse_order
from fluxsecrets.report.text import printable

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMAT_NAMES = ("yaml", "json", "dotenv", "ini", "binary")

env_option: Decorator = click.option(
    "--env", "environment", metavar="NAME", help="All secrets of one environment."
)
format_option: Decorator = click.option(
    "--format", "report", type=click.Choice(["text", "json"]), help="How to report; text unless told."
)
quiet_option: Decorator = click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
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


def make_session(config: Path | None = None) -> Session:
    """The session of this process.

    Args:
        config: `--config`; it is read at once, so that a fault in it is said before any file is touched.

    Raises:
        ConfigError, FileAccessError: it is not there, or invalid.
    """
    context = click.get_current_context(silent=True)
    order = None if context is None else context.meta.get(_ORDER)
    session = Session(
        dict(os.environ), Path.cwd(), config_path=config, ask=_ask, notify=_notify, warn=_warn, order=order
    )
    if config is not None:
        session.load_config(session.cwd / config)
    return session


def _ask(question: str) -> str:
    from fluxsecrets.keys.prompt import ask_at_terminal

    return ask_at_terminal(question)


def _notify(text: str) -> None:
    click.echo(printable(text), err=True)


def _warn(text: str) -> None:
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        click.echo(printable(f"warning: {text}"), err=True)
